-- The product's tables: who our customers are, how a demo begins and ends, who holds which number, what was sent.
--
-- Serves: the demo's life (sign-up, code, activation, undo, expiry), login, messages and the audit trail. Every rule that a
-- type or function of `domain` holds, a constraint here holds again, so that a person at psql cannot break it either.
-- Old code: none, these are the first product tables. Needs: trunkline.now() of the migration before.
-- Undone by: drop schema product cascade. The role trunkline_app stays, other databases of the server may use it.

create schema product;

-- Roles belong to the server, not to the database: another database's migration may make it between our look and our deed.
do $$
begin
    if not exists (select from pg_roles where rolname = 'trunkline_app') then
        create role trunkline_app nologin nosuperuser nobypassrls;
    end if;
exception when duplicate_object or unique_violation then null;
end
$$;

-- ---------------------------------------------------------------- the rules that many tables share

-- Row-level security asks this. A transaction says with SET LOCAL for whom it works; one that says nothing sees nothing.
create function product.may_see(tenant_id uuid) returns boolean
    language sql stable parallel safe
    as $$
        select current_setting('trunkline.tenant', true) = tenant_id::text
            or current_setting('trunkline.scope', true) = 'platform'
    $$;

-- E.164: a plus, no leading zero, 7 to 15 digits.
create domain product.phone as text constraint phone_is_e164 check (value ~ '^\+[1-9][0-9]{6,14}$');

-- RFC 5321 allows a path of 256 octets, two of them angle brackets.
create domain product.email as text
    constraint email_is_plausible check (length(value) <= 254 and value ~ '^[^@[:space:]]{1,64}@[^@[:space:]]+$');

-- An HMAC-SHA256 or SHA-256.
create domain product.digest as bytea constraint digest_has_32_bytes check (octet_length(value) = 32);

create domain product.locale as text constraint locale_is_a_tag check (value ~ '^[a-z]{2}(-[A-Z]{2})?$');

-- ---------------------------------------------------------------- tenants

create table product.tenants (
    tenant_id uuid constraint tenants_key primary key,
    company_name text not null constraint company_name_fits check (length(company_name) between 1 and 200),
    status text not null constraint status_is_known
        check (status in ('demo_pending', 'trial', 'active', 'suspended', 'expired', 'offboarded')),
    demo_expires_at timestamptz,
    stripe_customer_id text constraint stripe_customer_serves_one_tenant unique,
    created_at timestamptz not null default trunkline.now(),
    updated_at timestamptz not null default trunkline.now(),
    constraint a_trial_ends check (status <> 'trial' or demo_expires_at is not null),
    constraint a_pending_demo_has_not_begun check (status <> 'demo_pending' or demo_expires_at is null),
    constraint a_demo_is_not_billed
        check (status not in ('demo_pending', 'trial') or stripe_customer_id is null)
);
comment on column product.tenants.status is 'trial: a running demo (also called demo).';
create index tenants_demo_expiry_order on product.tenants (demo_expires_at) where status = 'trial';

create table product.tenant_status_history (
    change_id bigint generated always as identity constraint tenant_status_history_key primary key,
    tenant_id uuid not null references product.tenants on delete cascade,
    previous_status text,
    status text not null,
    reason text not null constraint reason_fits check (length(reason) between 1 and 200),
    changed_at timestamptz not null default trunkline.now(),
    constraint a_change_changes check (previous_status is distinct from status)
);
create index tenant_status_history_order on product.tenant_status_history (tenant_id, change_id);

-- ---------------------------------------------------------------- sign-ups

-- No reference to tenants: the API writes this row before the tenant exists, and it outlives a tenant that was undone.
create table product.demo_signups (
    tenant_id uuid constraint demo_signups_key primary key,
    bot_id uuid not null,
    job_id uuid not null constraint a_job_serves_one_signup unique,
    company_name text constraint company_name_fits check (length(company_name) between 1 and 200),
    first_name text constraint first_name_fits check (length(first_name) between 1 and 100),
    last_name text constraint last_name_fits check (length(last_name) between 1 and 100),
    email product.email,
    phone product.phone,
    industry text constraint industry_fits check (length(industry) between 1 and 100),
    use_case text constraint use_case_fits check (length(use_case) between 1 and 2000),
    locale product.locale not null,
    status text not null default 'pending_verification' constraint status_is_known
        check (status in ('pending_verification', 'provisioning', 'waitlisted', 'active', 'expired', 'failed')),
    access_token_hash product.digest,
    ip_hash product.digest,
    created_at timestamptz not null default trunkline.now(),
    updated_at timestamptz not null default trunkline.now(),
    expires_at timestamptz not null,
    constraint a_failed_signup_forgets_the_person check (
        status <> 'failed'
        or num_nonnulls(company_name, first_name, last_name, email, phone, industry, use_case,
                        access_token_hash, ip_hash) = 0
    ),
    constraint an_open_signup_can_be_reached check (
        status not in ('pending_verification', 'provisioning', 'waitlisted', 'active')
        or num_nonnulls(company_name, first_name, last_name, email, phone) = 5
    )
);
comment on column product.demo_signups.expires_at is 'When the demo ends; until it is active, when it would end if it were active at once.';
create unique index one_open_signup_per_phone_and_email on product.demo_signups (phone, lower(email))
    where status in ('pending_verification', 'provisioning', 'waitlisted', 'active');
