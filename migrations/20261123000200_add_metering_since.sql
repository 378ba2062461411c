-- Since when a tenant's use counts for its plan's meters, what Stripe is being told at the moment, and what it was not told.
--
-- Serves: metering (`domain/src/billing/telling.rs`). See docs/decisions/0049. Old code survives: columns with nulls; what it
-- tells, it tells as before. Undone by dropping what is created here.

alter table product.subscriptions add column metered_from timestamptz;
comment on column product.subscriptions.metered_from is 'When its plan brought a meter that the one before had not. Null: it has had its meters since created_at.';

alter table product.subscription_plans
    add column metered_since timestamptz,
    add column talk_metered_since timestamptz;
comment on column product.subscription_plans.metered_since is 'When it got the meter of its outbound messages. Null: as long as anybody has it.';
comment on column product.subscription_plans.talk_metered_since is 'When it got the meter of its seconds of talk. Null: as long as anybody has it.';

alter table product.usage_events
    add column telling_quantity bigint constraint telling_is_positive check (telling_quantity > 0),
    add column telling_since timestamptz,
    add column left_why text constraint left_why_is_known check (left_why in ('refused', 'doubtful')),
    add column left_for text,
    add constraint being_told_since check ((telling_quantity is null) = (telling_since is null)) not valid,
    add constraint left_for_a_meter check ((left_why is null) = (left_for is null)) not valid,
    add constraint doubtful_is_being_told check (left_why <> 'doubtful' or telling_quantity is not null) not valid;
comment on column product.usage_events.telling_quantity is 'The total that Stripe is being told of, or was without an answer: it is told again until there is one.';
comment on column product.usage_events.telling_since is 'When that began. Stripe counts a repeat once for a day.';
comment on column product.usage_events.left_why is 'refused: Stripe does not take it. doubtful: Stripe may have counted it, and can no longer tell a repeat.';
comment on column product.usage_events.left_for is 'The meter and the customer that it was left for; what was refused is told again for others.';
