CREATE SCHEMA product;

CREATE SCHEMA trunkline;

CREATE DOMAIN product.digest AS bytea
	CONSTRAINT digest_has_32_bytes CHECK ((octet_length(VALUE) = 32));

CREATE DOMAIN product.email AS text
	CONSTRAINT email_is_plausible CHECK (((length(VALUE) <= 254) AND (VALUE ~ '^[^@[:space:]]{1,64}@[^@[:space:]]+$'::text)));

CREATE DOMAIN product.locale AS text
	CONSTRAINT locale_is_a_tag CHECK ((VALUE ~ '^[a-z]{2}(-[A-Z]{2})?$'::text));

CREATE DOMAIN product.phone AS text
	CONSTRAINT phone_is_e164 CHECK ((VALUE ~ '^\+[1-9][0-9]{6,14}$'::text));

CREATE FUNCTION product.call_rank(status text) RETURNS smallint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
        select (case status
            when 'queued' then 0
            when 'initiated' then 1
            when 'ringing' then 2
            when 'in-progress' then 3
            when 'completed' then 4 when 'busy' then 4 when 'failed' then 4 when 'no-answer' then 4 when 'canceled' then 4
        end)::smallint
    $$;

CREATE FUNCTION product.may_see(tenant_id uuid) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
        select current_setting('trunkline.tenant', true) = tenant_id::text
            or current_setting('trunkline.scope', true) = 'platform'
    $$;

CREATE FUNCTION product.message_rank(status text) RETURNS smallint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
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

CREATE FUNCTION product.recording_rank(status text) RETURNS smallint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
        select (case status
            when 'in-progress' then 0 when 'paused' then 0
            when 'stopped' then 1
            when 'processing' then 2
            when 'completed' then 3 when 'absent' then 3 when 'failed' then 3
            when 'deleted' then 4
        end)::smallint
    $$;

CREATE FUNCTION trunkline.error_pattern(message text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN "left"(btrim(regexp_replace(regexp_replace("left"(message, 500), '\S*[0-9]\S*'::text, '#'::text, 'g'::text), '\s+'::text, ' '::text, 'g'::text)), 160);

COMMENT ON FUNCTION trunkline.error_pattern(message text) IS 'What an error says without what differs each time: a word with a digit in it is #.';

CREATE FUNCTION trunkline.estimated_work(jobs_max integer DEFAULT 100000) RETURNS TABLE(queue text, ready_jobs bigint, running_jobs bigint, work_seconds double precision)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'trunkline'
    AS $$
    with slices as materialized (
        select kind_id, attempts, busy_ms, slice_at > trunkline.now() - interval '15 minutes' as is_recent
        from trunkline.paces where slice_at > trunkline.now() - interval '1 day'
    ), pace as materialized (
        select kind_id,
               coalesce(sum(busy_ms) filter (where is_recent) / sum(attempts) filter (where is_recent),
                        sum(busy_ms) / sum(attempts)) / 1000 as secs
        from slices group by kind_id
    ), usual as materialized (
        select coalesce(sum(busy_ms) / sum(attempts) / 1000, 1) as secs from slices
    ), stands as (
        select q.queue_id, r.kind_id, count(*) as ready, 0::bigint as running
        from trunkline.queues q
        cross join lateral (
            select kind_id from trunkline.ready r where r.queue_id = q.queue_id limit greatest(jobs_max, 0)) r
        where q.paused_at is null or q.pause_until <= trunkline.now()
        group by q.queue_id, r.kind_id
        union all
        select queue_id, kind_id, 0, count(*) from trunkline.leases group by queue_id, kind_id
    ), weighed as (
        select s.queue_id, sum(s.ready) as ready, sum(s.running) as running,
               sum((s.ready + s.running) * coalesce(p.secs, u.secs)) as secs
        from stands s cross join usual u left join pace p using (kind_id)
        group by s.queue_id
    )
    select q.name, coalesce(w.ready, 0)::bigint, coalesce(w.running, 0)::bigint,
           coalesce(w.secs * least(1, q.at_once_max / nullif(w.ready + w.running, 0)), 0)::float8
    from trunkline.queues q left join weighed w using (queue_id)
$$;

CREATE FUNCTION trunkline.now() RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$select pg_catalog.statement_timestamp()$$;

CREATE FUNCTION trunkline.partitions_drop(keep interval[], OUT dropped text, OUT held_by uuid) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'trunkline'
    AS $_$
declare
    class record;
    piece record;
    parent text;
    ceiling uuid;
    live uuid;
    late boolean;
begin
    if array_length(keep, 1) is distinct from 3 or interval '1 day' > any (keep) then
        raise exception 'three times of a day at least, not %', keep;
    end if;
    if not pg_try_advisory_xact_lock(hashtextextended('trunkline.partitions_drop', 0)) then
        return;
    end if;
    for class in select * from (values (1, 'brief', 1), (2, 'standard', 7), (3, 'long', 30)) as c (place, name, days) loop
        for piece in
            select right(c.relname, 9) as suffix,
                   to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC'
                       + class.days * interval '24 hours' as to_at
            from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = ('trunkline.outcomes_' || class.name)::regclass and c.relname ~ '_[0-9]{8}$'
            order by 1
        loop
            exit when piece.to_at > trunkline.now() - keep[class.place];
            ceiling := trunkline.uuid_floor(piece.to_at + interval '1 day');
            live := trunkline.runs_live_below(ceiling);
            held_by := coalesce(held_by, live);
            exit when live is not null;
            execute format('select exists (select from trunkline.%I where finished_at > $1)',
                           'outcomes_' || class.name || piece.suffix) into late using trunkline.now() - keep[class.place];
            continue when late;
            -- From here on nobody can bring a run of this piece back; so what is seen now is what counts.
            foreach parent in array array['jobs', 'outcomes', 'checkpoints', 'effects', 'failures'] loop
                execute format('lock table only trunkline.%I, only trunkline.%I in access exclusive mode',
                               parent || '_' || class.name, parent || '_' || class.name || piece.suffix);
            end loop;
            live := trunkline.runs_live_below(ceiling);
            execute format('select exists (select from trunkline.%I where finished_at > $1)',
                           'outcomes_' || class.name || piece.suffix) into late using trunkline.now() - keep[class.place];
            if live is not null or late then
                return;
            end if;
            foreach parent in array array['jobs', 'outcomes', 'checkpoints', 'effects', 'failures'] loop
                execute format('drop table if exists trunkline.%I', parent || '_' || class.name || piece.suffix);
            end loop;
            dropped := class.name || piece.suffix;
            return;
        end loop;
    end loop;
end
$_$;

CREATE FUNCTION trunkline.partitions_make(at timestamp with time zone, ahead integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'trunkline'
    AS $$
declare
    parent text;
    class record;
    piece integer;
    from_at timestamptz;
    to_at timestamptz;
    child text;
    made integer := 0;
begin
    if ahead not between 0 and 60 then
        raise exception 'ahead must be 0 to 60, not %', ahead;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('trunkline.partitions_make', 0));
    for class in select * from (values (0, 'brief', 1), (1, 'standard', 7), (2, 'long', 30)) as c (id, name, days) loop
        foreach parent in array array['jobs', 'outcomes', 'checkpoints', 'effects', 'failures'] loop
            child := parent || '_' || class.name;
            for piece in 0 .. ahead loop
                from_at := 'epoch'::timestamptz
                    + (floor(extract(epoch from at) / (class.days * 86400)) + piece) * class.days * interval '24 hours';
                to_at := from_at + class.days * interval '24 hours';
                continue when to_regclass('trunkline.' || child || to_char(from_at at time zone 'UTC', '"_"YYYYMMDD')) is not null;
                begin
                    execute format('create table trunkline.%I partition of trunkline.%I for values from (%L) to (%L)',
                                   child || to_char(from_at at time zone 'UTC', '"_"YYYYMMDD'), child,
                                   trunkline.uuid_floor(from_at), trunkline.uuid_floor(to_at));
                    execute format('analyze trunkline.%I', child || to_char(from_at at time zone 'UTC', '"_"YYYYMMDD'));
                    made := made + 1;
                exception when check_violation then
                    raise warning 'rows of % stand in the default partition of %', from_at, child;
                end;
            end loop;
        end loop;
    end loop;
    return made;
end
$$;

CREATE FUNCTION trunkline.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
begin
    raise exception 'this record only grows' using errcode = 'insufficient_privilege';
end $$;

CREATE FUNCTION trunkline.runs_live_below(ceiling uuid) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'trunkline'
    AS $$
    select coalesce(
        (select job_id from trunkline.waits where job_id < ceiling limit 1),
        (select job_id from trunkline.leases where job_id < ceiling limit 1),
        (select job_id from trunkline.ready where job_id < ceiling limit 1))
$$;

CREATE FUNCTION trunkline.snapshot_holders() RETURNS TABLE(kind text, pid integer, name text, state text, since timestamp with time zone, xid xid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'trunkline'
    AS $$
    select 'session', a.pid, a.application_name, a.state, a.xact_start, coalesce(a.backend_xmin, a.backend_xid)
    from pg_stat_activity a
    where a.pid <> pg_backend_pid() and coalesce(a.backend_xmin, a.backend_xid) is not null
      and (a.datname = current_database() or a.datname is null)
      and a.backend_type <> 'autovacuum worker' -- a vacuum's own snapshot keeps nothing
    union all
    select 'prepared transaction', null, p.gid, 'prepared', p.prepared, p.transaction
    from pg_prepared_xacts p where p.database = current_database()
    union all
    select 'replication slot', r.active_pid, r.slot_name, case when r.active then 'active' else 'inactive' end,
           null, coalesce(r.xmin, r.catalog_xmin)
    from pg_replication_slots r where coalesce(r.xmin, r.catalog_xmin) is not null
$$;

CREATE FUNCTION trunkline.uuid_floor(at timestamp with time zone) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;

CREATE TABLE product.api_keys (
    key_id text NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    per_minute integer NOT NULL,
    secret_hash product.digest NOT NULL,
    made_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    made_by text NOT NULL,
    lasts interval,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    revoked_by text,
    replaces text,
    CONSTRAINT a_key_may_ask CHECK (((per_minute >= 1) AND (per_minute <= 6000))),
    CONSTRAINT key_has_a_name CHECK (((length(name) >= 1) AND (length(name) <= 60))),
    CONSTRAINT key_id_is_twelve_digits CHECK ((key_id ~ '^[0-9a-f]{12}$'::text)),
    CONSTRAINT made_by_fits CHECK (((length(made_by) >= 1) AND (length(made_by) <= 200))),
    CONSTRAINT only_what_lasts_ends CHECK (((lasts IS NULL) OR (expires_at IS NOT NULL))),
    CONSTRAINT revoked_by_fits CHECK (((length(revoked_by) >= 1) AND (length(revoked_by) <= 200))),
    CONSTRAINT revoked_by_somebody CHECK (((revoked_at IS NULL) = (revoked_by IS NULL))),
    CONSTRAINT scopes_are_known CHECK (((cardinality(scopes) > 0) AND (scopes <@ ARRAY['read'::text, 'jobs'::text, 'queues'::text, 'tenants'::text, 'billing'::text, 'switches'::text, 'keys'::text])))
);

ALTER TABLE ONLY product.api_keys FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.api_keys.secret_hash IS 'SHA-256 of the whole key, which has 256 bits of chance in it and stands nowhere.';

COMMENT ON COLUMN product.api_keys.lasts IS 'How long it was made for; the one that takes its place lasts as long. Null: it has no end of its own.';

COMMENT ON COLUMN product.api_keys.expires_at IS 'Set where it was made for a time, and when another key has taken its place.';

CREATE TABLE product.audit_links (
    link bigint NOT NULL,
    audit_id bigint NOT NULL,
    hash bytea NOT NULL,
    chained_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT hash_is_sha256 CHECK ((octet_length(hash) = 32)),
    CONSTRAINT links_are_numbered CHECK ((link > 0))
);

ALTER TABLE ONLY product.audit_links FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE product.audit_links IS 'SHA-256 of the hash of the link before (of 32 zero bytes for the first) and of the SHA-256 of the row as one JSON array.';

COMMENT ON COLUMN product.audit_links.link IS 'From 1, without a gap, and given once: the chain cannot fork.';

CREATE TABLE product.audit_log (
    audit_id bigint NOT NULL,
    at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    action text NOT NULL,
    tenant_id uuid,
    actor text NOT NULL,
    phone_masked text,
    ip_hash product.digest,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT action_is_a_name CHECK ((action ~ '^[a-z][a-z0-9_.]{0,62}$'::text)),
    CONSTRAINT actor_fits CHECK (((length(actor) >= 1) AND (length(actor) <= 200))),
    CONSTRAINT phone_is_masked CHECK ((phone_masked !~ '[0-9]{7}'::text))
);

ALTER TABLE ONLY product.audit_log FORCE ROW LEVEL SECURITY;

ALTER TABLE product.audit_log ALTER COLUMN audit_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME product.audit_log_audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE product.billing_events (
    billing_event_id bigint NOT NULL,
    at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    tenant_id uuid,
    subscription_id uuid,
    stripe_object text,
    source text NOT NULL,
    kind text NOT NULL,
    before jsonb,
    after jsonb,
    run_id uuid NOT NULL,
    CONSTRAINT kind_is_a_name CHECK ((kind ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
    CONSTRAINT source_is_known CHECK ((source = ANY (ARRAY['workflow'::text, 'webhook'::text, 'reconciliation'::text]))),
    CONSTRAINT stripe_object_has_its_shape CHECK ((stripe_object ~ '^[A-Za-z0-9_]{1,255}$'::text))
);

ALTER TABLE ONLY product.billing_events FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.billing_events.run_id IS 'The job that did it.';

ALTER TABLE product.billing_events ALTER COLUMN billing_event_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME product.billing_events_billing_event_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE product.bots (
    bot_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    system_prompt text NOT NULL,
    locale product.locale NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT name_fits CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT system_prompt_fits CHECK (((length(system_prompt) >= 1) AND (length(system_prompt) <= 20000)))
);

ALTER TABLE ONLY product.bots FORCE ROW LEVEL SECURITY;

CREATE TABLE product.business_hours (
    tenant_id uuid NOT NULL,
    weekday smallint NOT NULL,
    from_min smallint NOT NULL,
    until_min smallint NOT NULL,
    CONSTRAINT hours_begin_in_a_day CHECK (((from_min >= 0) AND (from_min <= 1439))),
    CONSTRAINT hours_end_after_they_begin CHECK ((until_min > from_min)),
    CONSTRAINT hours_end_in_a_day CHECK (((until_min >= 1) AND (until_min <= 1440))),
    CONSTRAINT weekday_is_one CHECK (((weekday >= 1) AND (weekday <= 7)))
);

ALTER TABLE ONLY product.business_hours FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.business_hours.weekday IS '1: Monday. Minutes after midnight in the tenant''s zone.';

CREATE TABLE product.call_answers (
    call_sid text NOT NULL,
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    outcome text NOT NULL,
    locale product.locale NOT NULL,
    words text NOT NULL,
    transfer_phone product.phone,
    talk_max_secs integer,
    session_id uuid,
    dialled text,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT a_person_has_a_number CHECK (((outcome = 'person'::text) = (transfer_phone IS NOT NULL))),
    CONSTRAINT call_sid_has_its_shape CHECK ((call_sid ~ '^CA[0-9a-f]{32}$'::text)),
    CONSTRAINT dialled_is_a_word CHECK ((dialled ~ '^[a-z][a-z-]{0,31}$'::text)),
    CONSTRAINT only_who_talks_has_a_limit CHECK (((outcome = ANY (ARRAY['assistant'::text, 'person'::text])) = (talk_max_secs IS NOT NULL))),
    CONSTRAINT outcome_is_known CHECK ((outcome = ANY (ARRAY['assistant'::text, 'person'::text, 'no_subscription'::text, 'daily_calls'::text, 'talk_time'::text, 'voice_off'::text, 'out_of_hours'::text, 'calls_disabled'::text]))),
    CONSTRAINT talk_is_limited CHECK ((talk_max_secs > 0)),
    CONSTRAINT the_assistant_has_a_session CHECK (((outcome = 'assistant'::text) = (session_id IS NOT NULL))),
    CONSTRAINT words_fit CHECK (((length(words) >= 1) AND (length(words) <= 500)))
);

ALTER TABLE ONLY product.call_answers FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.call_answers.session_id IS 'In which the assistant speaks.';

COMMENT ON COLUMN product.call_answers.dialled IS 'What became of the attempt to reach a person, in Twilio''s word (DialCallStatus).';

CREATE TABLE product.call_recordings (
    recording_sid text NOT NULL,
    call_sid text NOT NULL,
    tenant_id uuid,
    status text NOT NULL,
    rank smallint NOT NULL,
    duration_secs integer,
    channels smallint,
    started_at timestamp with time zone,
    error_code integer,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    updated_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT call_sid_has_its_shape CHECK ((call_sid ~ '^CA[0-9a-f]{32}$'::text)),
    CONSTRAINT channels_are_one_or_two CHECK ((channels = ANY (ARRAY[1, 2]))),
    CONSTRAINT duration_is_a_time CHECK ((duration_secs >= 0)),
    CONSTRAINT rank_is_that_of_the_status CHECK ((NOT (rank IS DISTINCT FROM product.recording_rank(status)))),
    CONSTRAINT recording_sid_has_its_shape CHECK ((recording_sid ~ '^RE[0-9a-f]{32}$'::text))
);

ALTER TABLE ONLY product.call_recordings FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.call_recordings.tenant_id IS 'That of the call; null until there is news of the call itself.';

CREATE TABLE product.call_requests (
    request_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    call_id uuid,
    kind text NOT NULL,
    phone product.phone,
    details jsonb,
    details_sealed bytea,
    is_urgent boolean DEFAULT false NOT NULL,
    status text DEFAULT 'open'::text NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    done_at timestamp with time zone,
    forget_at timestamp with time zone NOT NULL,
    CONSTRAINT dated_iff_done CHECK (((status = 'done'::text) = (done_at IS NOT NULL))),
    CONSTRAINT details_are_an_object CHECK ((jsonb_typeof(details) = 'object'::text)),
    CONSTRAINT details_in_the_clear_or_sealed CHECK ((num_nonnulls(details, details_sealed) = 1)),
    CONSTRAINT details_sealed_fits CHECK (((octet_length(details_sealed) >= 1) AND (octet_length(details_sealed) <= 32768))),
    CONSTRAINT kind_is_known CHECK ((kind = ANY (ARRAY['message'::text, 'callback'::text]))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['open'::text, 'done'::text])))
);

ALTER TABLE ONLY product.call_requests FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.call_requests.details IS 'What was left: name, text, when. In a box of its own where the tenant wants transcripts sealed.';

CREATE TABLE product.call_text_backs (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    message_id uuid NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT reason_is_a_word CHECK ((reason ~ '^[a-z][a-z_]{0,31}$'::text))
);

ALTER TABLE ONLY product.call_text_backs FORCE ROW LEVEL SECURITY;

CREATE TABLE product.call_transcripts (
    call_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    locale product.locale NOT NULL,
    ended text NOT NULL,
    turns smallint NOT NULL,
    said jsonb,
    said_sealed bytea,
    summary text,
    summary_sealed bytea,
    is_urgent boolean NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    forget_at timestamp with time zone NOT NULL,
    CONSTRAINT ended_is_a_word CHECK ((ended ~ '^[a-z][a-z_]{0,31}$'::text)),
    CONSTRAINT said_in_the_clear_or_sealed CHECK ((num_nonnulls(said, said_sealed) = 1)),
    CONSTRAINT said_is_a_list CHECK ((jsonb_typeof(said) = 'array'::text)),
    CONSTRAINT said_sealed_fits CHECK (((octet_length(said_sealed) >= 1) AND (octet_length(said_sealed) <= 1048576))),
    CONSTRAINT summary_fits CHECK (((length(summary) >= 1) AND (length(summary) <= 2000))),
    CONSTRAINT summary_sealed_fits CHECK (((octet_length(summary_sealed) >= 1) AND (octet_length(summary_sealed) <= 16384))),
    CONSTRAINT the_summary_is_kept_like_the_rest CHECK ((((said IS NOT NULL) OR (summary IS NULL)) AND ((said_sealed IS NOT NULL) OR (summary_sealed IS NULL)))),
    CONSTRAINT turns_are_counted CHECK ((turns >= 0)),
    CONSTRAINT what_is_kept_is_forgotten_later CHECK ((forget_at > created_at))
);

ALTER TABLE ONLY product.call_transcripts FORCE ROW LEVEL SECURITY;

CREATE TABLE product.calls (
    call_id uuid NOT NULL,
    tenant_id uuid,
    call_sid text NOT NULL,
    direction text,
    from_phone product.phone,
    to_phone product.phone,
    status text NOT NULL,
    rank smallint NOT NULL,
    started_at timestamp with time zone NOT NULL,
    answered_at timestamp with time zone,
    ended_at timestamp with time zone,
    duration_secs integer,
    sip_response_code integer,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    updated_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    erased_at timestamp with time zone,
    CONSTRAINT call_sid_has_its_shape CHECK ((call_sid ~ '^CA[0-9a-f]{32}$'::text)),
    CONSTRAINT direction_is_known CHECK ((direction = ANY (ARRAY['inbound'::text, 'outbound'::text]))),
    CONSTRAINT duration_is_a_time CHECK ((duration_secs >= 0)),
    CONSTRAINT ended_iff_over CHECK (((rank = 4) = (ended_at IS NOT NULL))),
    CONSTRAINT only_what_is_over_has_lasted CHECK (((duration_secs IS NULL) OR (rank = 4))),
    CONSTRAINT rank_is_that_of_the_status CHECK ((NOT (rank IS DISTINCT FROM product.call_rank(status)))),
    CONSTRAINT sip_response_code_is_one CHECK (((sip_response_code >= 100) AND (sip_response_code <= 699)))
);

ALTER TABLE ONLY product.calls FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.calls.from_phone IS 'Null: withheld, or no phone number.';

COMMENT ON COLUMN product.calls.started_at IS 'When the provider first told of it, by its clock where it said so.';

COMMENT ON COLUMN product.calls.duration_secs IS 'From the answer to the end, as the provider bills it.';

COMMENT ON COLUMN product.calls.erased_at IS 'When the people at its ends were erased; what is told of it later does not bring them back.';

CREATE TABLE product.conversation_months (
    conversation_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    month date NOT NULL,
    CONSTRAINT month_is_its_first_day CHECK ((EXTRACT(day FROM month) = (1)::numeric))
);

ALTER TABLE ONLY product.conversation_months FORCE ROW LEVEL SECURITY;

CREATE TABLE product.conversations (
    conversation_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    channel text DEFAULT 'sms'::text NOT NULL,
    phone product.phone NOT NULL,
    mode text DEFAULT 'ai'::text NOT NULL,
    mode_changed_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    last_message_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT channel_is_known CHECK ((channel = 'sms'::text)),
    CONSTRAINT mode_is_known CHECK ((mode = ANY (ARRAY['ai'::text, 'human'::text, 'awaiting_human'::text])))
);

ALTER TABLE ONLY product.conversations FORCE ROW LEVEL SECURITY;

CREATE TABLE product.demo_access (
    tenant_id uuid NOT NULL,
    password_sealed bytea,
    delivered_at timestamp with time zone,
    CONSTRAINT password_sealed_fits CHECK (((octet_length(password_sealed) >= 1) AND (octet_length(password_sealed) <= 4096))),
    CONSTRAINT what_was_told_is_forgotten CHECK (((password_sealed IS NULL) OR (delivered_at IS NULL)))
);

ALTER TABLE ONLY product.demo_access FORCE ROW LEVEL SECURITY;

CREATE TABLE product.demo_archive (
    archive_id bigint NOT NULL,
    tenant_id uuid NOT NULL,
    job_id uuid NOT NULL,
    company_name text NOT NULL,
    bots jsonb NOT NULL,
    numbers jsonb NOT NULL,
    usage jsonb NOT NULL,
    history jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expired_at timestamp with time zone,
    archived_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    removed_at timestamp with time zone,
    restored_at timestamp with time zone,
    CONSTRAINT company_name_fits CHECK (((length(company_name) >= 1) AND (length(company_name) <= 200))),
    CONSTRAINT only_what_was_removed_is_restored CHECK (((restored_at IS NULL) OR (removed_at IS NOT NULL)))
);

ALTER TABLE ONLY product.demo_archive FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.demo_archive.usage IS 'Whole numbers: messages_in, messages_out, calls, talk_secs.';

ALTER TABLE product.demo_archive ALTER COLUMN archive_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME product.demo_archive_archive_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE product.demo_signups (
    tenant_id uuid NOT NULL,
    bot_id uuid NOT NULL,
    job_id uuid NOT NULL,
    company_name text,
    first_name text,
    last_name text,
    email product.email,
    phone product.phone,
    industry text,
    use_case text,
    locale product.locale NOT NULL,
    status text DEFAULT 'pending_verification'::text NOT NULL,
    access_token_hash product.digest,
    ip_hash product.digest,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    updated_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT a_failed_signup_forgets_the_person CHECK (((status <> 'failed'::text) OR (num_nonnulls(company_name, first_name, last_name, email, phone, industry, use_case, access_token_hash, ip_hash) = 0))),
    CONSTRAINT an_open_signup_can_be_reached CHECK (((status <> ALL (ARRAY['pending_verification'::text, 'provisioning'::text, 'waitlisted'::text, 'active'::text])) OR (num_nonnulls(company_name, first_name, last_name, email, phone) = 5))),
    CONSTRAINT company_name_fits CHECK (((length(company_name) >= 1) AND (length(company_name) <= 200))),
    CONSTRAINT first_name_fits CHECK (((length(first_name) >= 1) AND (length(first_name) <= 100))),
    CONSTRAINT industry_fits CHECK (((length(industry) >= 1) AND (length(industry) <= 100))),
    CONSTRAINT last_name_fits CHECK (((length(last_name) >= 1) AND (length(last_name) <= 100))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['pending_verification'::text, 'provisioning'::text, 'waitlisted'::text, 'active'::text, 'expired'::text, 'failed'::text]))),
    CONSTRAINT use_case_fits CHECK (((length(use_case) >= 1) AND (length(use_case) <= 2000)))
);

