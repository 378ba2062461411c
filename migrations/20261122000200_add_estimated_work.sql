-- How much work stands in each queue, in seconds, for whoever decides how many workers there are: how long jobs of each kind
-- take, as workers write it down, and a function over it and over what is ready and running. See docs/decisions/0033.
-- Processes of the version before go on: they write down nothing, and what they run counts by its kind's mean of the others, or
-- a second. Undone by dropping what is created here.

-- ---------------------------------------------------------------- how long jobs take

create table trunkline.paces (
    kind_id smallint not null references trunkline.kinds,
    slice_at timestamptz not null,
    attempts bigint not null constraint somebody_tried check (attempts > 0),
    busy_ms bigint not null constraint time_goes_forward check (busy_ms >= 0),
    constraint paces_key primary key (kind_id, slice_at)
) with (fillfactor = 50);
comment on table trunkline.paces is 'Attempts that ended, and how long they held a worker''s place, by kind and five minutes. Kept for a day.';
comment on column trunkline.paces.busy_ms is 'From each claim to the commit of how it ended, added up.';

grant select, insert, update, delete on trunkline.paces to trunkline_app;

-- ---------------------------------------------------------------- how much there is to do

-- Seconds of a worker's places that the queue's jobs will take: those that are ready and those that run, each by the mean of
-- its kind in the last quarter of an hour, else of the last day, else of all kinds, else a second. One that runs counts whole:
-- how much of it is left nobody knows. What is paused counts only as far as it runs, what waits for an instant, a signal or a
-- gate does not count, and of a queue with a limit only as many as may run at once: for none of these would another worker be
-- of use. At most `jobs_max` ready jobs of each queue are counted.
-- Stable: queries of others are built on its name and columns, and a later version may only add to them.
create function trunkline.estimated_work(jobs_max integer default 100000)
    returns table (queue text, ready_jobs bigint, running_jobs bigint, work_seconds double precision)
    language sql stable security definer set search_path = pg_catalog, trunkline as $$
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
revoke all on function trunkline.estimated_work(integer) from public;
grant execute on function trunkline.estimated_work(integer) to trunkline_app;

-- ---------------------------------------------------------------- who may ask

-- A role for autoscalers: it may ask this one question, and read no table. The owner may not make roles, as a rule: then
-- ops/postgres/roles.sh has made it, or does so later, and gives it the same rights.
do $$
begin
    if not exists (select from pg_roles where rolname = 'trunkline_metrics') then
        begin
            create role trunkline_metrics login nosuperuser nobypassrls connection limit 5;
        exception when insufficient_privilege then
            return;
        end;
    end if;
    grant usage on schema trunkline to trunkline_metrics;
    grant execute on function trunkline.estimated_work(integer) to trunkline_metrics;
end
$$;
