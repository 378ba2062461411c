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

-- ---------------------------------------------------------------- pieces of the history

-- As before, and: a new piece is analysed at once, since autovacuum looks at it only when it has filled; and a piece whose
-- range has rows in the DEFAULT partition, which cannot be made any more, is left out instead of holding up all others.
create or replace function trunkline.partitions_make(at timestamptz, ahead integer) returns integer
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

-- A live run whose id lies below this one, if there is any. Leases and waits are indexed by it; `ready` is small.
create function trunkline.runs_live_below(ceiling uuid) returns uuid
    language sql stable security definer set search_path = pg_catalog, trunkline as $$
    select coalesce(
        (select job_id from trunkline.waits where job_id < ceiling limit 1),
        (select job_id from trunkline.leases where job_id < ceiling limit 1),
        (select job_id from trunkline.ready where job_id < ceiling limit 1))
$$;
revoke all on function trunkline.runs_live_below(uuid) from public;

-- Drops at most one piece of the history, in all five tables at once, so that a run goes as a whole. A piece may go when
-- * every id in it is below that of the oldest live run, less a day: a run's children have ids of other machines' clocks;
-- * and every run in it ended longer ago than its class is kept: one that slept for months is kept from its end.
-- Several processes at once are safe: one of them does it. It waits for no lock longer than the caller's lock_timeout.
-- `dropped` is the piece's name; `held_by` a live run that keeps an old piece from going.
create function trunkline.partitions_drop(keep interval[], out dropped text, out held_by uuid)
    language plpgsql security definer set search_path = pg_catalog, trunkline as $$
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
$$;
revoke all on function trunkline.partitions_drop(interval[]) from public;
grant execute on function trunkline.runs_live_below(uuid), trunkline.partitions_drop(interval[]) to trunkline_app;

-- ---------------------------------------------------------------- who keeps deleted rows from being cleared away

-- Whoever has a snapshot open; no text of a statement. With the owner's rights: the application may see only sessions of
-- its own role. An owner without pg_read_all_stats sees less, too (docs/metrics.md).
create function trunkline.snapshot_holders()
    returns table (kind text, pid integer, name text, state text, since timestamptz, xid xid)
    language sql stable security definer set search_path = pg_catalog, trunkline as $$
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
revoke all on function trunkline.snapshot_holders() from public;
grant execute on function trunkline.snapshot_holders() to trunkline_app;
