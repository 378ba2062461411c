-- Gates: limits that a job has to pass before it may run, and what operators set on a queue at run time. Decision 0007.
--
-- A job with a gate never stands in `ready`. Its token waits in `waits`, marked as blocked and filed under a *lane* (its
-- kind, and its first gate or, in a fair queue, its tenant), and is claimed from there straight into `leases`, in the
-- transaction that takes its permits. A job without gates has no lane and costs what it did. Undone by dropping the
-- columns and tables; code that does not know them goes on working, it only passes gated jobs by.

alter table trunkline.queues
    add column paused_at timestamptz,
    add column pause_reason text check (length(pause_reason) between 1 and 200),
    add column pause_until timestamptz,
    add column at_once_max integer check (at_once_max > 0),
    add column fair boolean not null default false,
    add constraint paused_says_why check ((paused_at is null) = (pause_reason is null)),
    add constraint only_a_pause_has_an_end check (pause_until is null or paused_at is not null);
comment on column trunkline.queues.pause_until is 'The pause ends by itself. Null: until somebody ends it.';
comment on column trunkline.queues.at_once_max is 'Jobs of the queue that run at once in the whole fleet. Null: as many as workers take.';
comment on column trunkline.queues.fair is 'Tenants take turns: each job enqueued from then on stands in its tenant''s lane.';

alter table trunkline.jobs
    add column lane uuid,
    add column gates jsonb,
    add column expires_at timestamptz;
comment on column trunkline.jobs.gates is 'What it has to pass before it runs, as the enqueuer said; keys as hashes. Null for most.';
comment on column trunkline.jobs.expires_at is 'A job that has not begun by then fails instead of running late.';

alter table trunkline.ready add column lane uuid;
alter table trunkline.leases add column lane uuid;
alter table trunkline.waits
    add column lane uuid,
    add column blocked boolean not null default false,
    add constraint blocked_has_a_lane check (not blocked or (lane is not null and state = 'waiting'));
comment on column trunkline.waits.blocked is 'Could run if its gates let it. `due` is then the instant at which it expires.';

-- Exactly the order in which a lane is taken; a lane is found by one look into the index, whatever stands in the others.
create index waits_lanes on trunkline.waits (queue_id, lane, priority, job_id) where blocked;

-- Who can run what, for people: claims go by what a worker asks for. Null: a worker of a version that does not say.
alter table trunkline.workers
    add column queue_ids smallint[],
    add column kind_ids smallint[];

-- The state of a gate. A row is made when the gate is first asked, and forgotten when it says nothing any more.
create table trunkline.gates (
    gate_id uuid not null constraint gates_key primary key,
    form text not null check (form in ('at_once', 'rate', 'breaker')),
    scope text not null check (length(scope) between 1 and 100),
    next_at timestamptz,
    breaker jsonb,
    touched_at timestamptz not null default trunkline.now(),
    constraint only_a_rate_has_a_slot check (next_at is null or form = 'rate'),
    constraint only_a_breaker_breaks check (breaker is null or form = 'breaker')
) with (fillfactor = 50);
comment on table trunkline.gates is 'Locked by whoever gives permits or slots of it, and by nobody else: a worker''s end only deletes permits.';
comment on column trunkline.gates.next_at is 'GCRA''s theoretical arrival time: when the next slot is, if none is saved up.';

-- One row for each job that has passed a gate and may be running, or that holds a permit on purpose.
create table trunkline.permits (
    gate_id uuid not null,
    job_id uuid not null,
    form text not null check (form in ('run', 'canary', 'hold')),
    asked_at timestamptz not null default trunkline.now(),
    granted_at timestamptz default trunkline.now(),
    hold_max integer check (hold_max > 0),
    constraint permits_once primary key (job_id, gate_id),
    constraint only_a_hold_is_waited_for check (granted_at is not null or form = 'hold'),
    constraint a_hold_knows_its_limit check ((form = 'hold') = (hold_max is not null))
);
create index permits_by_gate on trunkline.permits (gate_id, asked_at, job_id);
create index permits_asked_for on trunkline.permits (gate_id) where granted_at is null;
comment on column trunkline.permits.form is 'run: until the job leaves its worker; canary: the same, behind a breaker that is closing; hold: until released, or the run''s end.';

-- What breakers are told. Insert-only, so that no worker's write waits for a gate; folded by whoever next asks the gate.
create table trunkline.breaker_news (
    news_id uuid not null default gen_random_uuid() constraint breaker_news_key primary key,
    gate_id uuid not null,
    good boolean not null,
    at timestamptz not null default trunkline.now()
);
create index breaker_news_by_gate on trunkline.breaker_news (gate_id, at);

alter table trunkline.permits set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0);
alter table trunkline.gates set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0);
alter table trunkline.breaker_news set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0);

grant select, insert, update, delete on trunkline.gates, trunkline.permits, trunkline.breaker_news to trunkline_app;
