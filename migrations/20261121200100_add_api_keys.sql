-- Keys of operators: each with a name, scopes, an end and a limit, kept as a hash. The configured key stays, as the one that
-- makes the first of them. See docs/decisions/0027.
-- Processes of the version before go on: they know the configured key only. Undone by dropping what is created here.

create table product.api_keys (
    key_id text not null constraint api_keys_key primary key
        constraint key_id_is_twelve_digits check (key_id ~ '^[0-9a-f]{12}$'),
    name text not null constraint key_has_a_name check (length(name) between 1 and 60),
    scopes text[] not null constraint scopes_are_known check (
        cardinality(scopes) > 0
        and scopes <@ array['read', 'jobs', 'queues', 'tenants', 'billing', 'switches', 'keys']
    ),
    per_minute integer not null constraint a_key_may_ask check (per_minute between 1 and 6000),
    secret_hash product.digest not null,
    made_at timestamptz not null default trunkline.now(),
    made_by text not null constraint made_by_fits check (length(made_by) between 1 and 200),
    lasts interval,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    revoked_by text constraint revoked_by_fits check (length(revoked_by) between 1 and 200),
    replaces text constraint a_key_takes_the_place_of_one references product.api_keys (key_id),
    constraint revoked_by_somebody check ((revoked_at is null) = (revoked_by is null)),
    constraint only_what_lasts_ends check (lasts is null or expires_at is not null)
);
create index api_keys_by_age on product.api_keys (made_at desc, key_id);
create index api_keys_by_predecessor on product.api_keys (replaces) where replaces is not null;
comment on column product.api_keys.secret_hash is 'SHA-256 of the whole key, which has 256 bits of chance in it and stands nowhere.';
comment on column product.api_keys.lasts is 'How long it was made for; the one that takes its place lasts as long. Null: it has no end of its own.';
comment on column product.api_keys.expires_at is 'Set where it was made for a time, and when another key has taken its place.';

-- No tenant has them: a transaction that works for one tenant sees none.
alter table product.api_keys enable row level security;
alter table product.api_keys force row level security; -- the owner is bound by it too
create policy operators_only on product.api_keys
    using (product.may_see(null::uuid)) with check (product.may_see(null::uuid));

-- No delete: who had which key is part of the record.
grant select, insert, update on product.api_keys to trunkline_app;
