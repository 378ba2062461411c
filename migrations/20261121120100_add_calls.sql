-- Calls, their recordings, and how far the providers' own lists have been read.
--
-- Serves: the reports about calls and recordings, which come in any order, repeated, and before there is a row; the sweep
-- for calls whose end never came; and the reconcilers that push what never arrived through the same door as a webhook.
-- Old code: knows none of these tables. Undone by dropping them and product.call_rank, product.recording_rank.

-- The order of a call's news (Twilio: "Call resource", Status). Of several ends the first one stands.
create function product.call_rank(status text) returns smallint
    language sql immutable strict parallel safe
    as $$
        select (case status
            when 'queued' then 0
            when 'initiated' then 1
            when 'ringing' then 2
            when 'in-progress' then 3
            when 'completed' then 4 when 'busy' then 4 when 'failed' then 4 when 'no-answer' then 4 when 'canceled' then 4
        end)::smallint
    $$;

-- The same for a recording (Twilio: "Recording resource", Status).
create function product.recording_rank(status text) returns smallint
    language sql immutable strict parallel safe
    as $$
        select (case status
            when 'in-progress' then 0 when 'paused' then 0
            when 'stopped' then 1
            when 'processing' then 2
            when 'completed' then 3 when 'absent' then 3 when 'failed' then 3
            when 'deleted' then 4
        end)::smallint
    $$;

create table product.calls (
    call_id uuid constraint calls_key primary key,
    tenant_id uuid references product.tenants on delete set null,
    call_sid text not null constraint a_call_is_ours_once unique
        constraint call_sid_has_its_shape check (call_sid ~ '^CA[0-9a-f]{32}$'),
    direction text constraint direction_is_known check (direction in ('inbound', 'outbound')),
    from_phone product.phone,
    to_phone product.phone,
    status text not null,
    rank smallint not null,
    started_at timestamptz not null,
    answered_at timestamptz,
    ended_at timestamptz,
    duration_secs integer constraint duration_is_a_time check (duration_secs >= 0),
    sip_response_code integer constraint sip_response_code_is_one check (sip_response_code between 100 and 699),
    created_at timestamptz not null default trunkline.now(),
    updated_at timestamptz not null default trunkline.now(),
    constraint rank_is_that_of_the_status check (rank is not distinct from product.call_rank(status)),
    constraint ended_iff_over check ((rank = 4) = (ended_at is not null)),
    constraint only_what_is_over_has_lasted check (duration_secs is null or rank = 4)
);
comment on column product.calls.from_phone is 'Null: withheld, or no phone number.';
comment on column product.calls.started_at is 'When the provider first told of it, by its clock where it said so.';
comment on column product.calls.duration_secs is 'From the answer to the end, as the provider bills it.';
create index calls_by_tenant on product.calls (tenant_id, started_at);
create index calls_without_an_end on product.calls (updated_at) where ended_at is null;

-- No reference to calls: the news of a recording may come before any of its call.
create table product.call_recordings (
    recording_sid text constraint call_recordings_key primary key
        constraint recording_sid_has_its_shape check (recording_sid ~ '^RE[0-9a-f]{32}$'),
    call_sid text not null constraint call_sid_has_its_shape check (call_sid ~ '^CA[0-9a-f]{32}$'),
    tenant_id uuid references product.tenants on delete set null,
    status text not null,
    rank smallint not null,
    duration_secs integer constraint duration_is_a_time check (duration_secs >= 0),
    channels smallint constraint channels_are_one_or_two check (channels in (1, 2)),
    started_at timestamptz,
    error_code integer,
    created_at timestamptz not null default trunkline.now(),
    updated_at timestamptz not null default trunkline.now(),
    constraint rank_is_that_of_the_status check (rank is not distinct from product.recording_rank(status))
);
comment on column product.call_recordings.tenant_id is 'That of the call; null until there is news of the call itself.';
create index call_recordings_by_call on product.call_recordings (call_sid);
create index call_recordings_by_tenant on product.call_recordings (tenant_id);

create table product.inbox_watermarks (
    source text constraint inbox_watermarks_key primary key
        constraint source_is_a_name check (source ~ '^[a-z][a-z0-9_]{0,62}$'),
    seen_until timestamptz not null,
    updated_at timestamptz not null default trunkline.now()
);
comment on column product.inbox_watermarks.seen_until is 'What the provider made before this has been looked through.';

do $$
declare
    name text;
begin
    foreach name in array array['calls', 'call_recordings'] loop
        execute format('alter table product.%I enable row level security', name);
        execute format('alter table product.%I force row level security', name);
        execute format(
            'create policy only_ones_own on product.%I using (product.may_see(tenant_id)) with check (product.may_see(tenant_id))',
            name
        );
    end loop;
end
$$;

revoke execute on function product.call_rank(text), product.recording_rank(text) from public;
grant execute on function product.call_rank(text), product.recording_rank(text) to trunkline_app;
grant select, insert, update on product.calls, product.call_recordings, product.inbox_watermarks to trunkline_app;
