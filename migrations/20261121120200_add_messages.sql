-- Messages as conversations: who may be written to and when, who has said STOP, what was said, and whose turn it is.
--
-- Serves: the conditions of an outgoing message (opt-out, flags, quiet hours, monthly quota), the log of conversations, the hand-over
-- to a person, and the growing pause after wrong codes. Why a text stands in the clear here: docs/decisions/0015.
-- Old code survives: new tables, and columns that it does not name. Undone by dropping what is created here.

-- ---------------------------------------------------------------- what a tenant wants

create table product.messaging_settings (
    tenant_id uuid constraint messaging_settings_key primary key references product.tenants on delete cascade,
    time_zone text not null default 'Europe/Vienna'
        constraint time_zone_is_known check (timezone(time_zone, timestamptz 'epoch') is not null),
    quiet_from_min smallint constraint quiet_hours_begin_in_a_day check (quiet_from_min between 0 and 1439),
    quiet_until_min smallint constraint quiet_hours_end_in_a_day check (quiet_until_min between 0 and 1439),
    sms_enabled boolean not null default true,
    ai_response_enabled boolean not null default true,
    missed_call_sms_enabled boolean not null default true,
    owner_phone product.phone,
    updated_at timestamptz not null default trunkline.now(),
    constraint quiet_hours_have_two_ends
        check ((quiet_from_min is null) = (quiet_until_min is null) and quiet_from_min is distinct from quiet_until_min
               or num_nonnulls(quiet_from_min, quiet_until_min) = 0)
);
comment on table product.messaging_settings is 'A tenant without a row has what domain/src/messaging.rs says.';
comment on column product.messaging_settings.quiet_from_min is 'Minutes after midnight in the tenant''s zone. Both null: no quiet hours.';
comment on column product.messaging_settings.owner_phone is 'Whom alerts go to. Null: the phone of the sign-up.';

alter table product.subscription_plans
    add column conversations_monthly_max integer
        constraint monthly_conversations_are_positive check (conversations_monthly_max > 0);
comment on column product.subscription_plans.conversations_monthly_max is 'Conversations in which we write, in a calendar month of the tenant''s zone. Null: no limit.';
update product.subscription_plans set conversations_monthly_max = 100 where plan = 'demo';

-- ---------------------------------------------------------------- who does not want to hear from us

-- A word said to a sender holds for the tenant and for the sender: a number that goes to another tenant is still blocked at the
-- provider, and a tenant that gets another number still knows. No unique key: the same wish twice is the same wish, and a row
-- that loses its tenant must not collide with another.
create table product.opt_outs (
    opt_out_id bigint generated always as identity constraint opt_outs_key primary key,
    tenant_id uuid references product.tenants on delete set null,
    sender product.phone,
    phone product.phone not null,
    source text not null constraint source_is_known check (source in ('keyword', 'provider', 'operator')),
    created_at timestamptz not null default trunkline.now(),
    ended_at timestamptz,
    constraint somebody_was_told check (tenant_id is not null or sender is not null)
);
create index opt_outs_in_force on product.opt_outs (phone) where ended_at is null;
create index opt_outs_by_tenant on product.opt_outs (tenant_id);

-- ---------------------------------------------------------------- conversations

create table product.conversations (
    conversation_id uuid constraint conversations_key primary key,
    tenant_id uuid not null references product.tenants on delete cascade,
    channel text not null default 'sms' constraint channel_is_known check (channel in ('sms')),
    phone product.phone not null,
    mode text not null default 'ai' constraint mode_is_known check (mode in ('ai', 'human', 'awaiting_human')),
    mode_changed_at timestamptz not null default trunkline.now(),
    created_at timestamptz not null default trunkline.now(),
    last_message_at timestamptz not null default trunkline.now(),
    constraint one_conversation_per_person unique (tenant_id, channel, phone)
);
create index conversations_latest on product.conversations (tenant_id, last_message_at desc, conversation_id);

-- Which conversations count in which month: a row each, so that a conversation counts once however often we write in it.
create table product.conversation_months (
    conversation_id uuid not null references product.conversations on delete cascade,
    tenant_id uuid not null references product.tenants on delete cascade,
    month date not null constraint month_is_its_first_day check (extract(day from month) = 1),
    constraint conversation_months_key primary key (conversation_id, month)
);
create index conversation_months_of_tenant on product.conversation_months (tenant_id, month);

alter table product.messages
    add column conversation_id uuid references product.conversations on delete set null,
    add column reason text constraint reason_is_a_word check (reason ~ '^[a-z][a-z0-9_]{0,62}$');
comment on column product.messages.reason is 'Why it was never handed over, where that was decided here.';
create index messages_of_conversation on product.messages (conversation_id, created_at) where conversation_id is not null;
create index messages_without_an_end on product.messages (updated_at)
    where direction = 'outbound' and rank < 5;

-- What was said in a conversation. Apart from the message, so that the text goes with its tenant while the fact stays.
create table product.message_bodies (
    message_id uuid constraint message_bodies_key primary key references product.messages on delete cascade,
    tenant_id uuid not null references product.tenants on delete cascade,
    body text not null constraint body_fits check (length(body) <= 1600)
);
create index message_bodies_by_tenant on product.message_bodies (tenant_id);
comment on table product.message_bodies is 'Texts of conversations, under row-level security. A verification code is never here.';

-- ---------------------------------------------------------------- wrong codes, again and again

create table product.verification_failures (
    key_hash product.digest constraint verification_failures_key primary key,
    failures integer not null constraint failures_are_counted check (failures > 0),
    blocked_until timestamptz not null,
    forget_at timestamptz not null
);
comment on table product.verification_failures is 'Wrong codes in a row, by the keyed hash of a phone. A right one forgets them.';
create index verification_failures_expiry_order on product.verification_failures (forget_at);

-- ---------------------------------------------------------------- who may see and do what

do $$
declare
    name text;
begin
    foreach name in array array[
        'messaging_settings', 'opt_outs', 'conversations', 'conversation_months', 'message_bodies'
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

grant select, insert, update on
    product.messaging_settings, product.opt_outs, product.conversations to trunkline_app;
grant select, insert on product.conversation_months, product.message_bodies to trunkline_app;
grant select, insert, update, delete on product.verification_failures to trunkline_app;
