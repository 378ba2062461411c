-- How calls are answered, what was said in them, and what they leave behind.
--
-- Serves: the gates of an incoming call (voice mode, opening hours, a switch for all), the same answer to a repeated webhook, what a
-- tenant's users read of their calls, messages and call-backs for the owner, and the one text after a missed call.
-- Why what was said may stand in the clear or sealed, and how long: docs/decisions/0021.
-- Old code survives: new tables, and one more word for product.switches. Undone by dropping what is created here.

-- ---------------------------------------------------------------- what a tenant wants of its calls

create table product.voice_settings (
    tenant_id uuid constraint voice_settings_key primary key references product.tenants on delete cascade,
    voice_mode text not null default 'always' constraint voice_mode_is_known
        check (voice_mode in ('always', 'after_hours', 'business_hours', 'off')),
    greeting text constraint greeting_fits check (length(greeting) between 1 and 500),
    transfer_phone product.phone,
    emergency_keywords text[] constraint emergency_keywords_are_few check (cardinality(emergency_keywords) <= 50),
    owner_alerts text not null default 'urgent' constraint owner_alerts_are_known
        check (owner_alerts in ('every_call', 'urgent', 'none')),
    seal_transcripts boolean not null default false,
    transcripts_kept_days smallint not null default 90
        constraint transcripts_are_kept_a_while check (transcripts_kept_days between 1 and 3650),
    links jsonb not null default '{}' constraint links_are_an_object check (jsonb_typeof(links) = 'object'),
    updated_at timestamptz not null default trunkline.now()
);
comment on table product.voice_settings is 'A tenant without a row has what domain/src/voice_settings.rs says. Its time zone is that of product.messaging_settings.';
comment on column product.voice_settings.emergency_keywords is 'Null: the usual ones.';
comment on column product.voice_settings.transfer_phone is 'Where a person picks up. Null: nobody does.';

-- None of a tenant: always open.
create table product.business_hours (
    tenant_id uuid not null references product.tenants on delete cascade,
    weekday smallint not null constraint weekday_is_one check (weekday between 1 and 7),
    from_min smallint not null constraint hours_begin_in_a_day check (from_min between 0 and 1439),
    until_min smallint not null constraint hours_end_in_a_day check (until_min between 1 and 1440),
    constraint business_hours_key primary key (tenant_id, weekday, from_min),
    constraint hours_end_after_they_begin check (until_min > from_min)
);
comment on column product.business_hours.weekday is '1: Monday. Minutes after midnight in the tenant''s zone.';

-- ---------------------------------------------------------------- how a call was answered

-- Decided once, with the call's own row; whoever asks again is told the same.
create table product.call_answers (
    call_sid text constraint call_answers_key primary key
        constraint call_sid_has_its_shape check (call_sid ~ '^CA[0-9a-f]{32}$'),
    call_id uuid not null constraint a_call_is_answered_once unique references product.calls on delete cascade,
    tenant_id uuid not null references product.tenants on delete cascade,
    outcome text not null constraint outcome_is_known check (outcome in (
        'assistant', 'person', 'no_subscription', 'daily_calls', 'talk_time', 'voice_off', 'out_of_hours', 'calls_disabled')),
    locale product.locale not null,
    words text not null constraint words_fit check (length(words) between 1 and 500),
    transfer_phone product.phone,
    talk_max_secs integer constraint talk_is_limited check (talk_max_secs > 0),
    session_id uuid constraint a_session_answers_one_call unique,
    dialled text constraint dialled_is_a_word check (dialled ~ '^[a-z][a-z-]{0,31}$'),
    created_at timestamptz not null default trunkline.now(),
    constraint a_person_has_a_number check ((outcome = 'person') = (transfer_phone is not null)),
    constraint only_who_talks_has_a_limit check ((outcome in ('assistant', 'person')) = (talk_max_secs is not null)),
    constraint the_assistant_has_a_session check ((outcome = 'assistant') = (session_id is not null))
);
comment on column product.call_answers.session_id is 'In which the assistant speaks.';
comment on column product.call_answers.dialled is 'What became of the attempt to reach a person, in Twilio''s word (DialCallStatus).';
create index call_answers_by_tenant on product.call_answers (tenant_id, created_at);

