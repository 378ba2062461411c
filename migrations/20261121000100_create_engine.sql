-- The engine's tables: durable jobs and workflows. See ARCHITECTURE.md for the words and docs/decisions/0001 for the layout.
--
-- A live job is one row in `jobs` (inserted once, never updated) and exactly one small *token* that says where it stands:
-- in `ready` (may run now), `leases` (a worker has it) or `waits` (scheduled, waiting or parked). Tokens move by
-- delete + insert, so that what may run now is a tiny table whatever waits or has finished. A finished job is a row in
-- `outcomes`. Undone by dropping the schema; nothing older survives it, it is the first.

create schema trunkline;

-- The application's role owns nothing, so that it can neither change tables nor step around row-level security.
do $$
begin
    if not exists (select from pg_roles where rolname = 'trunkline_app') then
        create role trunkline_app nologin nosuperuser nobypassrls;
    end if;
end
$$;

-- Every decision about time asks this function. Tests replace it by one that can be moved.
create function trunkline.now() returns timestamptz
    language sql stable parallel safe
    as 'select pg_catalog.statement_timestamp()';

-- The smallest UUIDv7 of an instant (RFC 9562, 5.7: the first 48 bits are Unix milliseconds). Bounds of partitions.
create function trunkline.uuid_floor(at timestamptz) returns uuid
    language sql immutable parallel safe
    as $$ select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;

-- ---------------------------------------------------------------- names

-- Names are kept once; tokens carry two bytes instead of a text.
create table trunkline.queues (
    queue_id smallint generated always as identity primary key,
    name text not null constraint queues_name_once unique check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    latency_target_ms integer check (latency_target_ms > 0),
    created_at timestamptz not null default trunkline.now()
);
comment on column trunkline.queues.latency_target_ms is 'The promise: how long a ready job may wait. Null: none given.';

create table trunkline.kinds (
    kind_id smallint generated always as identity primary key,
    name text not null constraint kinds_name_once unique check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    created_at timestamptz not null default trunkline.now()
);

-- ---------------------------------------------------------------- jobs, partitioned by how long they are kept, then by time

create table trunkline.jobs (
    job_id uuid not null,
    retention smallint not null check (retention in (0, 1, 2)),
    kind_id smallint not null,
    queue_id smallint not null,
    priority smallint not null default 0,
    args jsonb not null,
    tenant_id uuid,
    parent_id uuid,
    parent_step text,
    unique_key bytea,
    traceparent text,
    has_deed boolean not null default false,
    created_at timestamptz not null default trunkline.now(),
    constraint child_knows_its_step check ((parent_id is null) = (parent_step is null)),
    constraint jobs_key primary key (job_id, retention)
) partition by list (retention);
comment on column trunkline.jobs.retention is '0 brief (days), 1 standard (weeks), 2 long (a year). Decides the partition.';
comment on column trunkline.jobs.has_deed is 'Born with an entry in its ledger: something was done in the transaction that enqueued it, and is undone unless the job succeeds.';
comment on column trunkline.jobs.job_id is 'UUIDv7: ordered by the time the job was made.';

create table trunkline.outcomes (
    job_id uuid not null,
    retention smallint not null,
    state text not null check (state in ('succeeded', 'failed', 'cancelled')),
    epoch integer not null,
    attempt smallint not null,
    undone boolean not null default false,
    output jsonb,
    error jsonb,
    finished_at timestamptz not null default trunkline.now(),
    constraint failed_says_why check (state <> 'failed' or error is not null),
    constraint outcomes_key primary key (job_id, retention)
) partition by list (retention);

create table trunkline.checkpoints (
    job_id uuid not null,
    retention smallint not null,
    key text not null check (length(key) between 1 and 200),
    form text not null check (form in ('step', 'transaction', 'wait', 'sleep', 'deadline')),
    output jsonb not null,
    attempt smallint not null,
    started_at timestamptz,
    finished_at timestamptz not null default trunkline.now(),
    constraint checkpoints_key primary key (job_id, key, retention)
) partition by list (retention);
comment on column trunkline.checkpoints.key is 'The step''s name, `#n` for its n-th repeat in a run. Stable over attempts, workers and versions.';

