-- What keeps the engine up by itself: schedules that can be steered, bounded backfills, pieces of the history that are
-- dropped below the oldest live run. Old code survives it: every new column has a default, and what is new is read by new
-- code only. Undone by dropping what it adds.

-- ---------------------------------------------------------------- schedules

alter table trunkline.schedules
    add column missed text not null default 'run_once' constraint missed_is_known check (missed in ('skip', 'run_once', 'catch_up')),
    add column catch_up_max smallint check (catch_up_max between 1 and 100),
    add column declared jsonb,
    add column changed_at timestamptz,
    add column changed_by text check (length(changed_by) <= 200),
    add column changed_reason text check (length(changed_reason) <= 1000),
    add column paused_at timestamptz,
    add column paused_by text check (length(paused_by) <= 200),
    add column paused_reason text check (length(paused_reason) <= 1000),
    add column fault text check (length(fault) <= 1000),
    add column fault_at timestamptz,
    add constraint catch_up_has_a_bound check ((missed = 'catch_up') = (catch_up_max is not null)),
    add constraint paused_says_by_whom check ((paused_at is null) = (paused_by is null)),
    add constraint changed_says_by_whom check ((changed_at is null) = (changed_by is null)),
    add constraint fault_says_when check ((fault is null) = (fault_at is null));
comment on column trunkline.schedules.declared is 'What the code declared last. An operator''s change stays until the code declares something else.';
comment on column trunkline.schedules.fault is 'Why a version could not make the due tick; gone with the next tick that is made.';

-- Ticks of the past that somebody wants made after all, a few at a time.
create table trunkline.backfills (
    backfill_id uuid not null constraint backfills_key primary key,
    schedule text not null references trunkline.schedules,
    from_at timestamptz not null,
    to_at timestamptz not null,
    next_at timestamptz not null,
    per_minute smallint not null check (per_minute between 1 and 600),
    resume_at timestamptz not null default trunkline.now(),
    made integer not null default 0,
    had_run integer not null default 0,
    asked_by text not null check (length(asked_by) <= 200),
    reason text not null check (length(reason) <= 1000),
    created_at timestamptz not null default trunkline.now(),
    finished_at timestamptz,
    constraint backfills_go_forward check (from_at <= to_at)
);
create unique index backfills_one_at_a_time on trunkline.backfills (schedule) where finished_at is null;
comment on column trunkline.backfills.had_run is 'Ticks that had a job already and got no second one.';

grant select, insert, update, delete on trunkline.backfills to trunkline_app;