-- ---------------------------------------------------------------- what was said

create table product.call_transcripts (
    call_id uuid constraint call_transcripts_key primary key references product.calls on delete cascade,
    tenant_id uuid not null references product.tenants on delete cascade,
    locale product.locale not null,
    ended text not null constraint ended_is_a_word check (ended ~ '^[a-z][a-z_]{0,31}$'),
    turns smallint not null constraint turns_are_counted check (turns >= 0),
    said jsonb constraint said_is_a_list check (jsonb_typeof(said) = 'array'),
    said_sealed bytea constraint said_sealed_fits check (octet_length(said_sealed) between 1 and 1048576),
    summary text constraint summary_fits check (length(summary) between 1 and 2000),
    summary_sealed bytea constraint summary_sealed_fits check (octet_length(summary_sealed) between 1 and 16384),
    is_urgent boolean not null,
    created_at timestamptz not null default trunkline.now(),
    forget_at timestamptz not null,
    constraint said_in_the_clear_or_sealed check (num_nonnulls(said, said_sealed) = 1),
    constraint the_summary_is_kept_like_the_rest
        check ((said is not null or summary is null) and (said_sealed is not null or summary_sealed is null)),
    constraint what_is_kept_is_forgotten_later check (forget_at > created_at)
);
create index call_transcripts_to_forget on product.call_transcripts (forget_at);
create index call_transcripts_by_tenant on product.call_transcripts (tenant_id);

-- What a caller left for the owner: a message, or the wish to be called back.
create table product.call_requests (
    request_id uuid constraint call_requests_key primary key,
    tenant_id uuid not null references product.tenants on delete cascade,
    call_id uuid references product.calls on delete set null,
    kind text not null constraint kind_is_known check (kind in ('message', 'callback')),
    phone product.phone,
    details jsonb constraint details_are_an_object check (jsonb_typeof(details) = 'object'),
    details_sealed bytea constraint details_sealed_fits check (octet_length(details_sealed) between 1 and 32768),
    is_urgent boolean not null default false,
    status text not null default 'open' constraint status_is_known check (status in ('open', 'done')),
    created_at timestamptz not null default trunkline.now(),
    done_at timestamptz,
    forget_at timestamptz not null,
    constraint details_in_the_clear_or_sealed check (num_nonnulls(details, details_sealed) = 1),
    constraint dated_iff_done check ((status = 'done') = (done_at is not null))
);
comment on column product.call_requests.details is 'What was left: name, text, when. In a box of its own where the tenant wants transcripts sealed.';
create index call_requests_latest on product.call_requests (tenant_id, created_at desc, request_id desc);
create index call_requests_of_call on product.call_requests (call_id);
create index call_requests_to_forget on product.call_requests (forget_at);

-- The one text after a call that nobody took.
create table product.call_text_backs (
    call_id uuid constraint call_text_backs_key primary key references product.calls on delete cascade,
    tenant_id uuid not null references product.tenants on delete cascade,
    message_id uuid not null constraint a_text_answers_one_call unique,
    reason text not null constraint reason_is_a_word check (reason ~ '^[a-z][a-z_]{0,31}$'),
    created_at timestamptz not null default trunkline.now()
);
create index call_text_backs_by_tenant on product.call_text_backs (tenant_id, created_at);

-- Sessions that live: a handful, of which some may have outlived their call.
create index voice_sessions_without_an_end on product.voice_sessions (session_id) where outcome is null;

-- ---------------------------------------------------------------- nobody is answered today

alter table product.switches
    drop constraint switch_is_known,
    add constraint switch_is_known
        check (switch in ('demo_disabled', 'sms_bypass', 'voice_codes', 'calls_disabled'));

-- ---------------------------------------------------------------- who may see and do what

do $$
declare
    name text;
begin
    foreach name in array array[
        'voice_settings', 'business_hours', 'call_answers', 'call_transcripts', 'call_requests', 'call_text_backs'
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

grant select, insert, update on product.voice_settings, product.call_answers to trunkline_app;
grant select, insert, delete on product.business_hours, product.call_text_backs to trunkline_app;
grant select, insert, update, delete on product.call_transcripts, product.call_requests to trunkline_app;