-- The undo ledger: every deed that may have to be taken back, in the order in which it was begun.
create table trunkline.effects (
    job_id uuid not null,
    retention smallint not null,
    key text not null check (length(key) between 1 and 200),
    seq smallint not null check (seq > 0),
    form text not null check (form in ('effect', 'change', 'child')),
    name text not null,
    state text not null check (state in ('intent', 'unknown', 'idle', 'done', 'undone', 'skipped', 'resolved')),
    input jsonb not null,
    output jsonb,
    attempt smallint not null default 1,
    started_at timestamptz not null default trunkline.now(),
    finished_at timestamptz,
    undone_at timestamptz,
    constraint done_has_output check (state <> 'done' or output is not null),
    constraint effects_key primary key (job_id, key, retention)
) partition by list (retention);
comment on column trunkline.effects.state is 'intent: begun, outcome not recorded; unknown: the reply was lost; idle: known not to have happened; done; undone; skipped or resolved: by an operator.';

-- One row for each attempt of a step, an undo or a whole body that went wrong. Insert-only; the timeline reads it.
create table trunkline.failures (
    job_id uuid not null,
    retention smallint not null,
    failure_id uuid not null,
    key text check (length(key) <= 200),
    phase text not null check (phase in ('do', 'undo', 'probe')),
    attempt smallint not null,
    class text not null check (class in ('retry', 'unknown', 'permanent', 'undo', 'snooze', 'panic', 'diverged', 'cancelled', 'lost_worker')),
    error text not null check (length(error) <= 4000),
    failed_at timestamptz not null default trunkline.now(),
    constraint failures_key primary key (job_id, failure_id, retention)
) partition by list (retention);

-- ---------------------------------------------------------------- tokens: small, unpartitioned, never updated in an indexed column

create table trunkline.ready (
    job_id uuid not null,
    epoch integer not null,
    queue_id smallint not null,
    kind_id smallint not null,
    priority smallint not null,
    attempt smallint not null,
    crashes smallint not null,
    retention smallint not null,
    course smallint not null check (course between 0 and 3),
    constraint ready_claim_order primary key (queue_id, priority, job_id)
);
comment on table trunkline.ready is 'What may run now, and nothing else: what waits or is limited stands elsewhere.';
comment on column trunkline.ready.course is '0 forward, 1 cancel asked for, 2 undoing after a failure, 3 undoing after a cancel.';

create table trunkline.leases (
    job_id uuid not null constraint leases_one_holder primary key,
    worker_id integer not null,
    claimed_at timestamptz not null default trunkline.now(),
    epoch integer not null,
    queue_id smallint not null,
    kind_id smallint not null,
    priority smallint not null,
    attempt smallint not null,
    crashes smallint not null,
    retention smallint not null,
    course smallint not null check (course between 0 and 3),
    cancel_asked boolean not null default false
);
comment on column trunkline.leases.epoch is 'Rises with every claim. A worker''s write counts only with the epoch it was given: the fence.';

create table trunkline.waits (
    job_id uuid not null constraint waits_once primary key,
    due timestamptz,
    state text not null check (state in ('scheduled', 'waiting', 'parked')),
    reason text not null check (length(reason) <= 200),
    since timestamptz not null default trunkline.now(),
    epoch integer not null,
    queue_id smallint not null,
    kind_id smallint not null,
    priority smallint not null,
    attempt smallint not null,
    crashes smallint not null,
    retention smallint not null,
    course smallint not null check (course between 0 and 3),
    wakes text[] not null default '{}',
    constraint scheduled_is_due check (state <> 'scheduled' or due is not null),
    constraint parked_waits_for_a_person check (state <> 'parked' or due is null)
);
create index waits_due on trunkline.waits (due) where due is not null;
comment on column trunkline.waits.wakes is 'Names of the signals that make the job ready before it is due.';

-- ---------------------------------------------------------------- beside the tokens

create table trunkline.workers (
    worker_id integer generated always as identity primary key,
    name text not null,
    pool text not null,
    version text not null,
    address text,
    started_at timestamptz not null default trunkline.now(),
    heartbeat_at timestamptz not null default trunkline.now(),
    expires_at timestamptz not null,
    draining boolean not null default false
) with (fillfactor = 50);
comment on column trunkline.workers.expires_at is 'After this instant its leases are void and any other worker may return its jobs.';

