-- Layout (a): one narrow live table with guarded updates, finished rows moved to a partitioned history.
create table jobs_live (
  job_id uuid primary key, queue_id smallint not null, state smallint not null, -- 0 ready, 1 running, 2 waiting
  priority smallint not null, retention smallint not null, epoch int not null default 0,
  attempt smallint not null default 0, worker_id int, run_at timestamptz not null default now(),
  created_at timestamptz not null default now(), claimed_at timestamptz, kind text not null, args jsonb not null
) with (fillfactor = :ff, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000);
create index jobs_live_ready on jobs_live (queue_id, priority, job_id) where state = 0;

create table history (
  job_id uuid not null, queue_id smallint not null, state smallint not null, priority smallint not null,
  retention smallint not null, epoch int not null, attempt smallint not null, worker_id int,
  created_at timestamptz not null, claimed_at timestamptz, finished_at timestamptz not null default now(),
  kind text not null, args jsonb not null, primary key (job_id, retention)
) partition by list (retention);
call split('history');

create procedure enqueue(total int, batch int, ordered bool, inout seconds float8) language plpgsql as $$
declare ids uuid[]; args_ jsonb[] := array_fill(payload(), array[batch]); t timestamptz;
begin
  seconds := 0;
  for i in 1..total / batch loop
    ids := make_ids(batch, ordered);
    t := clock_timestamp();
    insert into jobs_live (job_id, queue_id, state, priority, retention, kind, args)
      select id, 1, 0, 0, 1, 'send_sms', arg from unnest(ids, args_) n(id, arg);
    commit;
    seconds := seconds + extract(epoch from clock_timestamp() - t);
  end loop;
end $$;

create procedure drain(batch int, mode text, hint bool, at_most int,
  inout jobs int, inout claiming float8, inout finishing float8) language plpgsql as $$
declare ids uuid[]; epochs int[]; kinds text[]; payloads jsonb[]; t timestamptz;
  floor_ uuid := '00000000-0000-0000-0000-000000000000'; me int := pg_backend_pid();
begin
  jobs := 0; claiming := 0; finishing := 0;
  while jobs < at_most loop
    t := clock_timestamp();
    with pick as materialized (
      select ctid from jobs_live
      where state = 0 and queue_id = 1 and (priority, job_id) >= (0::smallint, floor_)
      order by queue_id, priority, job_id limit batch for update skip locked
    ), claimed as (
      update jobs_live set state = 1, epoch = epoch + 1, attempt = attempt + 1, worker_id = me, claimed_at = now()
      where ctid = any (array(select ctid from pick)) -- a further state = 0 here lures the planner into the whole ready index
      returning job_id, epoch, kind, args
    )
    select array_agg(job_id order by job_id), array_agg(epoch order by job_id),
           array_agg(kind order by job_id), array_agg(args order by job_id)
      into ids, epochs, kinds, payloads from claimed;
    commit;
    claiming := claiming + extract(epoch from clock_timestamp() - t);
    exit when ids is null;
    if hint then floor_ := ids[cardinality(ids)]; end if;
    t := clock_timestamp();
    if mode = 'keep' then
      with gone as (
        delete from jobs_live j using unnest(ids, epochs) d(id, e)
        where j.job_id = d.id and j.epoch = d.e and j.state = 1 returning j.*
      )
      insert into history (job_id, queue_id, state, priority, retention, epoch, attempt, worker_id, created_at, claimed_at, kind, args)
        select job_id, queue_id, 3, priority, retention, epoch, attempt, worker_id, created_at, claimed_at, kind, args from gone;
    else
      delete from jobs_live j using unnest(ids, epochs) d(id, e) where j.job_id = d.id and j.epoch = d.e and j.state = 1;
    end if;
    commit;
    finishing := finishing + extract(epoch from clock_timestamp() - t);
    jobs := jobs + cardinality(ids);
  end loop;
end $$;

-- Depth: `waiting` rows that may not run and `finished` ones, all older than the backlog.
create procedure lay_depth(waiting int, finished int) language plpgsql as $$
begin
  for i in 1..waiting / 10000 loop
    insert into jobs_live (job_id, queue_id, state, priority, retention, kind, args)
      select id, 1, 2, 0, 1, 'send_sms', payload() from unnest(make_ids(10000, true, 3600000)) n(id);
    commit;
  end loop;
  for i in 1..finished / 10000 loop
    insert into history (job_id, queue_id, state, priority, retention, epoch, attempt, worker_id, created_at, claimed_at, kind, args)
      select id, 1, 3, 0, 1, 1, 1, 1, now(), now(), 'send_sms', payload() from unnest(make_ids(10000, true, 7200000)) n(id);
    commit;
  end loop;
end $$;