ALTER TABLE ONLY product.demo_signups FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.demo_signups.expires_at IS 'When the demo ends; until it is active, when it would end if it were active at once.';

CREATE TABLE product.demo_verification_codes (
    code_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    phone product.phone NOT NULL,
    code_hmac product.digest,
    attempts smallint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    replaced_at timestamp with time zone,
    message_id uuid,
    CONSTRAINT a_code_lives_a_while CHECK ((expires_at > created_at)),
    CONSTRAINT a_replaced_code_is_forgotten CHECK (((replaced_at IS NULL) OR (code_hmac IS NULL))),
    CONSTRAINT three_attempts_per_code CHECK (((attempts >= 0) AND (attempts <= 3)))
);

ALTER TABLE ONLY product.demo_verification_codes FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.demo_verification_codes.code_hmac IS 'The code itself is never stored. Null: forgotten, the row only counts.';

COMMENT ON COLUMN product.demo_verification_codes.message_id IS 'The message that brings the code. Null: not known.';

CREATE TABLE product.erasures (
    erasure_id uuid NOT NULL,
    tenant_id uuid,
    person product.digest,
    asked_by text NOT NULL,
    reason text NOT NULL,
    asked_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    finished_at timestamp with time zone,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT asked_by_fits CHECK (((length(asked_by) >= 1) AND (length(asked_by) <= 200))),
    CONSTRAINT counts_are_an_object CHECK ((jsonb_typeof(counts) = 'object'::text)),
    CONSTRAINT reason_fits CHECK (((length(reason) >= 1) AND (length(reason) <= 500))),
    CONSTRAINT somebody_is_erased CHECK ((num_nonnulls(tenant_id, person) > 0))
);

ALTER TABLE ONLY product.erasures FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE product.erasures IS 'One order to erase. Its id is that of the job that carries it out.';

COMMENT ON COLUMN product.erasures.tenant_id IS 'Null: at every tenant. No reference: the record outlives the tenant.';

COMMENT ON COLUMN product.erasures.person IS 'The keyed hash of the phone. Null: all of the tenant.';

CREATE TABLE product.inbox_watermarks (
    source text NOT NULL,
    seen_until timestamp with time zone NOT NULL,
    updated_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT source_is_a_name CHECK ((source ~ '^[a-z][a-z0-9_]{0,62}$'::text))
);

COMMENT ON COLUMN product.inbox_watermarks.seen_until IS 'What the provider made before this has been looked through.';

CREATE TABLE product.kept_answers (
    key_hash product.digest NOT NULL,
    request_hash product.digest NOT NULL,
    status smallint NOT NULL,
    body jsonb NOT NULL,
    at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT an_answer_is_a_success CHECK (((status >= 200) AND (status <= 299))),
    CONSTRAINT an_answer_is_short CHECK ((pg_column_size(body) <= 65536))
);

COMMENT ON COLUMN product.kept_answers.key_hash IS 'Who asked, and under which Idempotency-Key.';

COMMENT ON COLUMN product.kept_answers.request_hash IS 'What was asked: method, address and body. Another request under the same key is refused.';

CREATE TABLE product.message_bodies (
    message_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    body text NOT NULL,
    CONSTRAINT body_fits CHECK ((length(body) <= 1600))
);

ALTER TABLE ONLY product.message_bodies FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE product.message_bodies IS 'Texts of conversations, under row-level security. A verification code is never here.';