create index demo_signups_latest_by_phone on product.demo_signups (phone, created_at desc) where phone is not null;

create table product.demo_verification_codes (
    code_id uuid constraint demo_verification_codes_key primary key,
    tenant_id uuid not null references product.tenants on delete cascade,
    phone product.phone not null,
    code_hmac product.digest,
    attempts smallint not null default 0 constraint three_attempts_per_code check (attempts between 0 and 3),
    created_at timestamptz not null default trunkline.now(),
    expires_at timestamptz not null,
    used_at timestamptz,
    replaced_at timestamptz,
    constraint a_code_lives_a_while check (expires_at > created_at),
    constraint a_replaced_code_is_forgotten check (replaced_at is null or code_hmac is null)
);
comment on column product.demo_verification_codes.code_hmac is 'The code itself is never stored. Null: forgotten, the row only counts.';
create unique index one_current_code_per_tenant on product.demo_verification_codes (tenant_id) where replaced_at is null;
create index demo_verification_codes_latest_by_phone
    on product.demo_verification_codes (phone, created_at desc) where replaced_at is null;
create index demo_verification_codes_age on product.demo_verification_codes (created_at);

-- ---------------------------------------------------------------- what a tenant has

create table product.bots (
    bot_id uuid constraint bots_key primary key,
    tenant_id uuid not null references product.tenants on delete cascade,
    name text not null constraint name_fits check (length(name) between 1 and 100),
    system_prompt text not null constraint system_prompt_fits check (length(system_prompt) between 1 and 20000),
    locale product.locale not null,
    created_at timestamptz not null default trunkline.now()
);
create index bots_by_tenant on product.bots (tenant_id);

create table product.subscription_plans (
    plan text constraint subscription_plans_key primary key
        constraint plan_is_a_name check (plan ~ '^[a-z][a-z0-9_]{0,62}$'),
    daily_calls_max integer not null constraint daily_calls_are_positive check (daily_calls_max > 0),
    talk_secs_max integer not null constraint talk_time_is_positive check (talk_secs_max > 0),
    lifetime_hours integer constraint lifetime_is_positive check (lifetime_hours > 0)
);
comment on column product.subscription_plans.lifetime_hours is 'Null: runs until it is cancelled.';
insert into product.subscription_plans values ('demo', 50, 7200, 72);

create table product.subscriptions (
    subscription_id uuid constraint subscriptions_key primary key,
    tenant_id uuid not null references product.tenants on delete cascade,
    plan text not null references product.subscription_plans,
    daily_calls_max integer not null constraint daily_calls_are_positive check (daily_calls_max > 0),
    talk_secs_max integer not null constraint talk_time_is_positive check (talk_secs_max > 0),
    status text not null default 'active' constraint status_is_known check (status in ('active', 'cancelled')),
    stripe_subscription_id text constraint stripe_subscription_is_ours_once unique,
    created_at timestamptz not null default trunkline.now(),
    ends_at timestamptz,
    constraint a_demo_is_not_billed check (plan <> 'demo' or stripe_subscription_id is null)
);
comment on column product.subscriptions.daily_calls_max is 'As agreed when it was opened; a later change of the plan leaves it alone.';
create unique index one_active_subscription_per_tenant on product.subscriptions (tenant_id) where status = 'active';

-- The same person may have several demos, so an e-mail is unique within a tenant only; login tries the password on each of
-- the open accounts with that e-mail.
create table product.users (
    user_id uuid constraint users_key primary key,
    tenant_id uuid not null references product.tenants on delete cascade,
    email product.email not null,
    first_name text not null constraint first_name_fits check (length(first_name) between 1 and 100),
    last_name text not null constraint last_name_fits check (length(last_name) between 1 and 100),
    password_hash text not null constraint password_is_argon2id check (password_hash like '$argon2id$%'),
    must_change_password boolean not null default true,
    session_version integer not null default 1 constraint session_version_rises check (session_version > 0),
    role text not null constraint role_is_known check (role in ('customer_admin')),
    is_active boolean not null default true,
    created_at timestamptz not null default trunkline.now(),
    updated_at timestamptz not null default trunkline.now(),
    constraint a_user_is_of_one_tenant unique (user_id, tenant_id)
);
create unique index one_user_per_email_in_a_tenant on product.users (tenant_id, lower(email));
create index users_by_email on product.users (lower(email), created_at) where is_active;

