-- Keys of tenants, for their own programs: each with a name, an end if it is to have one, and a limit, kept as a hash. Looked
-- up by id before anybody knows whose request it is. See docs/decisions/0040.
-- Processes of the version before go on: they let in sessions only. Undone by dropping what is created here.

create table product.tenant_keys (
    key_id text not null constraint tenant_keys_key primary key
        constraint key_id_is_twelve_digits check (key_id ~ '^[0-9a-f]{12}$'),
    tenant_id uuid not null references product.tenants (tenant_id) on delete cascade,
    name text not null constraint key_has_a_name check (length(name) between 1 and 60),
    per_minute integer not null constraint a_key_may_ask check (per_minute between 1 and 6000),
    secret_hash product.digest not null,
    made_at timestamptz not null default trunkline.now(),
    made_by text not null constraint made_by_fits check (length(made_by) between 1 and 200),
    lasts interval,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    revoked_by text constraint revoked_by_fits check (length(revoked_by) between 1 and 200),
    replaces text,
    constraint a_key_is_of_one_tenant unique (tenant_id, key_id),
    constraint a_key_takes_the_place_of_its_tenants foreign key (tenant_id, replaces)
        references product.tenant_keys (tenant_id, key_id) on delete set null (replaces),
    constraint revoked_by_somebody check ((revoked_at is null) = (revoked_by is null)),
    constraint only_what_lasts_ends check (lasts is null or expires_at is not null)
);
create index tenant_keys_by_age on product.tenant_keys (tenant_id, made_at desc, key_id);
create index tenant_keys_by_predecessor on product.tenant_keys (tenant_id, replaces) where replaces is not null;
create index tenant_keys_expiry_order on product.tenant_keys (least(expires_at, revoked_at))
    where num_nonnulls(expires_at, revoked_at) > 0;
comment on column product.tenant_keys.secret_hash is 'SHA-256 of the whole key, which has 256 bits of chance in it and stands nowhere.';
comment on column product.tenant_keys.lasts is 'How long it was made for; the one that takes its place lasts as long. Null: it has no end of its own.';
comment on column product.tenant_keys.expires_at is 'Set where it was made for a time, and when another key has taken its place.';

alter table product.tenant_keys enable row level security;
alter table product.tenant_keys force row level security; -- the owner is bound by it too
create policy only_ones_own on product.tenant_keys
    using (product.may_see(tenant_id)) with check (product.may_see(tenant_id));

-- Deleted with the tenant, by an erasure, and long after they are over.
grant select, insert, update, delete on product.tenant_keys to trunkline_app;