CREATE TABLE product.messages (
    message_id uuid NOT NULL,
    tenant_id uuid,
    direction text NOT NULL,
    purpose text NOT NULL,
    to_phone product.phone,
    from_phone product.phone,
    body_sealed bytea,
    provider_sid text,
    status text DEFAULT 'pending'::text NOT NULL,
    rank smallint DEFAULT 0 NOT NULL,
    error_code integer,
    attempts smallint DEFAULT 0 NOT NULL,
    attempted_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    updated_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    conversation_id uuid,
    reason text,
    occasion text,
    resends smallint DEFAULT 0 NOT NULL,
    keyword text,
    CONSTRAINT attempts_are_counted CHECK ((attempts >= 0)),
    CONSTRAINT body_sealed_fits CHECK (((octet_length(body_sealed) >= 1) AND (octet_length(body_sealed) <= 16384))),
    CONSTRAINT dated_iff_attempted CHECK (((attempts > 0) = (attempted_at IS NOT NULL))),
    CONSTRAINT direction_is_known CHECK ((direction = ANY (ARRAY['inbound'::text, 'outbound'::text]))),
    CONSTRAINT keyword_is_known CHECK ((keyword = ANY (ARRAY['stop'::text, 'start'::text, 'yes'::text, 'help'::text]))),
    CONSTRAINT occasion_is_a_word CHECK ((occasion ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
    CONSTRAINT provider_sid_has_its_shape CHECK ((provider_sid ~ '^(SM|MM)[0-9a-f]{32}$'::text)),
    CONSTRAINT purpose_is_a_name CHECK ((purpose ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
    CONSTRAINT rank_is_that_of_the_status CHECK ((NOT (rank IS DISTINCT FROM product.message_rank(status)))),
    CONSTRAINT reason_is_a_word CHECK ((reason ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
    CONSTRAINT resends_are_few CHECK (((resends >= 0) AND (resends <= 9))),
    CONSTRAINT skipped_means_never_attempted CHECK (((status <> 'skipped'::text) OR (provider_sid IS NULL)))
);

ALTER TABLE ONLY product.messages FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.messages.to_phone IS 'Null: the person was erased.';

COMMENT ON COLUMN product.messages.attempted_at IS 'When the newest attempt to hand it over began. With status pending: whether it left is not known yet.';

COMMENT ON COLUMN product.messages.reason IS 'Why it was never handed over, where that was decided here.';

COMMENT ON COLUMN product.messages.resends IS 'How many before this one said the same and were not delivered.';

COMMENT ON COLUMN product.messages.keyword IS 'Of a text that came in and is one of these words alone. Null: it is no such word.';

CREATE TABLE product.messaging_settings (
    tenant_id uuid NOT NULL,
    time_zone text DEFAULT 'Europe/Vienna'::text NOT NULL,
    quiet_from_min smallint,
    quiet_until_min smallint,
    sms_enabled boolean DEFAULT true NOT NULL,
    ai_response_enabled boolean DEFAULT true NOT NULL,
    missed_call_sms_enabled boolean DEFAULT true NOT NULL,
    owner_phone product.phone,
    updated_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT quiet_hours_begin_in_a_day CHECK (((quiet_from_min >= 0) AND (quiet_from_min <= 1439))),
    CONSTRAINT quiet_hours_end_in_a_day CHECK (((quiet_until_min >= 0) AND (quiet_until_min <= 1439))),
    CONSTRAINT quiet_hours_have_two_ends CHECK (((((quiet_from_min IS NULL) = (quiet_until_min IS NULL)) AND (quiet_from_min IS DISTINCT FROM quiet_until_min)) OR (num_nonnulls(quiet_from_min, quiet_until_min) = 0))),
    CONSTRAINT time_zone_is_known CHECK ((timezone(time_zone, '1970-01-01 00:00:00+00'::timestamp with time zone) IS NOT NULL))
);

ALTER TABLE ONLY product.messaging_settings FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE product.messaging_settings IS 'A tenant without a row has what domain/src/messaging.rs says.';

COMMENT ON COLUMN product.messaging_settings.quiet_from_min IS 'Minutes after midnight in the tenant''s zone. Both null: no quiet hours.';

COMMENT ON COLUMN product.messaging_settings.owner_phone IS 'Whom alerts go to. Null: the phone of the sign-up.';

CREATE TABLE product.number_waitlist (
    tenant_id uuid NOT NULL,
    place bigint NOT NULL,
    job_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL
);

ALTER TABLE ONLY product.number_waitlist FORCE ROW LEVEL SECURITY;

ALTER TABLE product.number_waitlist ALTER COLUMN place ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME product.number_waitlist_place_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE product.opt_outs (
    opt_out_id bigint NOT NULL,
    tenant_id uuid,
    sender product.phone,
    phone product.phone,
    source text NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    ended_at timestamp with time zone,
    phone_hash product.digest,
    CONSTRAINT a_phone_or_its_hash CHECK ((num_nonnulls(phone, phone_hash) = 1)),
    CONSTRAINT source_is_known CHECK ((source = ANY (ARRAY['keyword'::text, 'provider'::text, 'operator'::text])))
);

ALTER TABLE ONLY product.opt_outs FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.opt_outs.tenant_id IS 'Whom it was said to; also by another number. Null: it holds for the number alone, or the tenant is gone.';

COMMENT ON COLUMN product.opt_outs.sender IS 'At which number it was said; also of another tenant. Null: it holds for the tenant alone.';

COMMENT ON COLUMN product.opt_outs.phone_hash IS 'The keyed hash of the phone of somebody who was erased.';

ALTER TABLE product.opt_outs ALTER COLUMN opt_out_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME product.opt_outs_opt_out_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE product.phone_mappings (
    mapping_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    phone product.phone NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    allocated_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    released_at timestamp with time zone,
    taken_by uuid,
    CONSTRAINT active_until_released CHECK ((is_active = (released_at IS NULL)))
);

ALTER TABLE ONLY product.phone_mappings FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.phone_mappings.taken_by IS 'The run that took the number. Null: not known, or nobody will take it back.';

CREATE TABLE product.phone_mappings_backup (
    mapping_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    phone product.phone NOT NULL,
    allocated_at timestamp with time zone NOT NULL,
    job_id uuid NOT NULL,
    saved_at timestamp with time zone DEFAULT trunkline.now() NOT NULL
);

ALTER TABLE ONLY product.phone_mappings_backup FORCE ROW LEVEL SECURITY;

CREATE VIEW product.phone_number_mappings WITH (security_invoker='true') AS
 SELECT phone_mappings.mapping_id,
    phone_mappings.tenant_id,
    phone_mappings.phone,
    phone_mappings.is_active,
    phone_mappings.created_at,
    phone_mappings.allocated_at,
    phone_mappings.released_at
   FROM product.phone_mappings;

CREATE TABLE product.phone_pool (
    phone product.phone NOT NULL,
    status text DEFAULT 'available'::text NOT NULL,
    tenant_id uuid,
    allocated_at timestamp with time zone,
    quarantined_until timestamp with time zone,
    is_placeholder boolean DEFAULT false NOT NULL,
    capabilities jsonb DEFAULT '{"sms": true, "voice": true}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    number_id uuid DEFAULT gen_random_uuid() NOT NULL,
    twilio_sid text,
    bought_by uuid,
    note text,
    CONSTRAINT a_placeholder_is_not_twilios CHECK (((NOT is_placeholder) OR (twilio_sid IS NULL))),
    CONSTRAINT dated_iff_allocated CHECK (((status = 'allocated'::text) = (allocated_at IS NOT NULL))),
    CONSTRAINT dated_iff_quarantined CHECK (((status = 'quarantined'::text) = (quarantined_until IS NOT NULL))),
    CONSTRAINT note_fits CHECK (((length(note) >= 1) AND (length(note) <= 500))),
    CONSTRAINT owned_iff_allocated CHECK (((status = 'allocated'::text) = (tenant_id IS NOT NULL))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['available'::text, 'allocated'::text, 'quarantined'::text, 'maintenance'::text]))),
    CONSTRAINT twilio_sid_has_its_shape CHECK ((twilio_sid ~ '^PN[0-9a-fA-F]{32}$'::text)),
    CONSTRAINT what_was_bought_is_at_twilio CHECK (((bought_by IS NULL) OR (twilio_sid IS NOT NULL)))
);

ALTER TABLE ONLY product.phone_pool FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.phone_pool.quarantined_until IS 'Until then the last owner''s callers may still ring; afterwards it is as good as available.';

COMMENT ON COLUMN product.phone_pool.is_placeholder IS 'Fictional: no carrier will ever ring it.';

COMMENT ON COLUMN product.phone_pool.number_id IS 'Names the number where the number itself may not stand: in jobs, paths and logs.';

COMMENT ON COLUMN product.phone_pool.bought_by IS 'The run that bought it. Only what we bought ourselves is ever given back by itself.';

COMMENT ON COLUMN product.phone_pool.note IS 'Why it is in maintenance, in an operator''s words or ours.';

CREATE TABLE product.provider_credentials (
    credential text NOT NULL,
    version integer NOT NULL,
    sealed bytea,
    fingerprint text NOT NULL,
    set_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    set_by text NOT NULL,
    configured_until timestamp with time zone,
    expires_at timestamp with time zone,
    retired_at timestamp with time zone,
    retired_by text,
    CONSTRAINT credential_is_known CHECK ((credential = ANY (ARRAY['twilio_auth_token'::text, 'stripe_secret_key'::text, 'stripe_webhook_secret'::text, 'openai_api_key'::text]))),
    CONSTRAINT fingerprint_is_twelve_digits CHECK ((fingerprint ~ '^[0-9a-f]{12}$'::text)),
    CONSTRAINT retired_by_fits CHECK (((length(retired_by) >= 1) AND (length(retired_by) <= 200))),
    CONSTRAINT retired_by_somebody CHECK (((retired_at IS NULL) = (retired_by IS NULL))),
    CONSTRAINT set_by_fits CHECK (((length(set_by) >= 1) AND (length(set_by) <= 200))),
    CONSTRAINT the_newest_has_its_box CHECK (((sealed IS NOT NULL) OR (expires_at IS NOT NULL) OR (retired_at IS NOT NULL))),
    CONSTRAINT versions_count_up CHECK ((version > 0)),
    CONSTRAINT what_is_over_is_not_kept CHECK (((sealed IS NULL) OR (retired_at IS NULL)))
);

ALTER TABLE ONLY product.provider_credentials FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE product.provider_credentials IS 'What providers know us by. A row is for ever, its secret only for as long as it counts.';

COMMENT ON COLUMN product.provider_credentials.sealed IS 'The secret with its name, sealed. Null: it is over, and forgotten.';

COMMENT ON COLUMN product.provider_credentials.fingerprint IS 'Of a hash under the pepper: the same secret has the same one, and nobody finds the secret by it.';

COMMENT ON COLUMN product.provider_credentials.configured_until IS 'Set where nothing of it counted here before: until then signatures by what processes were configured with are taken, too.';

COMMENT ON COLUMN product.provider_credentials.expires_at IS 'Set when a newer one has taken its place: until then signatures by it are taken, too. Null: it is the newest.';

COMMENT ON COLUMN product.provider_credentials.retired_at IS 'When it was ended by hand.';

CREATE TABLE product.rate_limits (
    scope text NOT NULL,
    key_hash product.digest NOT NULL,
    window_start timestamp with time zone NOT NULL,
    window_end timestamp with time zone NOT NULL,
    count integer NOT NULL,
    CONSTRAINT a_window_is_open_a_while CHECK ((window_end > window_start)),
    CONSTRAINT hits_are_counted CHECK ((count > 0)),
    CONSTRAINT scope_is_a_name CHECK ((scope ~ '^[a-z][a-z0-9_.]{0,62}$'::text))
);

COMMENT ON COLUMN product.rate_limits.key_hash IS 'Keyed hash of an address or a phone; neither is ever stored here in the clear.';

CREATE TABLE product.reconciliation_findings (
    run_id uuid NOT NULL,
    stripe_object text NOT NULL,
    kind text NOT NULL,
    tenant_id uuid,
    outcome text NOT NULL,
    before jsonb,
    after jsonb,
    CONSTRAINT kind_is_a_name CHECK ((kind ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
    CONSTRAINT outcome_is_known CHECK ((outcome = ANY (ARRAY['fixed'::text, 'reported'::text])))
);

ALTER TABLE ONLY product.reconciliation_findings FORCE ROW LEVEL SECURITY;

CREATE TABLE product.reconciliation_runs (
    run_id uuid NOT NULL,
    started_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    finished_at timestamp with time zone,
    report jsonb,
    CONSTRAINT reported_iff_finished CHECK (((finished_at IS NULL) = (report IS NULL)))
);

CREATE TABLE product.reconciliation_seen (
    run_id uuid NOT NULL,
    stripe_subscription_id text NOT NULL,
    tenant_id uuid,
    is_live boolean NOT NULL
);

ALTER TABLE ONLY product.reconciliation_seen FORCE ROW LEVEL SECURITY;

CREATE TABLE product.sessions (
    token_hash product.digest NOT NULL,
    user_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    session_version integer NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY product.sessions FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.sessions.session_version IS 'Valid only while it equals the user''s: raising that ends all sessions at once.';

CREATE TABLE product.subscription_plans (
    plan text NOT NULL,
    daily_calls_max integer NOT NULL,
    talk_secs_max integer NOT NULL,
    lifetime_hours integer,
    conversations_monthly_max integer,
    stripe_price_id text,
    meter_event_name text,
    talk_meter_event_name text,
    metered_since timestamp with time zone,
    talk_metered_since timestamp with time zone,
    CONSTRAINT a_demo_has_no_price CHECK (((plan <> 'demo'::text) OR ((stripe_price_id IS NULL) AND (meter_event_name IS NULL)))),
    CONSTRAINT a_demo_has_no_talk_meter CHECK (((plan <> 'demo'::text) OR (talk_meter_event_name IS NULL))),
    CONSTRAINT daily_calls_are_positive CHECK ((daily_calls_max > 0)),
    CONSTRAINT lifetime_is_positive CHECK ((lifetime_hours > 0)),
    CONSTRAINT meter_event_is_a_name CHECK ((meter_event_name ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
    CONSTRAINT monthly_conversations_are_positive CHECK ((conversations_monthly_max > 0)),
    CONSTRAINT plan_is_a_name CHECK ((plan ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
    CONSTRAINT price_has_its_shape CHECK ((stripe_price_id ~ '^[A-Za-z0-9_.-]{1,255}$'::text)),
    CONSTRAINT talk_meter_event_is_a_name CHECK ((talk_meter_event_name ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
    CONSTRAINT talk_time_is_positive CHECK ((talk_secs_max > 0))
);

COMMENT ON COLUMN product.subscription_plans.lifetime_hours IS 'Null: runs until it is cancelled.';

COMMENT ON COLUMN product.subscription_plans.conversations_monthly_max IS 'Conversations in which we write, in a calendar month of the tenant''s zone. Null: no limit.';

COMMENT ON COLUMN product.subscription_plans.stripe_price_id IS 'Null: cannot be bought.';

COMMENT ON COLUMN product.subscription_plans.meter_event_name IS 'The Stripe meter that its outbound messages are reported to. Null: billed as a whole.';

COMMENT ON COLUMN product.subscription_plans.talk_meter_event_name IS 'The Stripe meter that its seconds of talk are reported to. Null: billed as a whole.';

COMMENT ON COLUMN product.subscription_plans.metered_since IS 'When it got the meter of its outbound messages. Null: as long as anybody has it.';

COMMENT ON COLUMN product.subscription_plans.talk_metered_since IS 'When it got the meter of its seconds of talk. Null: as long as anybody has it.';

CREATE TABLE product.subscriptions (
    subscription_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    plan text NOT NULL,
    daily_calls_max integer NOT NULL,
    talk_secs_max integer NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    stripe_subscription_id text,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    ends_at timestamp with time zone,
    quantity integer DEFAULT 1 NOT NULL,
    stripe_customer_id text,
    stripe_price_id text,
    stripe_status text,
    livemode boolean,
    cancel_at_period_end boolean DEFAULT false NOT NULL,
    current_period_start timestamp with time zone,
    current_period_end timestamp with time zone,
    trial_end timestamp with time zone,
    stripe_seen_at timestamp with time zone,
    opened_by uuid,
    updated_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    metered_from timestamp with time zone,
    CONSTRAINT a_demo_is_not_billed CHECK (((plan <> 'demo'::text) OR (stripe_subscription_id IS NULL))),
    CONSTRAINT daily_calls_are_positive CHECK ((daily_calls_max > 0)),
    CONSTRAINT pending_until_it_has_an_id CHECK (((status <> 'pending'::text) OR (stripe_subscription_id IS NULL))),
    CONSTRAINT quantity_is_positive CHECK ((quantity > 0)),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'lapsed'::text, 'cancelled'::text]))),
    CONSTRAINT stripe_status_is_known CHECK ((stripe_status = ANY (ARRAY['active'::text, 'canceled'::text, 'incomplete'::text, 'incomplete_expired'::text, 'past_due'::text, 'paused'::text, 'trialing'::text, 'unpaid'::text]))),
    CONSTRAINT talk_time_is_positive CHECK ((talk_secs_max > 0)),
    CONSTRAINT what_is_seen_is_known CHECK (((stripe_status IS NULL) = (stripe_seen_at IS NULL)))
);

ALTER TABLE ONLY product.subscriptions FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.subscriptions.daily_calls_max IS 'As agreed when it was opened; a later change of the plan leaves it alone.';

COMMENT ON COLUMN product.subscriptions.status IS 'pending: being opened. active: in force. lapsed: unpaid, paused or incomplete. cancelled: over.';

COMMENT ON COLUMN product.subscriptions.stripe_seen_at IS 'Before Stripe was asked for what stands here. What was asked for earlier is late.';

COMMENT ON COLUMN product.subscriptions.opened_by IS 'The job that opened it.';

COMMENT ON COLUMN product.subscriptions.metered_from IS 'When its plan brought a meter that the one before had not. Null: it has had its meters since created_at.';

CREATE VIEW product.subscriptions_in_force WITH (security_invoker='true') AS
 SELECT subscriptions.subscription_id,
    subscriptions.tenant_id,
    subscriptions.plan,
    subscriptions.daily_calls_max,
    subscriptions.talk_secs_max,
    subscriptions.created_at
   FROM product.subscriptions
  WHERE ((subscriptions.status = 'active'::text) AND ((subscriptions.ends_at IS NULL) OR (subscriptions.ends_at > trunkline.now())));

CREATE TABLE product.switches (
    switch text NOT NULL,
    is_on boolean NOT NULL,
    reason text,
    set_by text NOT NULL,
    set_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    until timestamp with time zone,
    CONSTRAINT only_what_is_on_ends CHECK ((is_on OR (until IS NULL))),
    CONSTRAINT reason_fits CHECK (((length(reason) >= 1) AND (length(reason) <= 500))),
    CONSTRAINT set_by_fits CHECK (((length(set_by) >= 1) AND (length(set_by) <= 200))),
    CONSTRAINT switch_is_known CHECK ((switch = ANY (ARRAY['demo_disabled'::text, 'sms_bypass'::text, 'voice_codes'::text, 'calls_disabled'::text]))),
    CONSTRAINT what_is_on_has_a_reason CHECK (((NOT is_on) OR (reason IS NOT NULL)))
);

COMMENT ON COLUMN product.switches.until IS 'Then it is off by itself. Null: until somebody turns it off.';

CREATE TABLE product.tenant_keys (
    key_id text NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    per_minute integer NOT NULL,
    secret_hash product.digest NOT NULL,
    made_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    made_by text NOT NULL,
    lasts interval,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    revoked_by text,
    replaces text,
    CONSTRAINT a_key_may_ask CHECK (((per_minute >= 1) AND (per_minute <= 6000))),
    CONSTRAINT key_has_a_name CHECK (((length(name) >= 1) AND (length(name) <= 60))),
    CONSTRAINT key_id_is_twelve_digits CHECK ((key_id ~ '^[0-9a-f]{12}$'::text)),
    CONSTRAINT made_by_fits CHECK (((length(made_by) >= 1) AND (length(made_by) <= 200))),
    CONSTRAINT only_what_lasts_ends CHECK (((lasts IS NULL) OR (expires_at IS NOT NULL))),
    CONSTRAINT revoked_by_fits CHECK (((length(revoked_by) >= 1) AND (length(revoked_by) <= 200))),
    CONSTRAINT revoked_by_somebody CHECK (((revoked_at IS NULL) = (revoked_by IS NULL)))
);

ALTER TABLE ONLY product.tenant_keys FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.tenant_keys.secret_hash IS 'SHA-256 of the whole key, which has 256 bits of chance in it and stands nowhere.';

COMMENT ON COLUMN product.tenant_keys.lasts IS 'How long it was made for; the one that takes its place lasts as long. Null: it has no end of its own.';

COMMENT ON COLUMN product.tenant_keys.expires_at IS 'Set where it was made for a time, and when another key has taken its place.';

CREATE TABLE product.tenant_status_history (
    change_id bigint NOT NULL,
    tenant_id uuid NOT NULL,
    previous_status text,
    status text NOT NULL,
    reason text NOT NULL,
    changed_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT a_change_changes CHECK ((previous_status IS DISTINCT FROM status)),
    CONSTRAINT reason_fits CHECK (((length(reason) >= 1) AND (length(reason) <= 200)))
);

ALTER TABLE ONLY product.tenant_status_history FORCE ROW LEVEL SECURITY;

ALTER TABLE product.tenant_status_history ALTER COLUMN change_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME product.tenant_status_history_change_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE product.tenants (
    tenant_id uuid NOT NULL,
    company_name text NOT NULL,
    status text NOT NULL,
    demo_expires_at timestamp with time zone,
    stripe_customer_id text,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    updated_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT a_demo_is_not_billed CHECK (((status <> ALL (ARRAY['demo_pending'::text, 'trial'::text])) OR (stripe_customer_id IS NULL))),
    CONSTRAINT a_pending_demo_has_not_begun CHECK (((status <> 'demo_pending'::text) OR (demo_expires_at IS NULL))),
    CONSTRAINT a_trial_ends CHECK (((status <> 'trial'::text) OR (demo_expires_at IS NOT NULL))),
    CONSTRAINT company_name_fits CHECK (((length(company_name) >= 1) AND (length(company_name) <= 200))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['demo_pending'::text, 'trial'::text, 'active'::text, 'suspended'::text, 'expired'::text, 'offboarded'::text])))
);

ALTER TABLE ONLY product.tenants FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.tenants.status IS 'trial: a running demo (also called demo).';

CREATE VIEW product.twilio_phone_pool WITH (security_invoker='true') AS
 SELECT phone_pool.phone AS phone_number,
    phone_pool.status,
    phone_pool.tenant_id,
    phone_pool.allocated_at,
    phone_pool.capabilities,
    phone_pool.created_at
   FROM product.phone_pool;

CREATE TABLE product.usage_events (
    tenant_id uuid NOT NULL,
    hour timestamp with time zone NOT NULL,
    kind text NOT NULL,
    quantity bigint NOT NULL,
    counted_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    reported_quantity bigint DEFAULT 0 NOT NULL,
    telling_quantity bigint,
    telling_since timestamp with time zone,
    left_why text,
    left_for text,
    CONSTRAINT an_hour_begins_at_its_beginning CHECK ((date_trunc('hour'::text, hour, 'UTC'::text) = hour)),
    CONSTRAINT being_told_since CHECK (((telling_quantity IS NULL) = (telling_since IS NULL))),
    CONSTRAINT doubtful_is_being_told CHECK (((left_why <> 'doubtful'::text) OR (telling_quantity IS NOT NULL))),
    CONSTRAINT kind_is_known CHECK ((kind = ANY (ARRAY['calls'::text, 'talk_secs'::text, 'messages_out'::text, 'messages_in'::text]))),
    CONSTRAINT left_for_a_meter CHECK (((left_why IS NULL) = (left_for IS NULL))),
    CONSTRAINT left_why_is_known CHECK ((left_why = ANY (ARRAY['refused'::text, 'doubtful'::text]))),
    CONSTRAINT reports_are_counted CHECK ((reported_quantity >= 0)),
    CONSTRAINT telling_is_positive CHECK ((telling_quantity > 0)),
    CONSTRAINT usage_is_positive CHECK ((quantity > 0))
);

ALTER TABLE ONLY product.usage_events FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.usage_events.reported_quantity IS 'How much of it Stripe was told, for plans that bill by use.';

COMMENT ON COLUMN product.usage_events.telling_quantity IS 'The total that Stripe is being told of, or was without an answer: it is told again until there is one.';

COMMENT ON COLUMN product.usage_events.telling_since IS 'When that began. Stripe counts a repeat once for a day.';

COMMENT ON COLUMN product.usage_events.left_why IS 'refused: Stripe does not take it. doubtful: Stripe may have counted it, and can no longer tell a repeat.';

COMMENT ON COLUMN product.usage_events.left_for IS 'The meter and the customer that it was left for; what was refused is told again for others.';

CREATE TABLE product.usage_progress (
    only_one boolean DEFAULT true NOT NULL,
    counted_until timestamp with time zone NOT NULL,
    CONSTRAINT there_is_one CHECK (only_one)
);

CREATE TABLE product.users (
    user_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    email product.email NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    password_hash text NOT NULL,
    must_change_password boolean DEFAULT true NOT NULL,
    session_version integer DEFAULT 1 NOT NULL,
    role text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    updated_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT first_name_fits CHECK (((length(first_name) >= 1) AND (length(first_name) <= 100))),
    CONSTRAINT last_name_fits CHECK (((length(last_name) >= 1) AND (length(last_name) <= 100))),
    CONSTRAINT password_is_argon2id CHECK ((password_hash ~~ '$argon2id$%'::text)),
    CONSTRAINT role_is_known CHECK ((role = 'customer_admin'::text)),
    CONSTRAINT session_version_rises CHECK ((session_version > 0))
);

ALTER TABLE ONLY product.users FORCE ROW LEVEL SECURITY;

CREATE TABLE product.verification_failures (
    key_hash product.digest NOT NULL,
    failures integer NOT NULL,
    blocked_until timestamp with time zone NOT NULL,
    forget_at timestamp with time zone NOT NULL,
    CONSTRAINT failures_are_counted CHECK ((failures > 0))
);

COMMENT ON TABLE product.verification_failures IS 'Wrong codes in a row, by the keyed hash of a phone. A right one forgets them.';

CREATE TABLE product.vitals (
    subject text NOT NULL,
    gauges jsonb NOT NULL,
    taken_at timestamp with time zone NOT NULL,
    CONSTRAINT subject_is_known CHECK ((subject = 'product'::text))
);

CREATE TABLE product.voice_sessions (
    session_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    call_id uuid NOT NULL,
    call_sid text NOT NULL,
    job_id uuid NOT NULL,
    outcome text,
    transfer_to product.phone,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT call_sid_has_its_shape CHECK ((call_sid ~ '^CA[0-9a-f]{32}$'::text)),
    CONSTRAINT closed_iff_it_has_an_outcome CHECK (((outcome IS NULL) = (closed_at IS NULL))),
    CONSTRAINT only_a_transfer_has_its_number CHECK (((transfer_to IS NOT NULL) = (NOT (outcome IS DISTINCT FROM 'transferred'::text)))),
    CONSTRAINT outcome_is_known CHECK ((outcome = ANY (ARRAY['completed'::text, 'hung_up'::text, 'transferred'::text, 'time_up'::text, 'silent'::text, 'ai_failed'::text, 'overflow'::text, 'abandoned'::text])))
);

ALTER TABLE ONLY product.voice_sessions FORCE ROW LEVEL SECURITY;

COMMENT ON COLUMN product.voice_sessions.job_id IS 'The run of voice_session that speaks. No reference: the history of jobs is dropped in pieces.';

COMMENT ON COLUMN product.voice_sessions.outcome IS 'Null while it lives. The first one stands.';

CREATE TABLE product.voice_settings (
    tenant_id uuid NOT NULL,
    voice_mode text DEFAULT 'always'::text NOT NULL,
    greeting text,
    transfer_phone product.phone,
    emergency_keywords text[],
    owner_alerts text DEFAULT 'urgent'::text NOT NULL,
    seal_transcripts boolean DEFAULT false NOT NULL,
    transcripts_kept_days smallint DEFAULT 90 NOT NULL,
    links jsonb DEFAULT '{}'::jsonb NOT NULL,
    updated_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT emergency_keywords_are_few CHECK ((cardinality(emergency_keywords) <= 50)),
    CONSTRAINT greeting_fits CHECK (((length(greeting) >= 1) AND (length(greeting) <= 500))),
    CONSTRAINT links_are_an_object CHECK ((jsonb_typeof(links) = 'object'::text)),
    CONSTRAINT owner_alerts_are_known CHECK ((owner_alerts = ANY (ARRAY['every_call'::text, 'urgent'::text, 'none'::text]))),
    CONSTRAINT transcripts_are_kept_a_while CHECK (((transcripts_kept_days >= 1) AND (transcripts_kept_days <= 3650))),
    CONSTRAINT voice_mode_is_known CHECK ((voice_mode = ANY (ARRAY['always'::text, 'after_hours'::text, 'business_hours'::text, 'off'::text])))
);

ALTER TABLE ONLY product.voice_settings FORCE ROW LEVEL SECURITY;

COMMENT ON TABLE product.voice_settings IS 'A tenant without a row has what domain/src/voice_settings.rs says. Its time zone is that of product.messaging_settings.';

COMMENT ON COLUMN product.voice_settings.transfer_phone IS 'Where a person picks up. Null: nobody does.';

COMMENT ON COLUMN product.voice_settings.emergency_keywords IS 'Null: the usual ones.';

CREATE TABLE trunkline.audit (
    audit_id bigint NOT NULL,
    at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    job_id uuid,
    subject text,
    reason text,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT audit_action_check CHECK ((action ~ '^[a-z_]+\.[a-z_]{1,40}$'::text)),
    CONSTRAINT audit_actor_check CHECK (((length(actor) >= 1) AND (length(actor) <= 200))),
    CONSTRAINT audit_details_check CHECK ((pg_column_size(details) <= 2097152)),
    CONSTRAINT audit_is_about_one_thing CHECK (((job_id IS NULL) <> (subject IS NULL))),
    CONSTRAINT audit_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 500)))
);

COMMENT ON TABLE trunkline.audit IS 'Insert-only: the application''s role can neither change nor delete what stands here.';

COMMENT ON COLUMN trunkline.audit.subject IS 'What it was done to, where that is no job: queue:NAME, schedule:NAME, worker:NUMBER or operation:ID.';

COMMENT ON COLUMN trunkline.audit.details IS 'What it was before, where something was changed; sealed values stay sealed. At most twice a job''s arguments, and then some.';

ALTER TABLE trunkline.audit ALTER COLUMN audit_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME trunkline.audit_audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE trunkline.audit_links (
    link bigint NOT NULL,
    audit_id bigint NOT NULL,
    hash bytea NOT NULL,
    chained_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT hash_is_sha256 CHECK ((octet_length(hash) = 32)),
    CONSTRAINT links_are_numbered CHECK ((link > 0))
);

COMMENT ON TABLE trunkline.audit_links IS 'SHA-256 of the hash of the link before (of 32 zero bytes for the first) and of the SHA-256 of the row as one JSON array.';

COMMENT ON COLUMN trunkline.audit_links.link IS 'From 1, without a gap, and given once: the chain cannot fork.';

CREATE TABLE trunkline.backfills (
    backfill_id uuid NOT NULL,
    schedule text NOT NULL,
    from_at timestamp with time zone NOT NULL,
    to_at timestamp with time zone NOT NULL,
    next_at timestamp with time zone NOT NULL,
    per_minute smallint NOT NULL,
    resume_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    made integer DEFAULT 0 NOT NULL,
    had_run integer DEFAULT 0 NOT NULL,
    asked_by text NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT backfills_asked_by_check CHECK ((length(asked_by) <= 200)),
    CONSTRAINT backfills_go_forward CHECK ((from_at <= to_at)),
    CONSTRAINT backfills_per_minute_check CHECK (((per_minute >= 1) AND (per_minute <= 600))),
    CONSTRAINT backfills_reason_check CHECK ((length(reason) <= 1000))
);

COMMENT ON COLUMN trunkline.backfills.had_run IS 'Ticks that had a job already and got no second one.';

CREATE TABLE trunkline.breaker_news (
    news_id uuid DEFAULT gen_random_uuid() NOT NULL,
    gate_id uuid NOT NULL,
    good boolean NOT NULL,
    at timestamp with time zone DEFAULT trunkline.now() NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0');

CREATE TABLE trunkline.cancels (
    job_id uuid NOT NULL,
    mode text NOT NULL,
    forced boolean DEFAULT false NOT NULL,
    asked_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT cancels_mode_check CHECK ((mode = ANY (ARRAY['graceful'::text, 'undo'::text, 'terminate'::text]))),
    CONSTRAINT only_terminate_is_forced CHECK (((NOT forced) OR (mode = 'terminate'::text)))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');

COMMENT ON TABLE trunkline.cancels IS 'Kept until a while after the job has ended, so that a worker that still has it in hand hears of it.';

CREATE TABLE trunkline.checkpoints (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    key text NOT NULL,
    form text NOT NULL,
    output jsonb NOT NULL,
    attempt smallint NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    lent text,
    CONSTRAINT checkpoints_form_check CHECK ((form = ANY (ARRAY['step'::text, 'transaction'::text, 'wait'::text, 'sleep'::text, 'deadline'::text, 'hold'::text, 'join'::text, 'race'::text, 'branch'::text, 'fan_out'::text, 'record'::text, 'pivot'::text, 'patch'::text]))),
    CONSTRAINT checkpoints_key_check CHECK (((length(key) >= 1) AND (length(key) <= 200)))
)
PARTITION BY LIST (retention);

COMMENT ON COLUMN trunkline.checkpoints.key IS 'The step''s name, `#n` for its n-th repeat in a run. Stable over attempts, workers and versions.';

COMMENT ON COLUMN trunkline.checkpoints.lent IS 'effect, change or child: the deed is another run''s, this run only knows what it yielded.';

CREATE TABLE trunkline.checkpoints_brief (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    key text NOT NULL,
    form text NOT NULL,
    output jsonb NOT NULL,
    attempt smallint NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    lent text,
    CONSTRAINT checkpoints_form_check CHECK ((form = ANY (ARRAY['step'::text, 'transaction'::text, 'wait'::text, 'sleep'::text, 'deadline'::text, 'hold'::text, 'join'::text, 'race'::text, 'branch'::text, 'fan_out'::text, 'record'::text, 'pivot'::text, 'patch'::text]))),
    CONSTRAINT checkpoints_key_check CHECK (((length(key) >= 1) AND (length(key) <= 200)))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.checkpoints_long (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    key text NOT NULL,
    form text NOT NULL,
    output jsonb NOT NULL,
    attempt smallint NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    lent text,
    CONSTRAINT checkpoints_form_check CHECK ((form = ANY (ARRAY['step'::text, 'transaction'::text, 'wait'::text, 'sleep'::text, 'deadline'::text, 'hold'::text, 'join'::text, 'race'::text, 'branch'::text, 'fan_out'::text, 'record'::text, 'pivot'::text, 'patch'::text]))),
    CONSTRAINT checkpoints_key_check CHECK (((length(key) >= 1) AND (length(key) <= 200)))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.checkpoints_standard (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    key text NOT NULL,
    form text NOT NULL,
    output jsonb NOT NULL,
    attempt smallint NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    lent text,
    CONSTRAINT checkpoints_form_check CHECK ((form = ANY (ARRAY['step'::text, 'transaction'::text, 'wait'::text, 'sleep'::text, 'deadline'::text, 'hold'::text, 'join'::text, 'race'::text, 'branch'::text, 'fan_out'::text, 'record'::text, 'pivot'::text, 'patch'::text]))),
    CONSTRAINT checkpoints_key_check CHECK (((length(key) >= 1) AND (length(key) <= 200)))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.effects (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    key text NOT NULL,
    seq smallint NOT NULL,
    form text NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    input jsonb NOT NULL,
    output jsonb,
    attempt smallint DEFAULT 1 NOT NULL,
    started_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    finished_at timestamp with time zone,
    undone_at timestamp with time zone,
    CONSTRAINT done_has_output CHECK (((state <> 'done'::text) OR (output IS NOT NULL))),
    CONSTRAINT effects_form_check CHECK ((form = ANY (ARRAY['effect'::text, 'change'::text, 'child'::text]))),
    CONSTRAINT effects_key_check CHECK (((length(key) >= 1) AND (length(key) <= 200))),
    CONSTRAINT effects_seq_check CHECK ((seq > 0)),
    CONSTRAINT effects_state_check CHECK ((state = ANY (ARRAY['intent'::text, 'unknown'::text, 'idle'::text, 'done'::text, 'undone'::text, 'skipped'::text, 'resolved'::text])))
)
PARTITION BY LIST (retention);

COMMENT ON COLUMN trunkline.effects.state IS 'intent: begun, outcome not recorded; unknown: the reply was lost; idle: known not to have happened; done; undone; skipped or resolved: by an operator.';

CREATE TABLE trunkline.effects_brief (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    key text NOT NULL,
    seq smallint NOT NULL,
    form text NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    input jsonb NOT NULL,
    output jsonb,
    attempt smallint DEFAULT 1 NOT NULL,
    started_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    finished_at timestamp with time zone,
    undone_at timestamp with time zone,
    CONSTRAINT done_has_output CHECK (((state <> 'done'::text) OR (output IS NOT NULL))),
    CONSTRAINT effects_form_check CHECK ((form = ANY (ARRAY['effect'::text, 'change'::text, 'child'::text]))),
    CONSTRAINT effects_key_check CHECK (((length(key) >= 1) AND (length(key) <= 200))),
    CONSTRAINT effects_seq_check CHECK ((seq > 0)),
    CONSTRAINT effects_state_check CHECK ((state = ANY (ARRAY['intent'::text, 'unknown'::text, 'idle'::text, 'done'::text, 'undone'::text, 'skipped'::text, 'resolved'::text])))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.effects_long (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    key text NOT NULL,
    seq smallint NOT NULL,
    form text NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    input jsonb NOT NULL,
    output jsonb,
    attempt smallint DEFAULT 1 NOT NULL,
    started_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    finished_at timestamp with time zone,
    undone_at timestamp with time zone,
    CONSTRAINT done_has_output CHECK (((state <> 'done'::text) OR (output IS NOT NULL))),
    CONSTRAINT effects_form_check CHECK ((form = ANY (ARRAY['effect'::text, 'change'::text, 'child'::text]))),
    CONSTRAINT effects_key_check CHECK (((length(key) >= 1) AND (length(key) <= 200))),
    CONSTRAINT effects_seq_check CHECK ((seq > 0)),
    CONSTRAINT effects_state_check CHECK ((state = ANY (ARRAY['intent'::text, 'unknown'::text, 'idle'::text, 'done'::text, 'undone'::text, 'skipped'::text, 'resolved'::text])))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.effects_standard (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    key text NOT NULL,
    seq smallint NOT NULL,
    form text NOT NULL,
    name text NOT NULL,
    state text NOT NULL,
    input jsonb NOT NULL,
    output jsonb,
    attempt smallint DEFAULT 1 NOT NULL,
    started_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    finished_at timestamp with time zone,
    undone_at timestamp with time zone,
    CONSTRAINT done_has_output CHECK (((state <> 'done'::text) OR (output IS NOT NULL))),
    CONSTRAINT effects_form_check CHECK ((form = ANY (ARRAY['effect'::text, 'change'::text, 'child'::text]))),
    CONSTRAINT effects_key_check CHECK (((length(key) >= 1) AND (length(key) <= 200))),
    CONSTRAINT effects_seq_check CHECK ((seq > 0)),
    CONSTRAINT effects_state_check CHECK ((state = ANY (ARRAY['intent'::text, 'unknown'::text, 'idle'::text, 'done'::text, 'undone'::text, 'skipped'::text, 'resolved'::text])))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.failures (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    failure_id uuid NOT NULL,
    key text,
    phase text NOT NULL,
    attempt smallint NOT NULL,
    class text NOT NULL,
    error text NOT NULL,
    failed_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT failures_class_check CHECK ((class = ANY (ARRAY['retry'::text, 'unknown'::text, 'permanent'::text, 'undo'::text, 'snooze'::text, 'panic'::text, 'diverged'::text, 'cancelled'::text, 'lost_worker'::text]))),
    CONSTRAINT failures_error_check CHECK ((length(error) <= 4000)),
    CONSTRAINT failures_key_check CHECK ((length(key) <= 200)),
    CONSTRAINT failures_phase_check CHECK ((phase = ANY (ARRAY['do'::text, 'undo'::text, 'probe'::text])))
)
PARTITION BY LIST (retention);

CREATE TABLE trunkline.failures_brief (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    failure_id uuid NOT NULL,
    key text,
    phase text NOT NULL,
    attempt smallint NOT NULL,
    class text NOT NULL,
    error text NOT NULL,
    failed_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT failures_class_check CHECK ((class = ANY (ARRAY['retry'::text, 'unknown'::text, 'permanent'::text, 'undo'::text, 'snooze'::text, 'panic'::text, 'diverged'::text, 'cancelled'::text, 'lost_worker'::text]))),
    CONSTRAINT failures_error_check CHECK ((length(error) <= 4000)),
    CONSTRAINT failures_key_check CHECK ((length(key) <= 200)),
    CONSTRAINT failures_phase_check CHECK ((phase = ANY (ARRAY['do'::text, 'undo'::text, 'probe'::text])))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.failures_long (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    failure_id uuid NOT NULL,
    key text,
    phase text NOT NULL,
    attempt smallint NOT NULL,
    class text NOT NULL,
    error text NOT NULL,
    failed_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT failures_class_check CHECK ((class = ANY (ARRAY['retry'::text, 'unknown'::text, 'permanent'::text, 'undo'::text, 'snooze'::text, 'panic'::text, 'diverged'::text, 'cancelled'::text, 'lost_worker'::text]))),
    CONSTRAINT failures_error_check CHECK ((length(error) <= 4000)),
    CONSTRAINT failures_key_check CHECK ((length(key) <= 200)),
    CONSTRAINT failures_phase_check CHECK ((phase = ANY (ARRAY['do'::text, 'undo'::text, 'probe'::text])))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.failures_standard (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    failure_id uuid NOT NULL,
    key text,
    phase text NOT NULL,
    attempt smallint NOT NULL,
    class text NOT NULL,
    error text NOT NULL,
    failed_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT failures_class_check CHECK ((class = ANY (ARRAY['retry'::text, 'unknown'::text, 'permanent'::text, 'undo'::text, 'snooze'::text, 'panic'::text, 'diverged'::text, 'cancelled'::text, 'lost_worker'::text]))),
    CONSTRAINT failures_error_check CHECK ((length(error) <= 4000)),
    CONSTRAINT failures_key_check CHECK ((length(key) <= 200)),
    CONSTRAINT failures_phase_check CHECK ((phase = ANY (ARRAY['do'::text, 'undo'::text, 'probe'::text])))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.gates (
    gate_id uuid NOT NULL,
    form text NOT NULL,
    scope text NOT NULL,
    next_at timestamp with time zone,
    breaker jsonb,
    touched_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT gates_form_check CHECK ((form = ANY (ARRAY['at_once'::text, 'rate'::text, 'breaker'::text]))),
    CONSTRAINT gates_scope_check CHECK (((length(scope) >= 1) AND (length(scope) <= 100))),
    CONSTRAINT only_a_breaker_breaks CHECK (((breaker IS NULL) OR (form = 'breaker'::text))),
    CONSTRAINT only_a_rate_has_a_slot CHECK (((next_at IS NULL) OR (form = 'rate'::text)))
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0');

COMMENT ON TABLE trunkline.gates IS 'Locked by whoever gives permits or slots of it, and by nobody else: a worker''s end only deletes permits.';

COMMENT ON COLUMN trunkline.gates.next_at IS 'GCRA''s theoretical arrival time: when the next slot is, if none is saved up.';

CREATE TABLE trunkline.inbox (
    provider text NOT NULL,
    dedupe_key text NOT NULL,
    object_key text NOT NULL,
    received_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    payload jsonb NOT NULL,
    job_id uuid,
    deliveries integer DEFAULT 1 NOT NULL,
    CONSTRAINT inbox_dedupe_key_check CHECK (((length(dedupe_key) >= 1) AND (length(dedupe_key) <= 300)))
);

CREATE TABLE trunkline.jobs (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    kind_id smallint NOT NULL,
    queue_id smallint NOT NULL,
    priority smallint DEFAULT 0 NOT NULL,
    args jsonb NOT NULL,
    tenant_id uuid,
    parent_id uuid,
    parent_step text,
    unique_key bytea,
    traceparent text,
    has_deed boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    lane uuid,
    gates jsonb,
    expires_at timestamp with time zone,
    deadline_at timestamp with time zone,
    origin_id uuid,
    origin text,
    origin_step text,
    CONSTRAINT child_knows_its_step CHECK (((parent_id IS NULL) = (parent_step IS NULL))),
    CONSTRAINT jobs_retention_check CHECK ((retention = ANY (ARRAY[0, 1, 2]))),
    CONSTRAINT only_a_fork_has_a_step CHECK (((origin_step IS NULL) OR (origin = 'fork'::text))),
    CONSTRAINT origin_is_known CHECK ((origin = ANY (ARRAY['redrive'::text, 'fork'::text]))),
    CONSTRAINT origin_is_whole CHECK (((origin_id IS NULL) = (origin IS NULL)))
)
PARTITION BY LIST (retention);

COMMENT ON COLUMN trunkline.jobs.job_id IS 'UUIDv7: ordered by the time the job was made.';

COMMENT ON COLUMN trunkline.jobs.retention IS '0 brief (days), 1 standard (weeks), 2 long (a year). Decides the partition.';

COMMENT ON COLUMN trunkline.jobs.has_deed IS 'Born with an entry in its ledger: something was done in the transaction that enqueued it, and is undone unless the job succeeds.';

COMMENT ON COLUMN trunkline.jobs.gates IS 'What it has to pass before it runs, as the enqueuer said; keys as hashes. Null for most.';

COMMENT ON COLUMN trunkline.jobs.expires_at IS 'A job that has not begun by then fails instead of running late.';

COMMENT ON COLUMN trunkline.jobs.deadline_at IS 'After this instant the run fails and is undone, if the job was given a deadline of its own.';

COMMENT ON COLUMN trunkline.jobs.origin_id IS 'The finished job of which this one was made by an operator. That one stays as it was.';

CREATE TABLE trunkline.jobs_brief (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    kind_id smallint NOT NULL,
    queue_id smallint NOT NULL,
    priority smallint DEFAULT 0 NOT NULL,
    args jsonb NOT NULL,
    tenant_id uuid,
    parent_id uuid,
    parent_step text,
    unique_key bytea,
    traceparent text,
    has_deed boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    lane uuid,
    gates jsonb,
    expires_at timestamp with time zone,
    deadline_at timestamp with time zone,
    origin_id uuid,
    origin text,
    origin_step text,
    CONSTRAINT child_knows_its_step CHECK (((parent_id IS NULL) = (parent_step IS NULL))),
    CONSTRAINT jobs_retention_check CHECK ((retention = ANY (ARRAY[0, 1, 2]))),
    CONSTRAINT only_a_fork_has_a_step CHECK (((origin_step IS NULL) OR (origin = 'fork'::text))),
    CONSTRAINT origin_is_known CHECK ((origin = ANY (ARRAY['redrive'::text, 'fork'::text]))),
    CONSTRAINT origin_is_whole CHECK (((origin_id IS NULL) = (origin IS NULL)))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.jobs_long (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    kind_id smallint NOT NULL,
    queue_id smallint NOT NULL,
    priority smallint DEFAULT 0 NOT NULL,
    args jsonb NOT NULL,
    tenant_id uuid,
    parent_id uuid,
    parent_step text,
    unique_key bytea,
    traceparent text,
    has_deed boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    lane uuid,
    gates jsonb,
    expires_at timestamp with time zone,
    deadline_at timestamp with time zone,
    origin_id uuid,
    origin text,
    origin_step text,
    CONSTRAINT child_knows_its_step CHECK (((parent_id IS NULL) = (parent_step IS NULL))),
    CONSTRAINT jobs_retention_check CHECK ((retention = ANY (ARRAY[0, 1, 2]))),
    CONSTRAINT only_a_fork_has_a_step CHECK (((origin_step IS NULL) OR (origin = 'fork'::text))),
    CONSTRAINT origin_is_known CHECK ((origin = ANY (ARRAY['redrive'::text, 'fork'::text]))),
    CONSTRAINT origin_is_whole CHECK (((origin_id IS NULL) = (origin IS NULL)))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.jobs_standard (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    kind_id smallint NOT NULL,
    queue_id smallint NOT NULL,
    priority smallint DEFAULT 0 NOT NULL,
    args jsonb NOT NULL,
    tenant_id uuid,
    parent_id uuid,
    parent_step text,
    unique_key bytea,
    traceparent text,
    has_deed boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    lane uuid,
    gates jsonb,
    expires_at timestamp with time zone,
    deadline_at timestamp with time zone,
    origin_id uuid,
    origin text,
    origin_step text,
    CONSTRAINT child_knows_its_step CHECK (((parent_id IS NULL) = (parent_step IS NULL))),
    CONSTRAINT jobs_retention_check CHECK ((retention = ANY (ARRAY[0, 1, 2]))),
    CONSTRAINT only_a_fork_has_a_step CHECK (((origin_step IS NULL) OR (origin = 'fork'::text))),
    CONSTRAINT origin_is_known CHECK ((origin = ANY (ARRAY['redrive'::text, 'fork'::text]))),
    CONSTRAINT origin_is_whole CHECK (((origin_id IS NULL) = (origin IS NULL)))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.kinds (
    kind_id smallint NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT kinds_name_check CHECK ((name ~ '^[a-z][a-z0-9_]{0,62}$'::text))
);

ALTER TABLE trunkline.kinds ALTER COLUMN kind_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME trunkline.kinds_kind_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE trunkline.leases (
    job_id uuid NOT NULL,
    worker_id integer NOT NULL,
    claimed_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    epoch integer NOT NULL,
    queue_id smallint NOT NULL,
    kind_id smallint NOT NULL,
    priority smallint NOT NULL,
    attempt smallint NOT NULL,
    crashes smallint NOT NULL,
    retention smallint NOT NULL,
    course smallint NOT NULL,
    cancel_asked boolean DEFAULT false NOT NULL,
    lane uuid,
    CONSTRAINT leases_course_check CHECK (((course >= 0) AND (course <= 3)))
)
WITH (fillfactor='100', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0', autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='100000', autovacuum_analyze_scale_factor='0', autovacuum_analyze_threshold='2000000000');

COMMENT ON COLUMN trunkline.leases.epoch IS 'Rises with every claim. A worker''s write counts only with the epoch it was given: the fence.';

COMMENT ON COLUMN trunkline.leases.cancel_asked IS 'Nobody sets it any more. It stays for processes of the version before, which read it; it can go with the next version.';

CREATE TABLE trunkline.operation_items (
    operation_id uuid NOT NULL,
    job_id uuid NOT NULL,
    state text DEFAULT 'frozen'::text NOT NULL,
    epoch integer,
    due timestamp with time zone,
    became uuid,
    why text,
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['frozen'::text, 'done'::text, 'refused'::text, 'undone'::text, 'not_undone'::text]))),
    CONSTRAINT why_is_a_line CHECK ((length(why) <= 200))
);

COMMENT ON COLUMN trunkline.operation_items.epoch IS 'The job''s claims when it was done: as long as there are no more, it has not begun since.';

COMMENT ON COLUMN trunkline.operation_items.due IS 'When the job would have run, had it not been touched.';

COMMENT ON COLUMN trunkline.operation_items.became IS 'The job that was made of it.';

CREATE TABLE trunkline.operations (
    operation_id uuid NOT NULL,
    deed text NOT NULL,
    mode text,
    filter jsonb NOT NULL,
    before_job uuid NOT NULL,
    canary_jobs integer NOT NULL,
    canary_bad_max integer NOT NULL,
    canary_secs integer NOT NULL,
    state text DEFAULT 'freezing'::text NOT NULL,
    why text,
    matched bigint DEFAULT 0 NOT NULL,
    done bigint DEFAULT 0 NOT NULL,
    refused bigint DEFAULT 0 NOT NULL,
    undone bigint DEFAULT 0 NOT NULL,
    not_undone bigint DEFAULT 0 NOT NULL,
    per_second integer,
    made_by text NOT NULL,
    started_by text,
    reason text,
    undone_by text,
    undo_reason text,
    undo_job uuid,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    frozen_at timestamp with time zone,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT canary_has_time CHECK (((canary_secs >= 1) AND (canary_secs <= 86400))),
    CONSTRAINT canary_is_small CHECK (((canary_jobs >= 0) AND (canary_jobs <= 1000))),
    CONSTRAINT canary_may_lose_some CHECK (((canary_bad_max >= 0) AND (canary_bad_max <= 1000))),
    CONSTRAINT counted CHECK (((matched >= (done + refused)) AND (done >= (undone + not_undone)) AND (LEAST(refused, undone, not_undone) >= 0))),
    CONSTRAINT deed_is_known CHECK ((deed = ANY (ARRAY['retry'::text, 'redrive'::text, 'run_now'::text, 'cancel'::text]))),
    CONSTRAINT filter_is_small CHECK ((pg_column_size(filter) <= 4096)),
    CONSTRAINT maker_fits CHECK (((length(made_by) >= 1) AND (length(made_by) <= 200))),
    CONSTRAINT mode_is_gentle CHECK ((mode = ANY (ARRAY['graceful'::text, 'undo'::text]))),
    CONSTRAINT only_a_cancel_has_a_mode CHECK (((mode IS NOT NULL) = (deed = 'cancel'::text))),
    CONSTRAINT rate_is_bounded CHECK (((per_second >= 1) AND (per_second <= 1000))),
    CONSTRAINT reason_fits CHECK (((length(reason) >= 1) AND (length(reason) <= 500))),
    CONSTRAINT started_by_somebody_for_a_reason CHECK (((started_at IS NULL) OR ((started_by IS NOT NULL) AND (reason IS NOT NULL) AND (per_second IS NOT NULL)))),
    CONSTRAINT starter_fits CHECK (((length(started_by) >= 1) AND (length(started_by) <= 200))),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['freezing'::text, 'frozen'::text, 'working'::text, 'stopped'::text, 'done'::text, 'cancelled'::text, 'undoing'::text, 'undone'::text]))),
    CONSTRAINT undo_reason_fits CHECK (((length(undo_reason) >= 1) AND (length(undo_reason) <= 500))),
    CONSTRAINT undoer_fits CHECK (((length(undone_by) >= 1) AND (length(undone_by) <= 200))),
    CONSTRAINT why_is_a_line CHECK ((length(why) <= 500))
);

COMMENT ON TABLE trunkline.operations IS 'One order about many jobs. Its id is that of the job that carries it out.';

COMMENT ON COLUMN trunkline.operations.before_job IS 'Jobs with this id or a later one were made after the order, and are not meant.';

COMMENT ON COLUMN trunkline.operations.matched IS 'Jobs that were frozen. Those of them that are neither done nor refused are still to come, or were left alone.';

COMMENT ON COLUMN trunkline.operations.finished_at IS 'Nothing happens any more by itself. Empties when it is undone.';

CREATE TABLE trunkline.outcomes (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    state text NOT NULL,
    epoch integer NOT NULL,
    attempt smallint NOT NULL,
    undone boolean DEFAULT false NOT NULL,
    output jsonb,
    error jsonb,
    finished_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    kept boolean DEFAULT false NOT NULL,
    CONSTRAINT failed_says_why CHECK (((state <> 'failed'::text) OR (error IS NOT NULL))),
    CONSTRAINT kept_is_not_undone CHECK ((NOT (kept AND undone))),
    CONSTRAINT outcomes_state_check CHECK ((state = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])))
)
PARTITION BY LIST (retention);

COMMENT ON COLUMN trunkline.outcomes.kept IS 'Its deeds stand, because somebody wanted it so. Its parent''s undo takes them back.';

CREATE TABLE trunkline.outcomes_brief (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    state text NOT NULL,
    epoch integer NOT NULL,
    attempt smallint NOT NULL,
    undone boolean DEFAULT false NOT NULL,
    output jsonb,
    error jsonb,
    finished_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    kept boolean DEFAULT false NOT NULL,
    CONSTRAINT failed_says_why CHECK (((state <> 'failed'::text) OR (error IS NOT NULL))),
    CONSTRAINT kept_is_not_undone CHECK ((NOT (kept AND undone))),
    CONSTRAINT outcomes_state_check CHECK ((state = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.outcomes_long (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    state text NOT NULL,
    epoch integer NOT NULL,
    attempt smallint NOT NULL,
    undone boolean DEFAULT false NOT NULL,
    output jsonb,
    error jsonb,
    finished_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    kept boolean DEFAULT false NOT NULL,
    CONSTRAINT failed_says_why CHECK (((state <> 'failed'::text) OR (error IS NOT NULL))),
    CONSTRAINT kept_is_not_undone CHECK ((NOT (kept AND undone))),
    CONSTRAINT outcomes_state_check CHECK ((state = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.outcomes_standard (
    job_id uuid NOT NULL,
    retention smallint NOT NULL,
    state text NOT NULL,
    epoch integer NOT NULL,
    attempt smallint NOT NULL,
    undone boolean DEFAULT false NOT NULL,
    output jsonb,
    error jsonb,
    finished_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    kept boolean DEFAULT false NOT NULL,
    CONSTRAINT failed_says_why CHECK (((state <> 'failed'::text) OR (error IS NOT NULL))),
    CONSTRAINT kept_is_not_undone CHECK ((NOT (kept AND undone))),
    CONSTRAINT outcomes_state_check CHECK ((state = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text])))
)
PARTITION BY RANGE (job_id);

CREATE TABLE trunkline.paces (
    kind_id smallint NOT NULL,
    slice_at timestamp with time zone NOT NULL,
    attempts bigint NOT NULL,
    busy_ms bigint NOT NULL,
    CONSTRAINT somebody_tried CHECK ((attempts > 0)),
    CONSTRAINT time_goes_forward CHECK ((busy_ms >= 0))
)
WITH (fillfactor='50');

COMMENT ON TABLE trunkline.paces IS 'Attempts that ended, and how long they held a worker''s place, by kind and five minutes. Kept for a day.';

COMMENT ON COLUMN trunkline.paces.busy_ms IS 'From each claim to the commit of how it ended, added up.';

CREATE TABLE trunkline.permits (
    gate_id uuid NOT NULL,
    job_id uuid NOT NULL,
    form text NOT NULL,
    asked_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    granted_at timestamp with time zone DEFAULT trunkline.now(),
    hold_max integer,
    CONSTRAINT a_hold_knows_its_limit CHECK (((form = 'hold'::text) = (hold_max IS NOT NULL))),
    CONSTRAINT only_a_hold_is_waited_for CHECK (((granted_at IS NOT NULL) OR (form = 'hold'::text))),
    CONSTRAINT permits_form_check CHECK ((form = ANY (ARRAY['run'::text, 'canary'::text, 'hold'::text]))),
    CONSTRAINT permits_hold_max_check CHECK ((hold_max > 0))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0');

COMMENT ON COLUMN trunkline.permits.form IS 'run: until the job leaves its worker; canary: the same, behind a breaker that is closing; hold: until released, or the run''s end.';

CREATE TABLE trunkline.progress (
    job_id uuid NOT NULL,
    done bigint NOT NULL,
    total bigint,
    note text NOT NULL,
    said_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT progress_done_check CHECK ((done >= 0)),
    CONSTRAINT progress_note_check CHECK ((length(note) <= 200)),
    CONSTRAINT progress_total_check CHECK ((total >= 0))
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');

COMMENT ON TABLE trunkline.progress IS 'For people who look on. Nothing depends on it.';

CREATE TABLE trunkline.queues (
    queue_id smallint NOT NULL,
    name text NOT NULL,
    latency_target_ms integer,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    paused_at timestamp with time zone,
    pause_reason text,
    pause_until timestamp with time zone,
    at_once_max integer,
    fair boolean DEFAULT false NOT NULL,
    CONSTRAINT only_a_pause_has_an_end CHECK (((pause_until IS NULL) OR (paused_at IS NOT NULL))),
    CONSTRAINT paused_says_why CHECK (((paused_at IS NULL) = (pause_reason IS NULL))),
    CONSTRAINT queues_at_once_max_check CHECK ((at_once_max > 0)),
    CONSTRAINT queues_latency_target_ms_check CHECK ((latency_target_ms > 0)),
    CONSTRAINT queues_name_check CHECK ((name ~ '^[a-z][a-z0-9_-]{0,62}$'::text)),
    CONSTRAINT queues_pause_reason_check CHECK (((length(pause_reason) >= 1) AND (length(pause_reason) <= 200)))
);

COMMENT ON COLUMN trunkline.queues.latency_target_ms IS 'The promise: how long a ready job may wait. Null: none given.';

COMMENT ON COLUMN trunkline.queues.pause_until IS 'The pause ends by itself. Null: until somebody ends it.';

COMMENT ON COLUMN trunkline.queues.at_once_max IS 'Jobs of the queue that run at once in the whole fleet. Null: as many as workers take.';

COMMENT ON COLUMN trunkline.queues.fair IS 'Tenants take turns: each job enqueued from then on stands in its tenant''s lane.';

ALTER TABLE trunkline.queues ALTER COLUMN queue_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME trunkline.queues_queue_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE trunkline.ready (
    job_id uuid NOT NULL,
    epoch integer NOT NULL,
    queue_id smallint NOT NULL,
    kind_id smallint NOT NULL,
    priority smallint NOT NULL,
    attempt smallint NOT NULL,
    crashes smallint NOT NULL,
    retention smallint NOT NULL,
    course smallint NOT NULL,
    lane uuid,
    CONSTRAINT ready_course_check CHECK (((course >= 0) AND (course <= 3)))
)
WITH (fillfactor='100', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0', autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='100000', autovacuum_analyze_scale_factor='0', autovacuum_analyze_threshold='2000000000');

COMMENT ON TABLE trunkline.ready IS 'What may run now, and nothing else: what waits or is limited stands elsewhere.';

COMMENT ON COLUMN trunkline.ready.course IS '0 forward, 1 cancel asked for, 2 undoing after a failure, 3 undoing after a cancel.';

CREATE TABLE trunkline.schedules (
    name text NOT NULL,
    cron text NOT NULL,
    timezone text NOT NULL,
    kind_id smallint NOT NULL,
    queue_id smallint NOT NULL,
    args jsonb NOT NULL,
    next_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone,
    last_job_id uuid,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    missed text DEFAULT 'run_once'::text NOT NULL,
    catch_up_max smallint,
    declared jsonb,
    changed_at timestamp with time zone,
    changed_by text,
    changed_reason text,
    paused_at timestamp with time zone,
    paused_by text,
    paused_reason text,
    fault text,
    fault_at timestamp with time zone,
    CONSTRAINT catch_up_has_a_bound CHECK (((missed = 'catch_up'::text) = (catch_up_max IS NOT NULL))),
    CONSTRAINT changed_says_by_whom CHECK (((changed_at IS NULL) = (changed_by IS NULL))),
    CONSTRAINT fault_says_when CHECK (((fault IS NULL) = (fault_at IS NULL))),
    CONSTRAINT missed_is_known CHECK ((missed = ANY (ARRAY['skip'::text, 'run_once'::text, 'catch_up'::text]))),
    CONSTRAINT paused_says_by_whom CHECK (((paused_at IS NULL) = (paused_by IS NULL))),
    CONSTRAINT schedules_catch_up_max_check CHECK (((catch_up_max >= 1) AND (catch_up_max <= 100))),
    CONSTRAINT schedules_changed_by_check CHECK ((length(changed_by) <= 200)),
    CONSTRAINT schedules_changed_reason_check CHECK ((length(changed_reason) <= 1000)),
    CONSTRAINT schedules_cron_check CHECK ((length(cron) <= 200)),
    CONSTRAINT schedules_fault_check CHECK ((length(fault) <= 1000)),
    CONSTRAINT schedules_name_check CHECK ((name ~ '^[a-z][a-z0-9_-]{0,62}$'::text)),
    CONSTRAINT schedules_paused_by_check CHECK ((length(paused_by) <= 200)),
    CONSTRAINT schedules_paused_reason_check CHECK ((length(paused_reason) <= 1000))
);

COMMENT ON COLUMN trunkline.schedules.declared IS 'What the code declared last. An operator''s change stays until the code declares something else.';

COMMENT ON COLUMN trunkline.schedules.fault IS 'Why a version could not make the due tick; gone with the next tick that is made.';

CREATE TABLE trunkline.signals (
    signal_id uuid NOT NULL,
    job_id uuid NOT NULL,
    name text NOT NULL,
    payload jsonb NOT NULL,
    dedupe_key text,
    sent_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    CONSTRAINT signals_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200)))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0');

COMMENT ON TABLE trunkline.signals IS 'Messages to a job that it has not taken yet, also those sent before it waits for them.';

CREATE TABLE trunkline.superseded (
    job_id uuid NOT NULL,
    set_aside_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    key text NOT NULL,
    form text NOT NULL,
    output jsonb NOT NULL,
    attempt smallint NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE trunkline.superseded IS 'Kept for 400 days, longer than any job is.';

CREATE TABLE trunkline.uniques (
    unique_key bytea NOT NULL,
    job_id uuid NOT NULL,
    until timestamp with time zone,
    created_at timestamp with time zone DEFAULT trunkline.now() NOT NULL
);

COMMENT ON COLUMN trunkline.uniques.until IS 'Null: while the job is live. Infinity: for ever. Otherwise: to this instant, finished or not.';

CREATE TABLE trunkline.waits (
    job_id uuid NOT NULL,
    due timestamp with time zone,
    state text NOT NULL,
    reason text NOT NULL,
    since timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    epoch integer NOT NULL,
    queue_id smallint NOT NULL,
    kind_id smallint NOT NULL,
    priority smallint NOT NULL,
    attempt smallint NOT NULL,
    crashes smallint NOT NULL,
    retention smallint NOT NULL,
    course smallint NOT NULL,
    wakes text[] DEFAULT '{}'::text[] NOT NULL,
    lane uuid,
    blocked boolean DEFAULT false NOT NULL,
    cause text,
    entry text,
    CONSTRAINT blocked_has_a_lane CHECK (((NOT blocked) OR ((lane IS NOT NULL) AND (state = 'waiting'::text)))),
    CONSTRAINT cause_is_known CHECK ((cause = ANY (ARRAY['undo_failed'::text, 'unknown_outcome'::text, 'diverged'::text, 'poison'::text, 'gave_up'::text, 'pivot'::text]))),
    CONSTRAINT entry_is_a_key CHECK ((length(entry) <= 200)),
    CONSTRAINT parked_has_a_cause CHECK (((cause IS NULL) OR (state = 'parked'::text))),
    CONSTRAINT parked_waits_for_a_person CHECK (((state <> 'parked'::text) OR (due IS NULL))),
    CONSTRAINT scheduled_is_due CHECK (((state <> 'scheduled'::text) OR (due IS NOT NULL))),
    CONSTRAINT waits_course_check CHECK (((course >= 0) AND (course <= 3))),
    CONSTRAINT waits_reason_check CHECK ((length(reason) <= 200)),
    CONSTRAINT waits_state_check CHECK ((state = ANY (ARRAY['scheduled'::text, 'waiting'::text, 'parked'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='1000', autovacuum_vacuum_cost_delay='0');

COMMENT ON COLUMN trunkline.waits.wakes IS 'Names of the signals that make the job ready before it is due.';

COMMENT ON COLUMN trunkline.waits.blocked IS 'Could run if its gates let it. `due` is then the instant at which it expires.';

COMMENT ON COLUMN trunkline.waits.cause IS 'What a person has to decide about. Null on a parked run: parked by a version that did not say.';

COMMENT ON COLUMN trunkline.waits.entry IS 'The key of the step or of the ledger''s entry at which a parked run stands.';

CREATE TABLE trunkline.workers (
    worker_id integer NOT NULL,
    name text NOT NULL,
    pool text NOT NULL,
    version text NOT NULL,
    address text,
    started_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    heartbeat_at timestamp with time zone DEFAULT trunkline.now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    draining boolean DEFAULT false NOT NULL,
    queue_ids smallint[],
    kind_ids smallint[],
    rest_asked_at timestamp with time zone,
    rest_reason text,
    CONSTRAINT a_rest_has_a_reason CHECK (((rest_asked_at IS NULL) = (rest_reason IS NULL))),
    CONSTRAINT rest_reason_fits CHECK (((length(rest_reason) >= 1) AND (length(rest_reason) <= 500)))
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='100');

COMMENT ON COLUMN trunkline.workers.expires_at IS 'After this instant its leases are void and any other worker may return its jobs.';

COMMENT ON COLUMN trunkline.workers.rest_asked_at IS 'An operator wants it to take no new jobs. It reads that with its next heartbeat, and keeps what it has.';

ALTER TABLE trunkline.workers ALTER COLUMN worker_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME trunkline.workers_worker_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY trunkline.checkpoints ATTACH PARTITION trunkline.checkpoints_brief FOR VALUES IN ('0');

ALTER TABLE ONLY trunkline.checkpoints ATTACH PARTITION trunkline.checkpoints_long FOR VALUES IN ('2');

ALTER TABLE ONLY trunkline.checkpoints ATTACH PARTITION trunkline.checkpoints_standard FOR VALUES IN ('1');

ALTER TABLE ONLY trunkline.effects ATTACH PARTITION trunkline.effects_brief FOR VALUES IN ('0');

ALTER TABLE ONLY trunkline.effects ATTACH PARTITION trunkline.effects_long FOR VALUES IN ('2');

ALTER TABLE ONLY trunkline.effects ATTACH PARTITION trunkline.effects_standard FOR VALUES IN ('1');

ALTER TABLE ONLY trunkline.failures ATTACH PARTITION trunkline.failures_brief FOR VALUES IN ('0');

ALTER TABLE ONLY trunkline.failures ATTACH PARTITION trunkline.failures_long FOR VALUES IN ('2');

ALTER TABLE ONLY trunkline.failures ATTACH PARTITION trunkline.failures_standard FOR VALUES IN ('1');

ALTER TABLE ONLY trunkline.jobs ATTACH PARTITION trunkline.jobs_brief FOR VALUES IN ('0');

ALTER TABLE ONLY trunkline.jobs ATTACH PARTITION trunkline.jobs_long FOR VALUES IN ('2');

ALTER TABLE ONLY trunkline.jobs ATTACH PARTITION trunkline.jobs_standard FOR VALUES IN ('1');

ALTER TABLE ONLY trunkline.outcomes ATTACH PARTITION trunkline.outcomes_brief FOR VALUES IN ('0');

ALTER TABLE ONLY trunkline.outcomes ATTACH PARTITION trunkline.outcomes_long FOR VALUES IN ('2');

ALTER TABLE ONLY trunkline.outcomes ATTACH PARTITION trunkline.outcomes_standard FOR VALUES IN ('1');

ALTER TABLE ONLY product.call_answers
    ADD CONSTRAINT a_call_is_answered_once UNIQUE (call_id);

ALTER TABLE ONLY product.calls
    ADD CONSTRAINT a_call_is_ours_once UNIQUE (call_sid);

ALTER TABLE ONLY product.voice_sessions
    ADD CONSTRAINT a_call_is_spoken_in_one_session UNIQUE (call_sid);

ALTER TABLE ONLY product.demo_signups
    ADD CONSTRAINT a_job_serves_one_signup UNIQUE (job_id);

ALTER TABLE ONLY product.tenant_keys
    ADD CONSTRAINT a_key_is_of_one_tenant UNIQUE (tenant_id, key_id);

ALTER TABLE ONLY product.phone_pool
    ADD CONSTRAINT a_number_has_one_id UNIQUE (number_id);

ALTER TABLE ONLY product.subscription_plans
    ADD CONSTRAINT a_price_is_of_one_plan UNIQUE (stripe_price_id);

ALTER TABLE ONLY product.messages
    ADD CONSTRAINT a_provider_message_is_ours_once UNIQUE (provider_sid);

ALTER TABLE ONLY product.audit_links
    ADD CONSTRAINT a_row_is_chained_once UNIQUE (audit_id);

ALTER TABLE ONLY product.demo_archive
    ADD CONSTRAINT a_run_archives_once UNIQUE (job_id);

ALTER TABLE ONLY product.call_answers
    ADD CONSTRAINT a_session_answers_one_call UNIQUE (session_id);

ALTER TABLE ONLY product.call_text_backs
    ADD CONSTRAINT a_text_answers_one_call UNIQUE (message_id);

ALTER TABLE ONLY product.users
    ADD CONSTRAINT a_user_is_of_one_tenant UNIQUE (user_id, tenant_id);

ALTER TABLE ONLY product.api_keys
    ADD CONSTRAINT api_keys_key PRIMARY KEY (key_id);

ALTER TABLE ONLY product.audit_links
    ADD CONSTRAINT audit_links_key PRIMARY KEY (link);

ALTER TABLE ONLY product.audit_log
    ADD CONSTRAINT audit_log_key PRIMARY KEY (audit_id);

ALTER TABLE ONLY product.billing_events
    ADD CONSTRAINT billing_events_key PRIMARY KEY (billing_event_id);

ALTER TABLE ONLY product.bots
    ADD CONSTRAINT bots_key PRIMARY KEY (bot_id);

ALTER TABLE ONLY product.business_hours
    ADD CONSTRAINT business_hours_key PRIMARY KEY (tenant_id, weekday, from_min);

ALTER TABLE ONLY product.call_answers
    ADD CONSTRAINT call_answers_key PRIMARY KEY (call_sid);

ALTER TABLE ONLY product.call_recordings
    ADD CONSTRAINT call_recordings_key PRIMARY KEY (recording_sid);

ALTER TABLE ONLY product.call_requests
    ADD CONSTRAINT call_requests_key PRIMARY KEY (request_id);

ALTER TABLE ONLY product.call_text_backs
    ADD CONSTRAINT call_text_backs_key PRIMARY KEY (call_id);

ALTER TABLE ONLY product.call_transcripts
    ADD CONSTRAINT call_transcripts_key PRIMARY KEY (call_id);

ALTER TABLE ONLY product.calls
    ADD CONSTRAINT calls_key PRIMARY KEY (call_id);

ALTER TABLE ONLY product.conversation_months
    ADD CONSTRAINT conversation_months_key PRIMARY KEY (conversation_id, month);

ALTER TABLE ONLY product.conversations
    ADD CONSTRAINT conversations_key PRIMARY KEY (conversation_id);

ALTER TABLE ONLY product.demo_access
    ADD CONSTRAINT demo_access_key PRIMARY KEY (tenant_id);

ALTER TABLE ONLY product.demo_archive
    ADD CONSTRAINT demo_archive_key PRIMARY KEY (archive_id);

ALTER TABLE ONLY product.demo_signups
    ADD CONSTRAINT demo_signups_key PRIMARY KEY (tenant_id);

ALTER TABLE ONLY product.demo_verification_codes
    ADD CONSTRAINT demo_verification_codes_key PRIMARY KEY (code_id);

ALTER TABLE ONLY product.erasures
    ADD CONSTRAINT erasures_key PRIMARY KEY (erasure_id);

ALTER TABLE ONLY product.inbox_watermarks
    ADD CONSTRAINT inbox_watermarks_key PRIMARY KEY (source);

ALTER TABLE ONLY product.kept_answers
    ADD CONSTRAINT kept_answers_key PRIMARY KEY (key_hash);

ALTER TABLE ONLY product.message_bodies
    ADD CONSTRAINT message_bodies_key PRIMARY KEY (message_id);

ALTER TABLE ONLY product.messages
    ADD CONSTRAINT messages_key PRIMARY KEY (message_id);

ALTER TABLE ONLY product.messaging_settings
    ADD CONSTRAINT messaging_settings_key PRIMARY KEY (tenant_id);

ALTER TABLE ONLY product.number_waitlist
    ADD CONSTRAINT number_waitlist_key PRIMARY KEY (tenant_id);

ALTER TABLE ONLY product.conversations
    ADD CONSTRAINT one_conversation_per_person UNIQUE (tenant_id, channel, phone);

ALTER TABLE ONLY product.opt_outs
    ADD CONSTRAINT opt_outs_key PRIMARY KEY (opt_out_id);

ALTER TABLE ONLY product.phone_mappings_backup
    ADD CONSTRAINT phone_mappings_backup_key PRIMARY KEY (job_id, mapping_id);

ALTER TABLE ONLY product.phone_mappings
    ADD CONSTRAINT phone_mappings_key PRIMARY KEY (mapping_id);

ALTER TABLE ONLY product.phone_pool
    ADD CONSTRAINT phone_pool_key PRIMARY KEY (phone);

ALTER TABLE ONLY product.number_waitlist
    ADD CONSTRAINT places_are_distinct UNIQUE (place);

ALTER TABLE ONLY product.provider_credentials
    ADD CONSTRAINT provider_credentials_key PRIMARY KEY (credential, version);

ALTER TABLE ONLY product.rate_limits
    ADD CONSTRAINT rate_limits_key PRIMARY KEY (scope, key_hash);

ALTER TABLE ONLY product.reconciliation_findings
    ADD CONSTRAINT reconciliation_findings_key PRIMARY KEY (run_id, kind, stripe_object);

ALTER TABLE ONLY product.reconciliation_runs
    ADD CONSTRAINT reconciliation_runs_key PRIMARY KEY (run_id);

ALTER TABLE ONLY product.reconciliation_seen
    ADD CONSTRAINT reconciliation_seen_key PRIMARY KEY (run_id, stripe_subscription_id);

ALTER TABLE ONLY product.sessions
    ADD CONSTRAINT sessions_key PRIMARY KEY (token_hash);

ALTER TABLE ONLY product.tenants
    ADD CONSTRAINT stripe_customer_serves_one_tenant UNIQUE (stripe_customer_id);

ALTER TABLE ONLY product.subscriptions
    ADD CONSTRAINT stripe_subscription_is_ours_once UNIQUE (stripe_subscription_id);

ALTER TABLE ONLY product.subscription_plans
    ADD CONSTRAINT subscription_plans_key PRIMARY KEY (plan);

ALTER TABLE ONLY product.subscriptions
    ADD CONSTRAINT subscriptions_key PRIMARY KEY (subscription_id);

ALTER TABLE ONLY product.switches
    ADD CONSTRAINT switches_key PRIMARY KEY (switch);

ALTER TABLE ONLY product.tenant_keys
    ADD CONSTRAINT tenant_keys_key PRIMARY KEY (key_id);

ALTER TABLE ONLY product.tenant_status_history
    ADD CONSTRAINT tenant_status_history_key PRIMARY KEY (change_id);

ALTER TABLE ONLY product.tenants
    ADD CONSTRAINT tenants_key PRIMARY KEY (tenant_id);

ALTER TABLE ONLY product.phone_pool
    ADD CONSTRAINT twilio_has_a_number_once UNIQUE (twilio_sid);

ALTER TABLE ONLY product.usage_events
    ADD CONSTRAINT usage_events_key PRIMARY KEY (tenant_id, hour, kind);

ALTER TABLE ONLY product.usage_progress
    ADD CONSTRAINT usage_progress_key PRIMARY KEY (only_one);

ALTER TABLE ONLY product.users
    ADD CONSTRAINT users_key PRIMARY KEY (user_id);

ALTER TABLE ONLY product.verification_failures
    ADD CONSTRAINT verification_failures_key PRIMARY KEY (key_hash);

ALTER TABLE ONLY product.vitals
    ADD CONSTRAINT vitals_key PRIMARY KEY (subject);

ALTER TABLE ONLY product.voice_sessions
    ADD CONSTRAINT voice_sessions_key PRIMARY KEY (session_id);

ALTER TABLE ONLY product.voice_settings
    ADD CONSTRAINT voice_settings_key PRIMARY KEY (tenant_id);

ALTER TABLE ONLY trunkline.audit_links
    ADD CONSTRAINT a_row_is_chained_once UNIQUE (audit_id);

ALTER TABLE ONLY trunkline.audit_links
    ADD CONSTRAINT audit_links_key PRIMARY KEY (link);

ALTER TABLE ONLY trunkline.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (audit_id);

ALTER TABLE trunkline.audit
    ADD CONSTRAINT audit_subject_check CHECK ((subject ~ '^(queue|schedule|worker|operation):.{1,63}$'::text)) NOT VALID;

ALTER TABLE ONLY trunkline.backfills
    ADD CONSTRAINT backfills_key PRIMARY KEY (backfill_id);

ALTER TABLE ONLY trunkline.breaker_news
    ADD CONSTRAINT breaker_news_key PRIMARY KEY (news_id);

ALTER TABLE ONLY trunkline.cancels
    ADD CONSTRAINT cancels_asked_once PRIMARY KEY (job_id);

ALTER TABLE ONLY trunkline.checkpoints
    ADD CONSTRAINT checkpoints_key PRIMARY KEY (job_id, key, retention);

ALTER TABLE ONLY trunkline.checkpoints_brief
    ADD CONSTRAINT checkpoints_brief_pkey PRIMARY KEY (job_id, key, retention);

ALTER TABLE ONLY trunkline.checkpoints_long
    ADD CONSTRAINT checkpoints_long_pkey PRIMARY KEY (job_id, key, retention);

ALTER TABLE ONLY trunkline.checkpoints_standard
    ADD CONSTRAINT checkpoints_standard_pkey PRIMARY KEY (job_id, key, retention);

ALTER TABLE ONLY trunkline.effects
    ADD CONSTRAINT effects_key PRIMARY KEY (job_id, key, retention);

ALTER TABLE ONLY trunkline.effects_brief
    ADD CONSTRAINT effects_brief_pkey PRIMARY KEY (job_id, key, retention);

ALTER TABLE ONLY trunkline.effects_long
    ADD CONSTRAINT effects_long_pkey PRIMARY KEY (job_id, key, retention);

ALTER TABLE ONLY trunkline.effects_standard
    ADD CONSTRAINT effects_standard_pkey PRIMARY KEY (job_id, key, retention);

ALTER TABLE ONLY trunkline.failures
    ADD CONSTRAINT failures_key PRIMARY KEY (job_id, failure_id, retention);

ALTER TABLE ONLY trunkline.failures_brief
    ADD CONSTRAINT failures_brief_pkey PRIMARY KEY (job_id, failure_id, retention);

ALTER TABLE ONLY trunkline.failures_long
    ADD CONSTRAINT failures_long_pkey PRIMARY KEY (job_id, failure_id, retention);

ALTER TABLE ONLY trunkline.failures_standard
    ADD CONSTRAINT failures_standard_pkey PRIMARY KEY (job_id, failure_id, retention);

ALTER TABLE ONLY trunkline.gates
    ADD CONSTRAINT gates_key PRIMARY KEY (gate_id);

ALTER TABLE ONLY trunkline.inbox
    ADD CONSTRAINT inbox_delivered_once PRIMARY KEY (provider, dedupe_key);

ALTER TABLE ONLY trunkline.jobs
    ADD CONSTRAINT jobs_key PRIMARY KEY (job_id, retention);

ALTER TABLE ONLY trunkline.jobs_brief
    ADD CONSTRAINT jobs_brief_pkey PRIMARY KEY (job_id, retention);

ALTER TABLE ONLY trunkline.jobs_long
    ADD CONSTRAINT jobs_long_pkey PRIMARY KEY (job_id, retention);

ALTER TABLE ONLY trunkline.jobs_standard
    ADD CONSTRAINT jobs_standard_pkey PRIMARY KEY (job_id, retention);

ALTER TABLE ONLY trunkline.kinds
    ADD CONSTRAINT kinds_name_once UNIQUE (name);

ALTER TABLE ONLY trunkline.kinds
    ADD CONSTRAINT kinds_pkey PRIMARY KEY (kind_id);

ALTER TABLE ONLY trunkline.leases
    ADD CONSTRAINT leases_one_holder PRIMARY KEY (job_id);

ALTER TABLE ONLY trunkline.operation_items
    ADD CONSTRAINT operation_items_key PRIMARY KEY (operation_id, job_id);

ALTER TABLE ONLY trunkline.operations
    ADD CONSTRAINT operations_key PRIMARY KEY (operation_id);

ALTER TABLE ONLY trunkline.outcomes
    ADD CONSTRAINT outcomes_key PRIMARY KEY (job_id, retention);

ALTER TABLE ONLY trunkline.outcomes_brief
    ADD CONSTRAINT outcomes_brief_pkey PRIMARY KEY (job_id, retention);

ALTER TABLE ONLY trunkline.outcomes_long
    ADD CONSTRAINT outcomes_long_pkey PRIMARY KEY (job_id, retention);

ALTER TABLE ONLY trunkline.outcomes_standard
    ADD CONSTRAINT outcomes_standard_pkey PRIMARY KEY (job_id, retention);

ALTER TABLE ONLY trunkline.paces
    ADD CONSTRAINT paces_key PRIMARY KEY (kind_id, slice_at);

ALTER TABLE ONLY trunkline.permits
    ADD CONSTRAINT permits_once PRIMARY KEY (job_id, gate_id);

ALTER TABLE ONLY trunkline.progress
    ADD CONSTRAINT progress_once PRIMARY KEY (job_id);

ALTER TABLE ONLY trunkline.queues
    ADD CONSTRAINT queues_name_once UNIQUE (name);

ALTER TABLE ONLY trunkline.queues
    ADD CONSTRAINT queues_pkey PRIMARY KEY (queue_id);

ALTER TABLE ONLY trunkline.ready
    ADD CONSTRAINT ready_claim_order PRIMARY KEY (queue_id, priority, job_id);

ALTER TABLE ONLY trunkline.schedules
    ADD CONSTRAINT schedules_name_once PRIMARY KEY (name);

ALTER TABLE ONLY trunkline.signals
    ADD CONSTRAINT signals_key PRIMARY KEY (signal_id);

ALTER TABLE ONLY trunkline.signals
    ADD CONSTRAINT signals_sent_once UNIQUE (job_id, name, dedupe_key);

ALTER TABLE ONLY trunkline.uniques
    ADD CONSTRAINT uniques_one_job PRIMARY KEY (unique_key);

ALTER TABLE ONLY trunkline.waits
    ADD CONSTRAINT waits_once PRIMARY KEY (job_id);

ALTER TABLE ONLY trunkline.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (worker_id);

CREATE INDEX api_keys_by_age ON product.api_keys USING btree (made_at DESC, key_id);

CREATE INDEX api_keys_by_predecessor ON product.api_keys USING btree (replaces) WHERE (replaces IS NOT NULL);

CREATE INDEX audit_links_by_time ON product.audit_links USING btree (chained_at, link);

CREATE INDEX audit_log_by_action ON product.audit_log USING btree (action, audit_id);

CREATE INDEX audit_log_by_tenant ON product.audit_log USING btree (tenant_id, audit_id);

CREATE INDEX billing_events_by_run ON product.billing_events USING btree (run_id);

CREATE INDEX billing_events_by_tenant ON product.billing_events USING btree (tenant_id, billing_event_id);

CREATE INDEX bots_by_tenant ON product.bots USING btree (tenant_id);

CREATE INDEX call_answers_by_tenant ON product.call_answers USING btree (tenant_id, created_at);

CREATE INDEX call_recordings_by_call ON product.call_recordings USING btree (call_sid);

CREATE INDEX call_recordings_by_tenant ON product.call_recordings USING btree (tenant_id);

CREATE INDEX call_requests_latest ON product.call_requests USING btree (tenant_id, created_at DESC, request_id DESC);

CREATE INDEX call_requests_of_call ON product.call_requests USING btree (call_id);

CREATE INDEX call_requests_to_forget ON product.call_requests USING btree (forget_at);

CREATE INDEX call_text_backs_by_tenant ON product.call_text_backs USING btree (tenant_id, created_at);

CREATE INDEX call_transcripts_by_tenant ON product.call_transcripts USING btree (tenant_id);

CREATE INDEX call_transcripts_to_forget ON product.call_transcripts USING btree (forget_at);

CREATE INDEX calls_by_change ON product.calls USING btree (updated_at) WHERE ((tenant_id IS NOT NULL) AND (ended_at IS NOT NULL));

CREATE INDEX calls_by_tenant ON product.calls USING btree (tenant_id, started_at);

CREATE INDEX calls_without_an_end ON product.calls USING btree (updated_at) WHERE (ended_at IS NULL);

CREATE INDEX conversation_months_of_tenant ON product.conversation_months USING btree (tenant_id, month);

CREATE INDEX conversations_latest ON product.conversations USING btree (tenant_id, last_message_at DESC, conversation_id);

CREATE INDEX demo_archive_age ON product.demo_archive USING btree (archived_at);

CREATE INDEX demo_signups_latest_by_phone ON product.demo_signups USING btree (phone, created_at DESC) WHERE (phone IS NOT NULL);

CREATE INDEX demo_verification_codes_age ON product.demo_verification_codes USING btree (created_at);

CREATE INDEX demo_verification_codes_latest_by_phone ON product.demo_verification_codes USING btree (phone, created_at DESC) WHERE (replaced_at IS NULL);

CREATE INDEX erasures_of_person ON product.erasures USING btree (person) WHERE (person IS NOT NULL);

CREATE INDEX kept_answers_by_age ON product.kept_answers USING btree (at);

CREATE INDEX message_bodies_by_tenant ON product.message_bodies USING btree (tenant_id);

CREATE INDEX messages_by_change ON product.messages USING btree (updated_at) WHERE (tenant_id IS NOT NULL);

CREATE INDEX messages_by_tenant ON product.messages USING btree (tenant_id, created_at);

CREATE INDEX messages_of_conversation ON product.messages USING btree (conversation_id, created_at) WHERE (conversation_id IS NOT NULL);

CREATE INDEX messages_without_an_end ON product.messages USING btree (updated_at) WHERE ((direction = 'outbound'::text) AND (rank < 5));

CREATE UNIQUE INDEX one_active_subscription_per_tenant ON product.subscriptions USING btree (tenant_id) WHERE (status = 'active'::text);

CREATE UNIQUE INDEX one_current_code_per_tenant ON product.demo_verification_codes USING btree (tenant_id) WHERE (replaced_at IS NULL);

CREATE UNIQUE INDEX one_open_archive_per_tenant ON product.demo_archive USING btree (tenant_id) WHERE (restored_at IS NULL);

CREATE UNIQUE INDEX one_open_signup_per_phone_and_email ON product.demo_signups USING btree (phone, lower((email)::text)) WHERE (status = ANY (ARRAY['pending_verification'::text, 'provisioning'::text, 'waitlisted'::text, 'active'::text]));

CREATE UNIQUE INDEX one_pending_subscription_per_tenant ON product.subscriptions USING btree (tenant_id) WHERE (status = 'pending'::text);

CREATE UNIQUE INDEX one_pool_number_per_tenant ON product.phone_pool USING btree (tenant_id) WHERE (status = 'allocated'::text);

CREATE UNIQUE INDEX one_tenant_per_active_number ON product.phone_mappings USING btree (phone) WHERE is_active;

CREATE UNIQUE INDEX one_user_per_email_in_a_tenant ON product.users USING btree (tenant_id, lower((email)::text));

CREATE INDEX opt_outs_by_tenant ON product.opt_outs USING btree (tenant_id);

CREATE INDEX opt_outs_in_force ON product.opt_outs USING btree (phone) WHERE (ended_at IS NULL);

CREATE INDEX opt_outs_of_erased ON product.opt_outs USING btree (phone_hash) WHERE ((phone_hash IS NOT NULL) AND (ended_at IS NULL));

CREATE INDEX phone_mappings_backup_age ON product.phone_mappings_backup USING btree (saved_at);

CREATE INDEX phone_mappings_by_tenant ON product.phone_mappings USING btree (tenant_id);

CREATE INDEX phone_pool_free ON product.phone_pool USING btree (status, quarantined_until) WHERE (status = ANY (ARRAY['available'::text, 'quarantined'::text]));

CREATE INDEX provider_credentials_by_age ON product.provider_credentials USING btree (set_at DESC, credential, version DESC);

CREATE INDEX provider_credentials_kept ON product.provider_credentials USING btree (credential, version DESC) WHERE (sealed IS NOT NULL);

CREATE UNIQUE INDEX provider_credentials_newest ON product.provider_credentials USING btree (credential) WHERE ((expires_at IS NULL) AND (retired_at IS NULL));

CREATE INDEX rate_limits_expiry_order ON product.rate_limits USING btree (window_end);

CREATE INDEX reconciliation_runs_order ON product.reconciliation_runs USING btree (started_at);

CREATE INDEX reconciliation_seen_live ON product.reconciliation_seen USING btree (run_id, tenant_id) WHERE is_live;

CREATE INDEX sessions_by_user ON product.sessions USING btree (user_id);

CREATE INDEX sessions_expiry_order ON product.sessions USING btree (expires_at);

CREATE INDEX subscriptions_by_tenant ON product.subscriptions USING btree (tenant_id, created_at);

CREATE INDEX subscriptions_live_at_stripe ON product.subscriptions USING btree (stripe_subscription_id) WHERE ((stripe_subscription_id IS NOT NULL) AND (status = ANY (ARRAY['active'::text, 'lapsed'::text])));

CREATE INDEX tenant_keys_by_age ON product.tenant_keys USING btree (tenant_id, made_at DESC, key_id);

CREATE INDEX tenant_keys_by_predecessor ON product.tenant_keys USING btree (tenant_id, replaces) WHERE (replaces IS NOT NULL);

CREATE INDEX tenant_keys_expiry_order ON product.tenant_keys USING btree (LEAST(expires_at, revoked_at)) WHERE (num_nonnulls(expires_at, revoked_at) > 0);

CREATE INDEX tenant_status_history_order ON product.tenant_status_history USING btree (tenant_id, change_id);

CREATE INDEX tenants_demo_expiry_order ON product.tenants USING btree (demo_expires_at) WHERE (status = 'trial'::text);

CREATE INDEX usage_events_by_hour ON product.usage_events USING btree (hour);

CREATE INDEX usage_events_left ON product.usage_events USING btree (hour, tenant_id, kind) WHERE (left_why IS NOT NULL);

CREATE INDEX users_by_email ON product.users USING btree (lower((email)::text), created_at) WHERE is_active;

CREATE INDEX verification_failures_expiry_order ON product.verification_failures USING btree (forget_at);

CREATE INDEX voice_sessions_by_tenant ON product.voice_sessions USING btree (tenant_id, created_at);

CREATE INDEX voice_sessions_without_an_end ON product.voice_sessions USING btree (session_id) WHERE (outcome IS NULL);

CREATE INDEX audit_links_by_time ON trunkline.audit_links USING btree (chained_at, link);

CREATE INDEX audit_of_job ON trunkline.audit USING btree (job_id, at);

CREATE INDEX audit_of_subject ON trunkline.audit USING btree (subject, audit_id) WHERE (subject IS NOT NULL);

CREATE UNIQUE INDEX backfills_one_at_a_time ON trunkline.backfills USING btree (schedule) WHERE (finished_at IS NULL);

CREATE INDEX breaker_news_by_gate ON trunkline.breaker_news USING btree (gate_id, at);

CREATE INDEX inbox_received ON trunkline.inbox USING btree (received_at);

CREATE INDEX operation_items_done ON trunkline.operation_items USING btree (operation_id, job_id) WHERE (state = 'done'::text);

CREATE INDEX operation_items_not_done ON trunkline.operation_items USING btree (operation_id, state, why) WHERE (state = ANY (ARRAY['refused'::text, 'not_undone'::text]));

CREATE INDEX operation_items_to_do ON trunkline.operation_items USING btree (operation_id, job_id) WHERE (state = 'frozen'::text);

CREATE INDEX outcomes_failed ON ONLY trunkline.outcomes USING btree (job_id) WHERE (state = 'failed'::text);

CREATE INDEX outcomes_brief_job_id_idx ON ONLY trunkline.outcomes_brief USING btree (job_id) WHERE (state = 'failed'::text);

CREATE INDEX outcomes_long_job_id_idx ON ONLY trunkline.outcomes_long USING btree (job_id) WHERE (state = 'failed'::text);

CREATE INDEX outcomes_standard_job_id_idx ON ONLY trunkline.outcomes_standard USING btree (job_id) WHERE (state = 'failed'::text);

CREATE INDEX permits_asked_for ON trunkline.permits USING btree (gate_id) WHERE (granted_at IS NULL);

CREATE INDEX permits_by_gate ON trunkline.permits USING btree (gate_id, asked_at, job_id);

CREATE INDEX superseded_by_age ON trunkline.superseded USING btree (set_aside_at);

CREATE INDEX superseded_of_job ON trunkline.superseded USING btree (job_id);

CREATE INDEX uniques_until ON trunkline.uniques USING btree (until) WHERE (until IS NOT NULL);

CREATE INDEX waits_due ON trunkline.waits USING btree (due) WHERE (due IS NOT NULL);

CREATE INDEX waits_lanes ON trunkline.waits USING btree (queue_id, lane, priority, job_id) WHERE blocked;

CREATE INDEX waits_parked ON trunkline.waits USING btree (job_id) WHERE (state = 'parked'::text);

ALTER INDEX trunkline.checkpoints_key ATTACH PARTITION trunkline.checkpoints_brief_pkey;

ALTER INDEX trunkline.checkpoints_key ATTACH PARTITION trunkline.checkpoints_long_pkey;

ALTER INDEX trunkline.checkpoints_key ATTACH PARTITION trunkline.checkpoints_standard_pkey;

ALTER INDEX trunkline.effects_key ATTACH PARTITION trunkline.effects_brief_pkey;

ALTER INDEX trunkline.effects_key ATTACH PARTITION trunkline.effects_long_pkey;

ALTER INDEX trunkline.effects_key ATTACH PARTITION trunkline.effects_standard_pkey;

ALTER INDEX trunkline.failures_key ATTACH PARTITION trunkline.failures_brief_pkey;

ALTER INDEX trunkline.failures_key ATTACH PARTITION trunkline.failures_long_pkey;

ALTER INDEX trunkline.failures_key ATTACH PARTITION trunkline.failures_standard_pkey;

ALTER INDEX trunkline.jobs_key ATTACH PARTITION trunkline.jobs_brief_pkey;

ALTER INDEX trunkline.jobs_key ATTACH PARTITION trunkline.jobs_long_pkey;

ALTER INDEX trunkline.jobs_key ATTACH PARTITION trunkline.jobs_standard_pkey;

ALTER INDEX trunkline.outcomes_failed ATTACH PARTITION trunkline.outcomes_brief_job_id_idx;

ALTER INDEX trunkline.outcomes_key ATTACH PARTITION trunkline.outcomes_brief_pkey;

ALTER INDEX trunkline.outcomes_failed ATTACH PARTITION trunkline.outcomes_long_job_id_idx;

ALTER INDEX trunkline.outcomes_key ATTACH PARTITION trunkline.outcomes_long_pkey;

ALTER INDEX trunkline.outcomes_failed ATTACH PARTITION trunkline.outcomes_standard_job_id_idx;

ALTER INDEX trunkline.outcomes_key ATTACH PARTITION trunkline.outcomes_standard_pkey;

CREATE TRIGGER only_grows BEFORE DELETE OR UPDATE OR TRUNCATE ON product.audit_links FOR EACH STATEMENT EXECUTE FUNCTION trunkline.refuse_change();

CREATE TRIGGER only_grows BEFORE DELETE OR UPDATE OR TRUNCATE ON product.audit_log FOR EACH STATEMENT EXECUTE FUNCTION trunkline.refuse_change();

CREATE TRIGGER only_grows BEFORE DELETE OR UPDATE OR TRUNCATE ON trunkline.audit FOR EACH STATEMENT EXECUTE FUNCTION trunkline.refuse_change();

CREATE TRIGGER only_grows BEFORE DELETE OR UPDATE OR TRUNCATE ON trunkline.audit_links FOR EACH STATEMENT EXECUTE FUNCTION trunkline.refuse_change();

ALTER TABLE ONLY product.tenant_keys
    ADD CONSTRAINT a_key_takes_the_place_of_its_tenants FOREIGN KEY (tenant_id, replaces) REFERENCES product.tenant_keys(tenant_id, key_id) ON DELETE SET NULL (replaces);

ALTER TABLE ONLY product.api_keys
    ADD CONSTRAINT a_key_takes_the_place_of_one FOREIGN KEY (replaces) REFERENCES product.api_keys(key_id);

ALTER TABLE ONLY product.phone_pool
    ADD CONSTRAINT a_number_is_released_before_its_tenant_goes FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id);

ALTER TABLE ONLY product.sessions
    ADD CONSTRAINT a_session_is_of_its_users_tenant FOREIGN KEY (user_id, tenant_id) REFERENCES product.users(user_id, tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.bots
    ADD CONSTRAINT bots_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.business_hours
    ADD CONSTRAINT business_hours_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.call_answers
    ADD CONSTRAINT call_answers_call_id_fkey FOREIGN KEY (call_id) REFERENCES product.calls(call_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.call_answers
    ADD CONSTRAINT call_answers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.call_recordings
    ADD CONSTRAINT call_recordings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE SET NULL;

ALTER TABLE ONLY product.call_requests
    ADD CONSTRAINT call_requests_call_id_fkey FOREIGN KEY (call_id) REFERENCES product.calls(call_id) ON DELETE SET NULL;

ALTER TABLE ONLY product.call_requests
    ADD CONSTRAINT call_requests_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.call_text_backs
    ADD CONSTRAINT call_text_backs_call_id_fkey FOREIGN KEY (call_id) REFERENCES product.calls(call_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.call_text_backs
    ADD CONSTRAINT call_text_backs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.call_transcripts
    ADD CONSTRAINT call_transcripts_call_id_fkey FOREIGN KEY (call_id) REFERENCES product.calls(call_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.call_transcripts
    ADD CONSTRAINT call_transcripts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.calls
    ADD CONSTRAINT calls_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE SET NULL;

ALTER TABLE ONLY product.conversation_months
    ADD CONSTRAINT conversation_months_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES product.conversations(conversation_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.conversation_months
    ADD CONSTRAINT conversation_months_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.conversations
    ADD CONSTRAINT conversations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.demo_access
    ADD CONSTRAINT demo_access_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.demo_verification_codes
    ADD CONSTRAINT demo_verification_codes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.message_bodies
    ADD CONSTRAINT message_bodies_message_id_fkey FOREIGN KEY (message_id) REFERENCES product.messages(message_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.message_bodies
    ADD CONSTRAINT message_bodies_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.messages
    ADD CONSTRAINT messages_conversation_id_fkey FOREIGN KEY (conversation_id) REFERENCES product.conversations(conversation_id) ON DELETE SET NULL;

ALTER TABLE ONLY product.messages
    ADD CONSTRAINT messages_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE SET NULL;

ALTER TABLE ONLY product.messaging_settings
    ADD CONSTRAINT messaging_settings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.number_waitlist
    ADD CONSTRAINT number_waitlist_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.opt_outs
    ADD CONSTRAINT opt_outs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE SET NULL;

ALTER TABLE ONLY product.phone_mappings
    ADD CONSTRAINT phone_mappings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.reconciliation_findings
    ADD CONSTRAINT reconciliation_findings_run_id_fkey FOREIGN KEY (run_id) REFERENCES product.reconciliation_runs(run_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.reconciliation_seen
    ADD CONSTRAINT reconciliation_seen_run_id_fkey FOREIGN KEY (run_id) REFERENCES product.reconciliation_runs(run_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.subscriptions
    ADD CONSTRAINT subscriptions_plan_fkey FOREIGN KEY (plan) REFERENCES product.subscription_plans(plan);

ALTER TABLE ONLY product.subscriptions
    ADD CONSTRAINT subscriptions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.tenant_keys
    ADD CONSTRAINT tenant_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.tenant_status_history
    ADD CONSTRAINT tenant_status_history_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.usage_events
    ADD CONSTRAINT usage_events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.users
    ADD CONSTRAINT users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.voice_sessions
    ADD CONSTRAINT voice_sessions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY product.voice_settings
    ADD CONSTRAINT voice_settings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES product.tenants(tenant_id) ON DELETE CASCADE;

ALTER TABLE ONLY trunkline.backfills
    ADD CONSTRAINT backfills_schedule_fkey FOREIGN KEY (schedule) REFERENCES trunkline.schedules(name);

ALTER TABLE ONLY trunkline.operation_items
    ADD CONSTRAINT operation_items_operation_id_fkey FOREIGN KEY (operation_id) REFERENCES trunkline.operations(operation_id) ON DELETE CASCADE;

ALTER TABLE ONLY trunkline.paces
    ADD CONSTRAINT paces_kind_id_fkey FOREIGN KEY (kind_id) REFERENCES trunkline.kinds(kind_id);

ALTER TABLE ONLY trunkline.schedules
    ADD CONSTRAINT schedules_kind_id_fkey FOREIGN KEY (kind_id) REFERENCES trunkline.kinds(kind_id);

ALTER TABLE ONLY trunkline.schedules
    ADD CONSTRAINT schedules_queue_id_fkey FOREIGN KEY (queue_id) REFERENCES trunkline.queues(queue_id);

ALTER TABLE product.api_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.audit_links ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.audit_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.billing_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.bots ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.business_hours ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.call_answers ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.call_recordings ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.call_requests ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.call_text_backs ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.call_transcripts ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.calls ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.conversation_months ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.conversations ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.demo_access ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.demo_archive ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.demo_signups ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.demo_verification_codes ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.erasures ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.message_bodies ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.messages ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.messaging_settings ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.number_waitlist ENABLE ROW LEVEL SECURITY;

CREATE POLICY only_ones_own ON product.audit_log USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.billing_events USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.bots USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.business_hours USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.call_answers USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.call_recordings USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.call_requests USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.call_text_backs USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.call_transcripts USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.calls USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.conversation_months USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.conversations USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.demo_access USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.demo_archive USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.demo_signups USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.demo_verification_codes USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.message_bodies USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.messages USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.messaging_settings USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.number_waitlist USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.opt_outs USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.phone_mappings USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.phone_mappings_backup USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.phone_pool USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.reconciliation_findings USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.reconciliation_seen USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.sessions USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.subscriptions USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.tenant_keys USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.tenant_status_history USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.tenants USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.usage_events USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.users USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.voice_sessions USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY only_ones_own ON product.voice_settings USING (product.may_see(tenant_id)) WITH CHECK (product.may_see(tenant_id));

CREATE POLICY operators_only ON product.api_keys USING (product.may_see(NULL::uuid)) WITH CHECK (product.may_see(NULL::uuid));

CREATE POLICY operators_only ON product.audit_links USING (product.may_see(NULL::uuid)) WITH CHECK (product.may_see(NULL::uuid));

CREATE POLICY operators_only ON product.erasures USING (product.may_see(NULL::uuid)) WITH CHECK (product.may_see(NULL::uuid));

CREATE POLICY operators_only ON product.provider_credentials USING (product.may_see(NULL::uuid)) WITH CHECK (product.may_see(NULL::uuid));

ALTER TABLE product.opt_outs ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.phone_mappings ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.phone_mappings_backup ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.phone_pool ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.provider_credentials ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.reconciliation_findings ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.reconciliation_seen ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.subscriptions ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.tenant_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.tenant_status_history ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.tenants ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.usage_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.users ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.voice_sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE product.voice_settings ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA product TO trunkline_app;

GRANT USAGE ON SCHEMA trunkline TO trunkline_app;
GRANT USAGE ON SCHEMA trunkline TO trunkline_metrics;

REVOKE ALL ON FUNCTION product.call_rank(status text) FROM PUBLIC;
GRANT ALL ON FUNCTION product.call_rank(status text) TO trunkline_app;

REVOKE ALL ON FUNCTION product.may_see(tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION product.may_see(tenant_id uuid) TO trunkline_app;

REVOKE ALL ON FUNCTION product.message_rank(status text) FROM PUBLIC;
GRANT ALL ON FUNCTION product.message_rank(status text) TO trunkline_app;

REVOKE ALL ON FUNCTION product.recording_rank(status text) FROM PUBLIC;
GRANT ALL ON FUNCTION product.recording_rank(status text) TO trunkline_app;

GRANT ALL ON FUNCTION trunkline.error_pattern(message text) TO trunkline_app;

REVOKE ALL ON FUNCTION trunkline.estimated_work(jobs_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION trunkline.estimated_work(jobs_max integer) TO trunkline_app;
GRANT ALL ON FUNCTION trunkline.estimated_work(jobs_max integer) TO trunkline_metrics;

GRANT ALL ON FUNCTION trunkline.now() TO trunkline_app;

REVOKE ALL ON FUNCTION trunkline.partitions_drop(keep interval[], OUT dropped text, OUT held_by uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION trunkline.partitions_drop(keep interval[], OUT dropped text, OUT held_by uuid) TO trunkline_app;

REVOKE ALL ON FUNCTION trunkline.partitions_make(at timestamp with time zone, ahead integer) FROM PUBLIC;
GRANT ALL ON FUNCTION trunkline.partitions_make(at timestamp with time zone, ahead integer) TO trunkline_app;

REVOKE ALL ON FUNCTION trunkline.runs_live_below(ceiling uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION trunkline.runs_live_below(ceiling uuid) TO trunkline_app;

REVOKE ALL ON FUNCTION trunkline.snapshot_holders() FROM PUBLIC;
GRANT ALL ON FUNCTION trunkline.snapshot_holders() TO trunkline_app;

GRANT ALL ON FUNCTION trunkline.uuid_floor(at timestamp with time zone) TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.api_keys TO trunkline_app;

GRANT SELECT,INSERT ON TABLE product.audit_links TO trunkline_app;

GRANT SELECT,INSERT ON TABLE product.audit_log TO trunkline_app;

GRANT SELECT,INSERT ON TABLE product.billing_events TO trunkline_app;

GRANT SELECT,INSERT,DELETE ON TABLE product.bots TO trunkline_app;

GRANT SELECT,INSERT,DELETE ON TABLE product.business_hours TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.call_answers TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.call_recordings TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.call_requests TO trunkline_app;

GRANT SELECT,INSERT,DELETE ON TABLE product.call_text_backs TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.call_transcripts TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.calls TO trunkline_app;

GRANT SELECT,INSERT ON TABLE product.conversation_months TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.conversations TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.demo_access TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.demo_archive TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.demo_signups TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.demo_verification_codes TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.erasures TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.inbox_watermarks TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.kept_answers TO trunkline_app;

GRANT SELECT,INSERT,DELETE ON TABLE product.message_bodies TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.messages TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.messaging_settings TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.number_waitlist TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.opt_outs TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.phone_mappings TO trunkline_app;

GRANT SELECT,INSERT,DELETE ON TABLE product.phone_mappings_backup TO trunkline_app;

GRANT SELECT ON TABLE product.phone_number_mappings TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.phone_pool TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.provider_credentials TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.rate_limits TO trunkline_app;

GRANT SELECT,INSERT,DELETE ON TABLE product.reconciliation_findings TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.reconciliation_runs TO trunkline_app;

GRANT SELECT,INSERT,DELETE ON TABLE product.reconciliation_seen TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.sessions TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.subscription_plans TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.subscriptions TO trunkline_app;

GRANT SELECT ON TABLE product.subscriptions_in_force TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.switches TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.tenant_keys TO trunkline_app;

GRANT SELECT,INSERT ON TABLE product.tenant_status_history TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.tenants TO trunkline_app;

GRANT SELECT ON TABLE product.twilio_phone_pool TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.usage_events TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.usage_progress TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.users TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.verification_failures TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.vitals TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE product.voice_sessions TO trunkline_app;

GRANT SELECT,INSERT,UPDATE ON TABLE product.voice_settings TO trunkline_app;

GRANT SELECT,INSERT ON TABLE trunkline.audit TO trunkline_app;

GRANT SELECT,INSERT ON TABLE trunkline.audit_links TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.backfills TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.breaker_news TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.cancels TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.checkpoints TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.checkpoints_brief TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.checkpoints_long TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.checkpoints_standard TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.effects TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.effects_brief TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.effects_long TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.effects_standard TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.failures TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.failures_brief TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.failures_long TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.failures_standard TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.gates TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.inbox TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.jobs TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.jobs_brief TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.jobs_long TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.jobs_standard TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.kinds TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.leases TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.operation_items TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.operations TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.outcomes TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.outcomes_brief TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.outcomes_long TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.outcomes_standard TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.paces TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.permits TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.progress TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.queues TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.ready TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.schedules TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.signals TO trunkline_app;

GRANT SELECT,INSERT,DELETE ON TABLE trunkline.superseded TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.uniques TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.waits TO trunkline_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trunkline.workers TO trunkline_app;
