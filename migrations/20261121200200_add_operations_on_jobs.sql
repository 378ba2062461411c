-- Operations on many jobs as records of their own (what matched is frozen, and each job's change is written down).
-- See docs/decisions/0028.
-- Processes of the version before go on: they write neither. Undone by dropping what is created here, and by the narrower rule
-- for subjects after rows with `operation:` have gone.

-- ---------------------------------------------------------------- operations

create table trunkline.operations (
    operation_id uuid constraint operations_key primary key,
    deed text not null constraint deed_is_known check (deed in ('retry', 'redrive', 'run_now', 'cancel')),
    mode text constraint mode_is_gentle check (mode in ('graceful', 'undo')),
    filter jsonb not null constraint filter_is_small check (pg_column_size(filter) <= 4096),
    before_job uuid not null,
    canary_jobs integer not null constraint canary_is_small check (canary_jobs between 0 and 1000),
    canary_bad_max integer not null constraint canary_may_lose_some check (canary_bad_max between 0 and 1000),
    canary_secs integer not null constraint canary_has_time check (canary_secs between 1 and 86400),
    state text not null default 'freezing' constraint state_is_known check (state in
        ('freezing', 'frozen', 'working', 'stopped', 'done', 'cancelled', 'undoing', 'undone')),
    why text constraint why_is_a_line check (length(why) <= 500),
    matched bigint not null default 0,
    done bigint not null default 0,
    refused bigint not null default 0,
    undone bigint not null default 0,
    not_undone bigint not null default 0,
    per_second integer constraint rate_is_bounded check (per_second between 1 and 1000),
    made_by text not null constraint maker_fits check (length(made_by) between 1 and 200),
    started_by text constraint starter_fits check (length(started_by) between 1 and 200),
    reason text constraint reason_fits check (length(reason) between 1 and 500),
    undone_by text constraint undoer_fits check (length(undone_by) between 1 and 200),
    undo_reason text constraint undo_reason_fits check (length(undo_reason) between 1 and 500),
    undo_job uuid,
    created_at timestamptz not null default trunkline.now(),
    frozen_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    constraint only_a_cancel_has_a_mode check ((mode is not null) = (deed = 'cancel')),
    constraint started_by_somebody_for_a_reason check
        (started_at is null or (started_by is not null and reason is not null and per_second is not null)),
    constraint counted check (matched >= done + refused and done >= undone + not_undone and least(refused, undone, not_undone) >= 0)
);
comment on table trunkline.operations is 'One order about many jobs. Its id is that of the job that carries it out.';
comment on column trunkline.operations.before_job is 'Jobs with this id or a later one were made after the order, and are not meant.';
comment on column trunkline.operations.matched is 'Jobs that were frozen. Those of them that are neither done nor refused are still to come, or were left alone.';
comment on column trunkline.operations.finished_at is 'Nothing happens any more by itself. Empties when it is undone.';

-- What matched, as it was when it was frozen: a filter would match other jobs in a minute.
create table trunkline.operation_items (
    operation_id uuid not null references trunkline.operations on delete cascade,
    job_id uuid not null,
    state text not null default 'frozen' constraint state_is_known check (state in
        ('frozen', 'done', 'refused', 'undone', 'not_undone')),
    epoch integer,
    due timestamptz,
    became uuid,
    why text constraint why_is_a_line check (length(why) <= 200),
    constraint operation_items_key primary key (operation_id, job_id)
);
comment on column trunkline.operation_items.epoch is 'The job''s claims when it was done: as long as there are no more, it has not begun since.';
comment on column trunkline.operation_items.due is 'When the job would have run, had it not been touched.';
comment on column trunkline.operation_items.became is 'The job that was made of it.';
create index operation_items_to_do on trunkline.operation_items (operation_id, job_id) where state = 'frozen';
create index operation_items_done on trunkline.operation_items (operation_id, job_id) where state = 'done';

grant select, insert, update, delete on trunkline.operations, trunkline.operation_items to trunkline_app;

-- ---------------------------------------------------------------- the record

-- Not validated: every row has satisfied the narrower rule before.
alter table trunkline.audit drop constraint audit_subject_check;
alter table trunkline.audit
    add constraint audit_subject_check check (subject ~ '^(queue|schedule|worker|operation):.{1,63}$') not valid;
comment on column trunkline.audit.subject is 'What it was done to, where that is no job: queue:NAME, schedule:NAME, worker:NUMBER or operation:ID.';
