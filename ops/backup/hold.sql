-- Holds every worker of a database that came back from a backup: all queues are paused, so that whoever starts claims nothing.
-- ops/backup/restore runs it before anybody can connect. For a database that came back in another way, before its address is
-- told to anybody:
--   psql -X -v ON_ERROR_STOP=1 -d trunkline -f ops/backup/hold.sql
-- ops/backup/reconcile ends it, for exactly these queues. Twice is once. An empty line ends each statement: Postgres without a
-- server reads it so.

with open as (
    -- One that an operator had paused without an end stays theirs.
    select queue_id, name, paused_at, pause_reason, pause_until from trunkline.queues
    where paused_at is null or pause_until is not null
), newest as (
    select max(created_at) as at from trunkline.jobs
), noted as (
    insert into trunkline.audit (actor, action, subject, reason, details)
    select 'ops/backup/hold.sql', 'queue.paused', 'queue:' || open.name,
           'restored from a backup; next is ops/backup/reconcile',
           jsonb_build_object('newest_job_at', newest.at,
               'restored_to', nullif(current_setting('recovery_target_time'), ''),
               'was', case when open.paused_at is not null then
                   jsonb_build_object('at', open.paused_at, 'reason', open.pause_reason, 'until', open.pause_until) end)
    from open cross join newest
)
update trunkline.queues as q
set paused_at = trunkline.now(), pause_until = null,
    pause_reason = 'restored from a backup; next is ops/backup/reconcile'
from open where open.queue_id = q.queue_id;

select 'all' as held where not exists (select from trunkline.queues where paused_at is null or pause_until is not null);

