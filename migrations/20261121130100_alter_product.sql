-- Talk that a plan bills by use, usage that is counted by what has changed, one answer to what is in force, and messages that
-- are sent again.
--
-- Serves: metering, whoever asks whether a tenant has paid for calls and messages, and messages that the network did not
-- deliver this time. Old code survives: columns with defaults or nulls, a view, indexes. Undone by dropping what is created
-- here.

alter table product.subscription_plans
    add column talk_meter_event_name text
        constraint talk_meter_event_is_a_name check (talk_meter_event_name ~ '^[a-z][a-z0-9_]{0,62}$'),
    add constraint a_demo_has_no_talk_meter check (plan <> 'demo' or talk_meter_event_name is null);
comment on column product.subscription_plans.talk_meter_event_name is
    'The Stripe meter that its seconds of talk are reported to. Null: billed as a whole.';

-- A message that was not delivered is sent again as a new one; the occasion says whether that still helps.
alter table product.messages
    add column occasion text constraint occasion_is_a_word check (occasion ~ '^[a-z][a-z0-9_]{0,62}$'),
    add column resends smallint not null default 0 constraint resends_are_few check (resends between 0 and 9);
comment on column product.messages.resends is 'How many before this one said the same and were not delivered.';

-- What a call or a message is counted by: when something was last heard of it.
create index calls_by_change on product.calls (updated_at) where tenant_id is not null and ended_at is not null;
create index messages_by_change on product.messages (updated_at) where tenant_id is not null;

-- What a tenant may use. A demo's end counts from its instant on, whoever writes it down later.
create view product.subscriptions_in_force with (security_invoker = true) as
    select subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max, created_at
    from product.subscriptions
    where status = 'active' and (ends_at is null or ends_at > trunkline.now());
grant select on product.subscriptions_in_force to trunkline_app;
