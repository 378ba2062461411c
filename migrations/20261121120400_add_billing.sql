-- Billing: what tenants have subscribed to at Stripe, what was decided about it, how our books compare, and what was used.
--
-- Serves: the workflows of queue `billing`, the operators' view of a tenant's billing, the daily reconciliation and metering.
-- Old code survives: columns with defaults or nulls, and more words for a status that it writes but one of. Undone by dropping
-- what is created here, after every subscription that is neither active nor cancelled has become one of them.

-- ---------------------------------------------------------------- plans

alter table product.subscription_plans
    add column stripe_price_id text constraint a_price_is_of_one_plan unique
        constraint price_has_its_shape check (stripe_price_id ~ '^[A-Za-z0-9_.-]{1,255}$'),
    add column meter_event_name text constraint meter_event_is_a_name check (meter_event_name ~ '^[a-z][a-z0-9_]{0,62}$'),
    add constraint a_demo_has_no_price check (plan <> 'demo' or (stripe_price_id is null and meter_event_name is null));
comment on column product.subscription_plans.stripe_price_id is 'Null: cannot be bought.';
comment on column product.subscription_plans.meter_event_name is 'The Stripe meter that its outbound messages are reported to. Null: billed as a whole.';

-- ---------------------------------------------------------------- subscriptions

alter table product.subscriptions
    drop constraint status_is_known,
    add constraint status_is_known check (status in ('pending', 'active', 'lapsed', 'cancelled')),
    add column quantity integer not null default 1 constraint quantity_is_positive check (quantity > 0),
    add column stripe_customer_id text,
    add column stripe_price_id text,
    add column stripe_status text constraint stripe_status_is_known check (stripe_status in
        ('active', 'canceled', 'incomplete', 'incomplete_expired', 'past_due', 'paused', 'trialing', 'unpaid')),
    add column livemode boolean,
    add column cancel_at_period_end boolean not null default false,
    add column current_period_start timestamptz,
    add column current_period_end timestamptz,
    add column trial_end timestamptz,
    add column stripe_seen_at timestamptz,
    add column opened_by uuid,
    add column updated_at timestamptz not null default trunkline.now(),
    add constraint what_is_seen_is_known check ((stripe_status is null) = (stripe_seen_at is null)),
    add constraint pending_until_it_has_an_id check (status <> 'pending' or stripe_subscription_id is null);
comment on column product.subscriptions.status is 'pending: being opened. active: in force. lapsed: unpaid, paused or incomplete. cancelled: over.';
comment on column product.subscriptions.stripe_seen_at is 'Before Stripe was asked for what stands here. What was asked for earlier is late.';
comment on column product.subscriptions.opened_by is 'The job that opened it.';
create unique index one_pending_subscription_per_tenant on product.subscriptions (tenant_id) where status = 'pending';
create index subscriptions_by_tenant on product.subscriptions (tenant_id, created_at);
-- The reconciliation walks through them.
create index subscriptions_live_at_stripe on product.subscriptions (stripe_subscription_id)
    where stripe_subscription_id is not null and status in ('active', 'lapsed');

-- ---------------------------------------------------------------- what was decided

-- No reference to tenants: the record outlives them.
create table product.billing_events (
    billing_event_id bigint generated always as identity constraint billing_events_key primary key,
    at timestamptz not null default trunkline.now(),
    tenant_id uuid,
    subscription_id uuid,
    stripe_object text constraint stripe_object_has_its_shape check (stripe_object ~ '^[A-Za-z0-9_]{1,255}$'),
    source text not null constraint source_is_known check (source in ('workflow', 'webhook', 'reconciliation')),
    kind text not null constraint kind_is_a_name check (kind ~ '^[a-z][a-z0-9_]{0,62}$'),
    before jsonb,
    after jsonb,
    run_id uuid not null
);
comment on column product.billing_events.run_id is 'The job that did it.';
create index billing_events_by_tenant on product.billing_events (tenant_id, billing_event_id);
create index billing_events_by_run on product.billing_events (run_id);

-- ---------------------------------------------------------------- how the books compare

create table product.reconciliation_runs (
    run_id uuid constraint reconciliation_runs_key primary key,
    started_at timestamptz not null default trunkline.now(),
    finished_at timestamptz,
    report jsonb,
    constraint reported_iff_finished check ((finished_at is null) = (report is null))
);
create index reconciliation_runs_order on product.reconciliation_runs (started_at);

-- Which subscriptions a run has met at Stripe. Its rows go with its end.
create table product.reconciliation_seen (
    run_id uuid not null references product.reconciliation_runs on delete cascade,
    stripe_subscription_id text not null,
    tenant_id uuid,
    is_live boolean not null,
    constraint reconciliation_seen_key primary key (run_id, stripe_subscription_id)
);
create index reconciliation_seen_live on product.reconciliation_seen (run_id, tenant_id) where is_live;

create table product.reconciliation_findings (
    run_id uuid not null references product.reconciliation_runs on delete cascade,
    stripe_object text not null,
    kind text not null constraint kind_is_a_name check (kind ~ '^[a-z][a-z0-9_]{0,62}$'),
    tenant_id uuid,
    outcome text not null constraint outcome_is_known check (outcome in ('fixed', 'reported')),
    before jsonb,
    after jsonb,
    constraint reconciliation_findings_key primary key (run_id, kind, stripe_object)
);

-- ---------------------------------------------------------------- what was used

create table product.usage_events (
    tenant_id uuid not null references product.tenants on delete cascade,
    hour timestamptz not null constraint an_hour_begins_at_its_beginning check (date_trunc('hour', hour, 'UTC') = hour),
    kind text not null constraint kind_is_known check (kind in ('calls', 'talk_secs', 'messages_out', 'messages_in')),
    quantity bigint not null constraint usage_is_positive check (quantity > 0),
    counted_at timestamptz not null default trunkline.now(),
    reported_quantity bigint not null default 0 constraint reports_are_counted check (reported_quantity >= 0),
    constraint usage_events_key primary key (tenant_id, hour, kind)
);
comment on column product.usage_events.reported_quantity is 'How much of it Stripe was told, for plans that bill by use.';
create index usage_events_by_hour on product.usage_events (hour);

-- How far metering has come. One row.
create table product.usage_progress (
    only_one boolean constraint usage_progress_key primary key default true constraint there_is_one check (only_one),
    counted_until timestamptz not null
);

-- ---------------------------------------------------------------- who may see and do what

do $$
declare
    name text;
begin
    foreach name in array array[
        'billing_events', 'reconciliation_seen', 'reconciliation_findings', 'usage_events'
    ] loop
        execute format('alter table product.%I enable row level security', name);
        execute format('alter table product.%I force row level security', name);
        execute format(
            'create policy only_ones_own on product.%I using (product.may_see(tenant_id)) with check (product.may_see(tenant_id))',
            name
        );
    end loop;
end
$$;

grant insert, update on product.subscription_plans to trunkline_app;
-- Append-only: what happened is never rewritten, not even by us.
grant select, insert on product.billing_events to trunkline_app;
grant select, insert, update, delete on product.reconciliation_runs to trunkline_app;
grant select, insert, delete on product.reconciliation_seen, product.reconciliation_findings to trunkline_app;
grant select, insert, update on product.usage_events, product.usage_progress to trunkline_app;
