-- Talk that a plan bills by use, usage that is counted by what has changed, and one answer to what is in force.
--
-- Serves: metering, and whoever asks whether a tenant has paid for calls and messages. Old code survives: a column that may be
-- null, a view, indexes. Undone by dropping what is created here.

alter table product.subscription_plans
    add column talk_meter_event_name text
        constraint talk_meter_event_is_a_name check (talk_meter_event_name ~ '^[a-z][a-z0-9_]{0,62}$'),
    add constraint a_demo_has_no_talk_meter check (plan <> 'demo' or talk_meter_event_name is null);
comment on column product.subscription_plans.talk_meter_event_name is
    'The Stripe meter that its seconds of talk are reported to. Null: billed as a whole.';

-- What a call or a message is counted by: when something was last heard of it.
create index calls_by_change on product.calls (updated_at) where tenant_id is not null and ended_at is not null;
create index messages_by_change on product.messages (updated_at) where tenant_id is not null;

-- What a tenant may use. A demo's end counts from its instant on, whoever writes it down later.
create view product.subscriptions_in_force with (security_invoker = true) as
    select subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max, created_at
    from product.subscriptions
    where status = 'active' and (ends_at is null or ends_at > trunkline.now());
grant select on product.subscriptions_in_force to trunkline_app;
