-- What a workflow's body can do beside steps: branches and races, recorded values, pivots, patches, fan-outs, live progress,
-- deadlines of runs. See docs/decisions/0008. Expand only: older code neither reads nor writes any of it, and ignores keys
-- that it does not know.

-- How a group of branches ended, values that must be the same after a crash, and marks in a run.
alter table trunkline.checkpoints
    drop constraint checkpoints_form_check,
    add constraint checkpoints_form_check check (form in ('step', 'transaction', 'wait', 'sleep', 'deadline', 'hold',
        'join', 'race', 'branch', 'fan_out', 'record', 'pivot', 'patch')) not valid;
alter table trunkline.checkpoints validate constraint checkpoints_form_check;

-- How far runs say they are. A row is rewritten about once a second while its run says so, and goes with the run.
create table trunkline.progress (
    job_id uuid not null constraint progress_once primary key,
    done bigint not null check (done >= 0),
    total bigint check (total >= 0),
    note text not null check (length(note) <= 200),
    said_at timestamptz not null default trunkline.now()
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table trunkline.progress is 'For people who look on. Nothing depends on it.';

alter table trunkline.jobs add column deadline_at timestamptz;
comment on column trunkline.jobs.deadline_at is 'After this instant the run fails and is undone, if the job was given a deadline of its own.';

grant select, insert, update, delete on trunkline.progress to trunkline_app;
