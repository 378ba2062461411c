-- A million jobs as a busy system has them, for measuring: run by ops/console/measure as the schema's owner, on a database of
-- its own. Nine of ten have succeeded, 80,000 are dead letters of forty sorts, 10,000 were cancelled, 10,000 wait for their
-- time; some hundreds are parked. Each carries the time at which it was made in its id, as ids do.
begin;
create temporary table made on commit drop as
select n,
       at,
       (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3)
        || '8' || substr(md5(n::text), 4, 15))::uuid as job_id,
       case when n % 10 = 0 then 2 else 1 end::smallint as retention
from (select n, now() - interval '40 hours' + n * interval '0.14 seconds' as at from generate_series(1, :jobs) n) t;

create temporary table named on commit drop as
select (array_agg(kind_id order by kind_id))[1:8] as kinds,
       (select (array_agg(queue_id order by queue_id))[1:4] from trunkline.queues) as queues
from trunkline.kinds;

insert into trunkline.jobs (job_id, retention, kind_id, queue_id, args, tenant_id, created_at)
select job_id, retention, kinds[1 + n % cardinality(kinds)], queues[1 + n % cardinality(queues)],
       jsonb_build_object('n', n, 'key', md5(n::text)), null, at
from made, named;

insert into trunkline.outcomes (job_id, retention, state, epoch, attempt, error, finished_at)
select job_id, retention,
       case when n % 100 < 8 then 'failed' when n % 100 = 8 then 'cancelled' else 'succeeded' end, 1, n % 3,
       case when n % 100 < 8 then jsonb_build_object('message',
           format('message SM%s was refused by carrier %s with code 300%s', md5(n::text),
                  (array['east', 'west', 'north', 'south', 'sea'])[1 + n / 100 % 5], n % 100)) end,
       at + interval '2 seconds'
from made where n % 100 <> 9;

insert into trunkline.checkpoints (job_id, retention, key, form, output, attempt, started_at, finished_at)
select job_id, retention, 'step ' || s, 'step', '{}', 1, at + s * interval '0.1 seconds', at + s * interval '0.2 seconds'
from made, generate_series(1, 2) s where n % 5 = 0;

-- In one of hundred: a wait of a job that is to run in a month.
insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
select m.job_id, now() + interval '30 days', 'scheduled', 'enqueued for later', 0, j.queue_id, j.kind_id, 0, 0, 0, m.retention, 0
from made m join trunkline.jobs j using (job_id, retention) where n % 100 = 9 and n % 3000 <> 9;
insert into trunkline.waits (job_id, state, reason, cause, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
select m.job_id, 'parked', 'its handler broke', 'gave_up', 1, j.queue_id, j.kind_id, 0, 0, 0, m.retention, 0
from made m join trunkline.jobs j using (job_id, retention) where n % 3000 = 9;

insert into trunkline.audit (at, actor, action, job_id, reason, details)
select at, 'operator:filler', 'job.cancelled', job_id, 'filling', '{}' from made where n % 100 = 8;
insert into trunkline.inbox (provider, dedupe_key, object_key, received_at, payload, job_id)
select 'twilio', 'SM' || n || ':sent', 'SM' || n, at, '{"MessageStatus": "sent"}', job_id from made where n % 20 = 1;
commit;
analyze;
