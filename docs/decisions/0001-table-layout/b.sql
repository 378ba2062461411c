-- Layout (b): insert-only jobs and outcomes, partitioned; what may run and what runs are tokens in tiny tables.
create table jobs (
  job_id uuid not null, retention smallint not null, queue_id smallint not null, priority smallint not null,
  run_at timestamptz not null default now(), created_at timestamptz not null default now(),
  kind text not null, args jsonb not null, primary key (job_id, retention)
) partition by list (retention);
call split('jobs');

create table outcomes (
  job_id uuid not null, retention smallint not null, state smallint not null, epoch int not null, attempt smallint not null,
  worker_id int, claimed_at timestamptz, finished_at timestamptz not null default now(), output jsonb,
  primary key (job_id, retention)
) partition by list (retention);
call split('outcomes');

create table ready (
  job_id uuid not null, queue_id smallint not null, priority smallint not null, retention smallint not null,
  attempt smallint not null, epoch int not null, primary key (queue_id, priority, job_id)
) with (fillfactor = 100, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000);

create table leases (
  job_id uuid primary key, claimed_at timestamptz not null default now(), worker_id int not null, epoch int not null,
  queue_id smallint not null, priority smallint not null, retention smallint not null, attempt smallint not null
) with (fillfactor = 100, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000);

create table waits (
  due timestamptz not null, job_id uuid not null, retention smallint not null, queue_id smallint not null,
  priority smallint not null, epoch int not null, attempt smallint not null, primary key (due, job_id)
);

create procedure enqueue(total int, batch int, ordered bool, inout seconds float8) language plpgsql as $$
declare ids uuid[]; args_ jsonb[] := array_fill(payload(), array[batch]); t timestamptz;
begin
  seconds := 0;
  for i in 1..total / batch loop
    ids := make_ids(batch, ordered);
    t := clock_timestamp();
    with cold as (
      insert into jobs (job_id, retention, queue_id, priority, kind, args)
        select id, 1, 1, 0, 'send_sms', arg from unnest(ids, args_) n(id, arg)
    )
    insert into ready (job_id, queue_id, priority, retention, attempt, epoch) select id, 1, 0, 1, 0, 0 from unnest(ids) n(id);
    commit;
    seconds := seconds + extract(epoch from clock_timestamp() - t);
  end loop;
end $$;

create procedure drain(batch int, mode text, hint bool, at_most int,
  inout jobs int, inout claiming float8, inout finishing float8) language plpgsql as $$
declare ids uuid[]; epochs int[]; classes smallint[]; kinds text[]; payloads jsonb[]; t timestamptz;
  floor_ uuid := '00000000-0000-0000-0000-000000000000'; me int := pg_backend_pid();
begin
  jobs := 0; claiming := 0; finishing := 0;
  while jobs < at_most loop
    t := clock_timestamp();
    if mode <> 'lookup' then
      with pick as materialized (
        select ctid from ready
        where queue_id = 1 and (priority, job_id) >= (0::smallint, floor_)
        order by queue_id, priority, job_id limit batch for update skip locked
      ), gone as (
        delete from ready where ctid = any (array(select ctid from pick))
        returning job_id, queue_id, priority, retention, attempt, epoch
      ), leased as (
        insert into leases (job_id, worker_id, epoch, queue_id, priority, retention, attempt)
          select job_id, me, epoch + 1, queue_id, priority, retention, attempt + 1 from gone
        returning job_id, retention, epoch
      )
      select array_agg(l.job_id order by l.job_id), array_agg(l.epoch order by l.job_id),
             array_agg(j.kind order by l.job_id), array_agg(j.args order by l.job_id)
        into ids, epochs, kinds, payloads from leased l join jobs j on j.job_id = l.job_id and j.retention = l.retention;
    else -- the same claim, the jobs read by a statement of their own
      with pick as materialized (
        select ctid from ready
        where queue_id = 1 and (priority, job_id) >= (0::smallint, floor_)
        order by queue_id, priority, job_id limit batch for update skip locked
      ), gone as (
        delete from ready where ctid = any (array(select ctid from pick))
        returning job_id, queue_id, priority, retention, attempt, epoch
      ), leased as (
        insert into leases (job_id, worker_id, epoch, queue_id, priority, retention, attempt)
          select job_id, me, epoch + 1, queue_id, priority, retention, attempt + 1 from gone
        returning job_id, retention, epoch
      )
      select array_agg(job_id order by job_id), array_agg(epoch order by job_id), array_agg(distinct retention)
        into ids, epochs, classes from leased;
      select array_agg(kind order by job_id), array_agg(args order by job_id)
        into kinds, payloads from jobs where job_id = any (ids) and retention = any (classes);
    end if;
    commit;
    claiming := claiming + extract(epoch from clock_timestamp() - t);
    exit when ids is null;
    if hint then floor_ := ids[cardinality(ids)]; end if;
    t := clock_timestamp();
    if mode = 'fenced' then -- LIMIT 1 keeps the join order whatever the statistics say
      with gone as (
        delete from leases l where l.ctid = any (array(
          select found.at from unnest(ids, epochs) d(id, e),
            lateral (select x.ctid from leases x where x.job_id = d.id and x.epoch = d.e limit 1) found(at)))
        returning l.job_id, l.retention, l.epoch, l.attempt, l.worker_id, l.claimed_at
      )
      insert into outcomes (job_id, retention, state, epoch, attempt, worker_id, claimed_at)
        select job_id, retention, 3, epoch, attempt, worker_id, claimed_at from gone;
    elsif mode in ('keep', 'lookup') then
      with gone as (
        delete from leases l using unnest(ids, epochs) d(id, e) where l.job_id = d.id and l.epoch = d.e
        returning l.job_id, l.retention, l.epoch, l.attempt, l.worker_id, l.claimed_at
      )
      insert into outcomes (job_id, retention, state, epoch, attempt, worker_id, claimed_at)
        select job_id, retention, 3, epoch, attempt, worker_id, claimed_at from gone;
    elsif mode = 'forget' then -- no outcome; the job row goes when its partition is dropped
      delete from leases l using unnest(ids, epochs) d(id, e) where l.job_id = d.id and l.epoch = d.e;
    else
      with gone as (
        delete from leases l using unnest(ids, epochs) d(id, e) where l.job_id = d.id and l.epoch = d.e
        returning l.job_id, l.retention
      )
      delete from jobs j using gone g where j.job_id = g.job_id and j.retention = g.retention;
    end if;
    commit;
    finishing := finishing + extract(epoch from clock_timestamp() - t);
    jobs := jobs + cardinality(ids);
  end loop;
end $$;

-- Depth: `waiting` jobs that may not run and `finished` ones, all older than the backlog.
create procedure lay_depth(waiting int, finished int) language plpgsql as $$
declare ids uuid[];
begin
  for i in 1..(waiting + finished) / 10000 loop
    ids := make_ids(10000, true, 3600000);
    insert into jobs (job_id, retention, queue_id, priority, kind, args) select id, 1, 1, 0, 'send_sms', payload() from unnest(ids) n(id);
    if i <= waiting / 10000 then
      insert into waits select now() + interval '1 day', id, 1, 1, 0, 0, 0 from unnest(ids) n(id);
    else
      insert into outcomes (job_id, retention, state, epoch, attempt, worker_id, claimed_at) select id, 1, 3, 1, 1, 1, now() from unnest(ids) n(id);
    end if;
    commit;
  end loop;
end $$;
