-- Credentials of providers, sealed, so that they are exchanged without a restart: each version of one with who set it, and until
-- when it counts. What is not here comes from the environment. See docs/decisions/0048.
-- Processes of the version before go on: they know their environment only, so nothing is set here before all are of this
-- version. Undone by dropping what is created here, and the environment counts again.

create table product.provider_credentials (
    credential text not null constraint credential_is_known check (
        credential in ('twilio_auth_token', 'stripe_secret_key', 'stripe_webhook_secret', 'openai_api_key')
    ),
    version integer not null constraint versions_count_up check (version > 0),
    sealed bytea,
    fingerprint text not null constraint fingerprint_is_twelve_digits check (fingerprint ~ '^[0-9a-f]{12}$'),
    set_at timestamptz not null default trunkline.now(),
    set_by text not null constraint set_by_fits check (length(set_by) between 1 and 200),
    configured_until timestamptz,
    expires_at timestamptz,
    retired_at timestamptz,
    retired_by text constraint retired_by_fits check (length(retired_by) between 1 and 200),
    constraint provider_credentials_key primary key (credential, version),
    constraint retired_by_somebody check ((retired_at is null) = (retired_by is null)),
    constraint what_is_over_is_not_kept check (sealed is null or retired_at is null),
    constraint the_newest_has_its_box check (sealed is not null or expires_at is not null or retired_at is not null)
);
create unique index provider_credentials_newest on product.provider_credentials (credential)
    where expires_at is null and retired_at is null;
create index provider_credentials_kept on product.provider_credentials (credential, version desc)
    where sealed is not null;
create index provider_credentials_by_age on product.provider_credentials (set_at desc, credential, version desc);
comment on table product.provider_credentials is 'What providers know us by. A row is for ever, its secret only for as long as it counts.';
comment on column product.provider_credentials.sealed is 'The secret with its name, sealed. Null: it is over, and forgotten.';
comment on column product.provider_credentials.fingerprint is 'Of a hash under the pepper: the same secret has the same one, and nobody finds the secret by it.';
comment on column product.provider_credentials.configured_until is 'Set where nothing of it counted here before: until then signatures by what processes were configured with are taken, too.';
comment on column product.provider_credentials.expires_at is 'Set when a newer one has taken its place: until then signatures by it are taken, too. Null: it is the newest.';
comment on column product.provider_credentials.retired_at is 'When it was ended by hand.';

-- No tenant has them: a transaction that works for one tenant sees none.
alter table product.provider_credentials enable row level security;
alter table product.provider_credentials force row level security; -- the owner is bound by it too
create policy operators_only on product.provider_credentials
    using (product.may_see(null::uuid)) with check (product.may_see(null::uuid));

-- No delete: who set what is part of the record.
grant select, insert, update on product.provider_credentials to trunkline_app;