create table product.sessions (
    token_hash product.digest constraint sessions_key primary key,
    user_id uuid not null,
    tenant_id uuid not null,
    session_version integer not null,
    created_at timestamptz not null default trunkline.now(),
    expires_at timestamptz not null,
    constraint a_session_is_of_its_users_tenant
        foreign key (user_id, tenant_id) references product.users (user_id, tenant_id) on delete cascade
);
comment on column product.sessions.session_version is 'Valid only while it equals the user''s: raising that ends all sessions at once.';
create index sessions_by_user on product.sessions (user_id);
create index sessions_expiry_order on product.sessions (expires_at);

-- The temporary password, until it is told once.
create table product.demo_access (
    tenant_id uuid constraint demo_access_key primary key references product.tenants on delete cascade,
    password_sealed bytea constraint password_sealed_fits check (octet_length(password_sealed) between 1 and 4096),
    delivered_at timestamptz,
    constraint what_was_told_is_forgotten check (password_sealed is null or delivered_at is null)
);

-- ---------------------------------------------------------------- numbers

create table product.phone_pool (
    phone product.phone constraint phone_pool_key primary key,
    status text not null default 'available' constraint status_is_known
        check (status in ('available', 'allocated', 'quarantined', 'maintenance')),
    -- No cascade: a tenant that still holds a number cannot be deleted.
    tenant_id uuid constraint a_number_is_released_before_its_tenant_goes references product.tenants,
    allocated_at timestamptz,
    quarantined_until timestamptz,
    is_placeholder boolean not null default false,
    capabilities jsonb not null default '{"voice": true, "sms": true}',
    created_at timestamptz not null default trunkline.now(),
    constraint owned_iff_allocated check ((status = 'allocated') = (tenant_id is not null)),
    constraint dated_iff_allocated check ((status = 'allocated') = (allocated_at is not null)),
    constraint dated_iff_quarantined check ((status = 'quarantined') = (quarantined_until is not null))
);
comment on column product.phone_pool.is_placeholder is 'Fictional: no carrier will ever ring it.';
comment on column product.phone_pool.quarantined_until is 'Until then the last owner''s callers may still ring; afterwards it is as good as available.';
create unique index one_pool_number_per_tenant on product.phone_pool (tenant_id) where status = 'allocated';
create index phone_pool_free on product.phone_pool (status, quarantined_until)
    where status in ('available', 'quarantined');

create table product.phone_mappings (
    mapping_id uuid constraint phone_mappings_key primary key,
    tenant_id uuid not null references product.tenants on delete cascade,
    phone product.phone not null,
    is_active boolean not null default true,
    created_at timestamptz not null default trunkline.now(),
    allocated_at timestamptz not null default trunkline.now(),
    released_at timestamptz,
    constraint active_until_released check (is_active = (released_at is null))
);
create unique index one_tenant_per_active_number on product.phone_mappings (phone) where is_active;
create index phone_mappings_by_tenant on product.phone_mappings (tenant_id);

create table product.number_waitlist (
    tenant_id uuid constraint number_waitlist_key primary key references product.tenants on delete cascade,
    place bigint generated always as identity constraint places_are_distinct unique,
    job_id uuid not null,
    created_at timestamptz not null default trunkline.now()
);

-- ---------------------------------------------------------------- messages

-- The order in which a message's news may arrive; news of a lower rank is late and changes nothing. Twilio gives neither
-- time nor sequence with its callbacks, so the status itself is all there is to order by.
create function product.message_rank(status text) returns smallint
    language sql immutable strict parallel safe
    as $$
        select (case status
            when 'pending' then 0
            when 'accepted' then 1 when 'scheduled' then 1 when 'receiving' then 1
            when 'queued' then 2
            when 'sending' then 3
            when 'sent' then 4
            when 'delivered' then 5 when 'undelivered' then 5 when 'failed' then 5 when 'canceled' then 5
            when 'skipped' then 5 when 'received' then 5 when 'partially_delivered' then 5
            when 'read' then 6
        end)::smallint
    $$;

