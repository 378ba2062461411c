-- What operators decide about jobs, and the record of it: typed causes of parking, requests to cancel that lock nobody's
-- lease, dead letters that are tried again or forked, and an audit that only grows. See docs/decisions/0009.
-- Processes of the version before go on working with all of this but one thing: a cancel is asked for in a table of its own
-- now, which they do not read. Undone by dropping what is created here.

-- ---------------------------------------------------------------- the record

-- Who asked for what, and why. One row for each call of an operator, in the transaction of what it did.
create table trunkline.audit (
    audit_id bigint generated always as identity primary key,
    at timestamptz not null default trunkline.now(),
    actor text not null check (length(actor) between 1 and 200),
    action text not null check (action ~ '^[a-z_]+\.[a-z_]{1,40}$'),
    job_id uuid,
    subject text check (subject ~ '^(queue|schedule):.{1,63}$'),
    reason text check (length(reason) between 1 and 500),
    details jsonb not null default '{}' check (pg_column_size(details) <= 2097152),
    constraint audit_is_about_one_thing check ((job_id is null) <> (subject is null))
);
-- Found by job: by whoever looks at a run, and by a run that counts its failures since it was last tried again.
create index audit_of_job on trunkline.audit (job_id, at);
create index audit_of_subject on trunkline.audit (subject, audit_id) where subject is not null;
comment on table trunkline.audit is 'Insert-only: the application''s role can neither change nor delete what stands here.';
comment on column trunkline.audit.subject is 'What it was done to, where that is no job: queue:NAME or schedule:NAME.';
comment on column trunkline.audit.details is 'What it was before, where something was changed; sealed values stay sealed. At most twice a job''s arguments, and then some.';

grant select, insert on trunkline.audit to trunkline_app;

-- ---------------------------------------------------------------- parked runs

alter table trunkline.waits
    add column cause text,
    add column entry text,
    add constraint parked_has_a_cause check (cause is null or state = 'parked'),
    add constraint cause_is_known check (cause in
        ('undo_failed', 'unknown_outcome', 'diverged', 'poison', 'gave_up', 'pivot')),
    add constraint entry_is_a_key check (length(entry) <= 200);
comment on column trunkline.waits.cause is 'What a person has to decide about. Null on a parked run: parked by a version that did not say.';
comment on column trunkline.waits.entry is 'The key of the step or of the ledger''s entry at which a parked run stands.';

-- Parked runs are few, however many wait.
create index waits_parked on trunkline.waits (job_id) where state = 'parked';

-- ---------------------------------------------------------------- requests to cancel

-- A row here instead of a mark on the lease: the request belongs to a caller's transaction, which may stay open for
-- seconds, and the lease is what the committer has to write meanwhile.
create table trunkline.cancels (
    job_id uuid not null constraint cancels_asked_once primary key,
    mode text not null check (mode in ('graceful', 'undo', 'terminate')),
    forced boolean not null default false,
    asked_at timestamptz not null default trunkline.now(),
    constraint only_terminate_is_forced check (not forced or mode = 'terminate')
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table trunkline.cancels is 'Kept until a while after the job has ended, so that a worker that still has it in hand hears of it.';

grant select, insert, update, delete on trunkline.cancels to trunkline_app;

comment on column trunkline.leases.cancel_asked is 'Nobody sets it any more. It stays for processes of the version before, which read it; it can go with the next version.';

-- A cancelled run of which the deeds stand on purpose: it was stopped gracefully, or terminated.
alter table trunkline.outcomes add column kept boolean not null default false,
    add constraint kept_is_not_undone check (not (kept and undone));
comment on column trunkline.outcomes.kept is 'Its deeds stand, because somebody wanted it so. Its parent''s undo takes them back.';

-- ---------------------------------------------------------------- dead letters

-- Where a job comes from that was made of another one.
alter table trunkline.jobs
    add column origin_id uuid,
    add column origin text,
    add column origin_step text,
    add constraint origin_is_whole check ((origin_id is null) = (origin is null)),
    add constraint origin_is_known check (origin in ('redrive', 'fork')),
    add constraint only_a_fork_has_a_step check (origin_step is null or origin = 'fork');
comment on column trunkline.jobs.origin_id is 'The finished job of which this one was made by an operator. That one stays as it was.';

-- Dead letters are few, however many jobs have ended.
create index outcomes_failed on trunkline.outcomes (job_id) where state = 'failed';

-- What a run had recorded after a step from which an operator had it go on: for the record, no run reads it.
create table trunkline.superseded (
    job_id uuid not null,
    set_aside_at timestamptz not null default trunkline.now(),
    key text not null,
    form text not null,
    output jsonb not null,
    attempt smallint not null,
    started_at timestamptz,
    finished_at timestamptz not null
);
create index superseded_of_job on trunkline.superseded (job_id);
create index superseded_by_age on trunkline.superseded (set_aside_at);
comment on table trunkline.superseded is 'Kept for 400 days, longer than any job is.';

grant select, insert, delete on trunkline.superseded to trunkline_app;

-- Outputs that a fork was given by its origin: remembered like a step's, and never undone by the fork.
alter table trunkline.checkpoints add column lent text;
comment on column trunkline.checkpoints.lent is 'effect, change or child: the deed is another run''s, this run only knows what it yielded.';
