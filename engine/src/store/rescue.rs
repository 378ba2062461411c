//! Taking jobs back from workers that went silent.

use sqlx::{PgConnection, postgres::types::PgInterval};

/// What was done with a lease whose worker went silent.
#[derive(Debug)]
pub(crate) struct Rescued {
    pub(crate) queue_id: i16,
    pub(crate) parked: bool,
}

/// Returns the jobs of workers that went silent, whether or not their rows are still there. A job that has cost
/// `crashes_max` workers without progress is parked: it would cost the next one too. From the `apart_from`-th on each goes back
/// at an instant of its own, within `apart` times the square of the workers it has cost, and before its deadline. Permits stay
/// with it: nobody else may run in its place while the silent one may still be at work.
pub(crate) async fn leases_rescue(
    conn: &mut PgConnection,
    crashes_max: i16,
    apart_from: i16,
    apart: PgInterval,
    rows_max: i64,
) -> Result<Vec<Rescued>, sqlx::Error> {
    sqlx::query_as!(
        Rescued,
        r#"
        with lost as materialized (
            select l.job_id
            from trunkline.leases l
            where not exists (
                select from trunkline.workers w where w.worker_id = l.worker_id and w.expires_at > trunkline.now())
            limit $2
            for update of l skip locked -- another rescuer has it, or a last write is on its way
        ), gone as (
            delete from trunkline.leases l using lost where l.job_id = lost.job_id
            returning l.*, exists (select from trunkline.cancels c where c.job_id = l.job_id) as cancel_wanted,
                      -- One that has got further since its claim begins to be counted anew: it does not cost every worker.
                      case when exists (select from trunkline.checkpoints c
                                        where c.job_id = l.job_id and c.retention = l.retention
                                          and c.finished_at >= l.claimed_at)
                             or exists (select from trunkline.effects e
                                        where e.job_id = l.job_id and e.retention = l.retention
                                          and greatest(e.finished_at, e.undone_at) >= l.claimed_at)
                           then 0 else l.crashes end as lost_before
        ), noted as (
            insert into trunkline.failures (job_id, retention, failure_id, phase, attempt, class, error)
            select job_id, retention, gen_random_uuid(), case when course > 1 then 'undo' else 'do' end,
                   attempt + 1, 'lost_worker', 'worker ' || worker_id || ' went silent'
            from gone
        ), back as (
            insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention,
                                         course, lane)
            select job_id, epoch, queue_id, kind_id, priority, attempt, lost_before + 1, retention,
                   case when cancel_wanted and course = 0 then 1 else course end, lane
            from gone
            where lost_before + 1 < $1 and (lane is null or course > 0 or cancel_wanted)
              and (lost_before + 1 < $3 or course > 1 or cancel_wanted)
        ), apart as (
            -- A limited one comes before its gates when it is due.
            insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes,
                                         retention, course, lane)
            select g.job_id, least(trunkline.now() + random() * (lost_before + 1) ^ 2 * $4::interval, j.deadline_at),
                   'scheduled', 'it has cost ' || lost_before + 1 || ' workers: the next time apart from its neighbours',
                   g.epoch, g.queue_id, g.kind_id, g.priority, g.attempt, lost_before + 1, g.retention, g.course, g.lane
            from gone g join trunkline.jobs j on j.job_id = g.job_id and j.retention = g.retention
            where lost_before + 1 < $1 and lost_before + 1 >= $3 and course < 2 and not cancel_wanted
        ), blocked as (
            insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes,
                                         retention, course, lane, blocked)
            select job_id,
                   (select least(j.deadline_at, case when g.epoch = 0 then j.expires_at end) from trunkline.jobs j
                    where j.job_id = g.job_id and j.retention = g.retention),
                   'waiting', 'before its gates', epoch, queue_id, kind_id, priority, attempt, lost_before + 1, retention,
                   course, lane, true
            from gone g
            where lost_before + 1 < $1 and lost_before + 1 < $3 and lane is not null and course = 0 and not cancel_wanted
        ), parked as (
            insert into trunkline.waits (job_id, state, cause, reason, epoch, queue_id, kind_id, priority, attempt,
                                         crashes, retention, course, lane)
            select job_id, 'parked', 'poison', 'poison: ' || lost_before + 1 || ' workers were lost while running it',
                   epoch, queue_id, kind_id, priority, attempt, lost_before + 1, retention, course, lane
            from gone
            where lost_before + 1 >= $1
        ), freed as (
            delete from trunkline.permits p
            where p.form <> 'hold'
              and p.job_id = any (array(select job_id from gone where lane is not null and lost_before + 1 >= $1))
        )
        select queue_id, (lost_before + 1 >= $1) as "parked!" from gone
        "#,
        i32::from(crashes_max),
        rows_max,
        i32::from(apart_from),
        apart,
    )
    .fetch_all(conn)
    .await
}