create table product.messages (
    message_id uuid constraint messages_key primary key,
    tenant_id uuid references product.tenants on delete set null,
    direction text not null constraint direction_is_known check (direction in ('inbound', 'outbound')),
    purpose text not null constraint purpose_is_a_name check (purpose ~ '^[a-z][a-z0-9_]{0,62}$'),
    to_phone product.phone not null,
    from_phone product.phone,
    body_sealed bytea constraint body_sealed_fits check (octet_length(body_sealed) between 1 and 16384),
    provider_sid text constraint a_provider_message_is_ours_once unique
        constraint provider_sid_has_its_shape check (provider_sid ~ '^(SM|MM)[0-9a-f]{32}$'),
    status text not null default 'pending',
    rank smallint not null default 0,
    error_code integer,
    attempts smallint not null default 0 constraint attempts_are_counted check (attempts >= 0),
    attempted_at timestamptz,
    created_at timestamptz not null default trunkline.now(),
    updated_at timestamptz not null default trunkline.now(),
    constraint rank_is_that_of_the_status check (rank is not distinct from product.message_rank(status)),
    constraint dated_iff_attempted check ((attempts > 0) = (attempted_at is not null)),
    constraint skipped_means_never_attempted check (status <> 'skipped' or provider_sid is null)
);
comment on column product.messages.attempted_at is 'When the newest attempt to hand it over began. With status pending: whether it left is not known yet.';
create index messages_by_tenant on product.messages (tenant_id, created_at);
create index messages_of_unknown_fate on product.messages (attempted_at) where status = 'pending' and attempts > 0;

-- ---------------------------------------------------------------- limits and audit

create table product.rate_limits (
    scope text not null constraint scope_is_a_name check (scope ~ '^[a-z][a-z0-9_.]{0,62}$'),
    key_hash product.digest not null,
    window_start timestamptz not null,
    window_end timestamptz not null,
    count integer not null constraint hits_are_counted check (count > 0),
    constraint rate_limits_key primary key (scope, key_hash),
    constraint a_window_is_open_a_while check (window_end > window_start)
);
comment on column product.rate_limits.key_hash is 'Keyed hash of an address or a phone; neither is ever stored here in the clear.';
create index rate_limits_expiry_order on product.rate_limits (window_end);

-- No reference to tenants: the record of what was done to a tenant outlives it.
create table product.audit_log (
    audit_id bigint generated always as identity constraint audit_log_key primary key,
    at timestamptz not null default trunkline.now(),
    action text not null constraint action_is_a_name check (action ~ '^[a-z][a-z0-9_.]{0,62}$'),
    tenant_id uuid,
    actor text not null constraint actor_fits check (length(actor) between 1 and 200),
    phone_masked text constraint phone_is_masked check (phone_masked !~ '[0-9]{7}'),
    ip_hash product.digest,
    details jsonb not null default '{}'
);
create index audit_log_by_tenant on product.audit_log (tenant_id, audit_id);
create index audit_log_by_action on product.audit_log (action, audit_id);

-- ---------------------------------------------------------------- names by which older scripts know the tables

create view product.phone_number_mappings with (security_invoker = true) as select * from product.phone_mappings;
create view product.twilio_phone_pool with (security_invoker = true) as
    select phone as phone_number, status, tenant_id, allocated_at, capabilities, created_at from product.phone_pool;

-- ---------------------------------------------------------------- who may see and do what

do $$
declare
    name text;
begin
    foreach name in array array[
        'tenants', 'tenant_status_history', 'demo_signups', 'demo_verification_codes', 'bots', 'subscriptions', 'users',
        'sessions', 'demo_access', 'phone_pool', 'phone_mappings', 'number_waitlist', 'messages', 'audit_log'
    ] loop
        execute format('alter table product.%I enable row level security', name);
        execute format('alter table product.%I force row level security', name); -- the owner is bound by it too
        execute format(
            'create policy only_ones_own on product.%I using (product.may_see(tenant_id)) with check (product.may_see(tenant_id))',
            name
        );
    end loop;
end
$$;

grant usage on schema product to trunkline_app;
revoke execute on all functions in schema product from public;
grant execute on all functions in schema product to trunkline_app;
grant select on all tables in schema product to trunkline_app;
grant insert, update, delete on
    product.tenants, product.demo_verification_codes, product.users, product.sessions, product.demo_access,
    product.phone_mappings, product.number_waitlist, product.rate_limits
    to trunkline_app;
grant insert, update on product.demo_signups, product.phone_pool, product.messages, product.subscriptions to trunkline_app;
grant insert, delete on product.bots to trunkline_app;
grant delete on product.subscriptions to trunkline_app;
-- Append-only: what happened is never rewritten, not even by us.
grant insert on product.tenant_status_history, product.audit_log to trunkline_app;