create table trunkline.signals (
    signal_id uuid not null constraint signals_key primary key,
    job_id uuid not null,
    name text not null check (length(name) between 1 and 200),
    payload jsonb not null,
    dedupe_key text,
    sent_at timestamptz not null default trunkline.now(),
    constraint signals_sent_once unique (job_id, name, dedupe_key)
);
comment on table trunkline.signals is 'Messages to a job that it has not taken yet, also those sent before it waits for them.';

create table trunkline.uniques (
    unique_key bytea not null constraint uniques_one_job primary key,
    job_id uuid not null,
    until timestamptz,
    created_at timestamptz not null default trunkline.now()
);
create index uniques_until on trunkline.uniques (until) where until is not null;
comment on column trunkline.uniques.until is 'Null: while the job is live. Infinity: for ever. Otherwise: to this instant, finished or not.';

create table trunkline.schedules (
    name text not null constraint schedules_name_once primary key check (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    cron text not null check (length(cron) <= 200),
    timezone text not null,
    kind_id smallint not null references trunkline.kinds,
    queue_id smallint not null references trunkline.queues,
    args jsonb not null,
    next_at timestamptz not null,
    last_at timestamptz,
    last_job_id uuid,
    created_at timestamptz not null default trunkline.now()
);

create table trunkline.inbox (
    provider text not null,
    dedupe_key text not null check (length(dedupe_key) between 1 and 300),
    object_key text not null,
    received_at timestamptz not null default trunkline.now(),
    payload jsonb not null,
    job_id uuid,
    deliveries integer not null default 1,
    constraint inbox_delivered_once primary key (provider, dedupe_key)
);
create index inbox_received on trunkline.inbox (received_at);

-- ---------------------------------------------------------------- partitions

-- Makes the partitions that are missing for the instant `at` and the `ahead` pieces after it, for every class and table.
-- Brief jobs are kept in pieces of a day, standard ones of a week, long ones of 30 days. Safe to run at any time, by
-- several at once. Returns how many it made. Runs with the owner's rights, since the application owns nothing.
create function trunkline.partitions_make(at timestamptz, ahead integer) returns integer
    language plpgsql security definer set search_path = pg_catalog, trunkline as $$
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
            if to_regclass('trunkline.' || child) is null then
                execute format('create table trunkline.%I partition of trunkline.%I for values in (%s) partition by range (job_id)',
                               child, parent, class.id);
                execute format('create table trunkline.%I partition of trunkline.%I default', child || '_default', child);
                made := made + 2;
            end if;
            for piece in 0 .. ahead loop
                from_at := 'epoch'::timestamptz
                    + (floor(extract(epoch from at) / (class.days * 86400)) + piece) * class.days * interval '24 hours';
                to_at := from_at + class.days * interval '24 hours';
                if to_regclass('trunkline.' || child || to_char(from_at at time zone 'UTC', '"_"YYYYMMDD')) is null then
                    execute format('create table trunkline.%I partition of trunkline.%I for values from (%L) to (%L)',
                                   child || to_char(from_at at time zone 'UTC', '"_"YYYYMMDD'), child,
                                   trunkline.uuid_floor(from_at), trunkline.uuid_floor(to_at));
                    made := made + 1;
                end if;
            end loop;
        end loop;
    end loop;
    return made;
end
$$;
revoke all on function trunkline.partitions_make(timestamptz, integer) from public;

select trunkline.partitions_make(trunkline.now(), 1);

-- ---------------------------------------------------------------- how the hot tables are kept

-- Rows of these live for milliseconds: vacuum by count, often and without pauses. Never analysed by itself: a look at an
-- empty moment makes the planner believe that the table is always empty (docs/decisions/0001 has the price of that).
alter table trunkline.ready set (fillfactor = 100,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000000000);
alter table trunkline.leases set (fillfactor = 100,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000000000);
alter table trunkline.waits set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0);
alter table trunkline.signals set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0);
alter table trunkline.workers set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100);

-- ---------------------------------------------------------------- rights

grant usage on schema trunkline to trunkline_app;
grant select, insert, update, delete on all tables in schema trunkline to trunkline_app;
grant execute on function trunkline.now(), trunkline.uuid_floor(timestamptz), trunkline.partitions_make(timestamptz, integer)
    to trunkline_app;
