//! Cancelling, from each of the places where a job can stand.
//!
//! A request about a job that runs is a row in `cancels`, not a mark on its lease: it belongs to a caller's transaction,
//! and the committer must not wait for that. Who asks looks again after the commit, and a sweep finds what a crash leaves
//! in between, as with signals.

use sqlx::PgConnection;
use uuid::Uuid;

/// Ends a job that has never run and was born with no deed: nothing has to be taken back. Returns whether it was one.
pub(crate) async fn cancel_unstarted(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        with job as (
            select queue_id, priority from trunkline.jobs where job_id = $1 and not has_deed
        ), from_ready as (
            delete from trunkline.ready r using job
            where r.queue_id = job.queue_id and r.priority = job.priority and r.job_id = $1 and r.epoch = 0
            returning r.job_id, r.retention, r.attempt
        ), from_waits as (
            delete from trunkline.waits w using job where w.job_id = $1 and w.epoch = 0
            returning w.job_id, w.retention, w.attempt
        )
        insert into trunkline.outcomes (job_id, retention, state, epoch, attempt)
        select job_id, retention, 'cancelled', 0, attempt
        from (select * from from_ready union all select * from from_waits) as gone
        "#,
        job_id,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Has a worker see to a job that has run before and stands still now. Returns its queue, if it was one.
pub(crate) async fn cancel_resting(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<i16>, sqlx::Error> {
    let in_ready = sqlx::query_scalar!(
        "update trunkline.ready r set course = greatest(r.course, 1::int2)
         from (select queue_id, priority from trunkline.jobs where job_id = $1) as job
         where r.queue_id = job.queue_id and r.priority = job.priority and r.job_id = $1
         returning r.queue_id",
        job_id,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if in_ready.is_some() {
        return Ok(in_ready);
    }
    // One that is being undone already goes on with that; parked, it waits for its person.
    sqlx::query_scalar!(
        r#"
        with gone as (delete from trunkline.waits where job_id = $1 and course = 0 returning *)
        insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course,
                                     lane)
        select job_id, epoch, queue_id, kind_id, priority, attempt, 0, retention, 1, lane from gone -- no gate for ending
        returning queue_id
        "#,
        job_id,
    )
    .fetch_optional(conn)
    .await
}

/// Where a live job stands, read without a lock.
#[derive(Debug)]
pub(crate) struct Stand {
    pub(crate) course: i16,
    pub(crate) running: bool,
}

/// Where a job stands and which way it goes; `None`: in no place, at this moment.
pub(crate) async fn stand_of(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<Stand>, sqlx::Error> {
    sqlx::query_as!(
        Stand,
        r#"
        select course as "course!", true as "running!" from trunkline.leases where job_id = $1
        union all
        select course, false from trunkline.waits where job_id = $1
        union all
        select r.course, false
        from trunkline.jobs j
        join trunkline.ready r on r.queue_id = j.queue_id and r.priority = j.priority and r.job_id = j.job_id
        where j.job_id = $1
        "#,
        job_id,
    )
    .fetch_optional(conn)
    .await
}

/// Writes down that somebody wants a job cancelled. The last request counts.
pub(crate) async fn cancel_ask(
    conn: &mut PgConnection,
    job_id: Uuid,
    mode: &str,
    forced: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into trunkline.cancels (job_id, mode, forced) values ($1, $2, $3)
         on conflict (job_id) do update
             set mode = excluded.mode, forced = excluded.forced, asked_at = excluded.asked_at",
        job_id,
        mode,
        forced,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets the request: the job begins anew.
pub(crate) async fn cancel_forget(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from trunkline.cancels where job_id = $1", job_id).execute(conn).await?;
    Ok(())
}

/// How a job is to be cancelled.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) mode: String,
    pub(crate) forced: bool,
}

/// How somebody wants a job cancelled, if somebody does.
pub(crate) async fn cancel_request(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<Request>, sqlx::Error> {
    sqlx::query_as!(Request, "select mode, forced from trunkline.cancels where job_id = $1", job_id)
        .fetch_optional(conn)
        .await
}

/// A job in a worker's hands that somebody wants cancelled, or that it has no more.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) job_id: Uuid,
    /// It was terminated or recalled: the worker has it no more.
    pub(crate) gone: bool,
}

/// Which of the jobs in a worker's hands somebody wants cancelled, and which it has no more. One that it has just ended
/// may be among the latter.
pub(crate) async fn cancels_asked(
    conn: &mut PgConnection,
    worker_id: i32,
    in_hand: &[Uuid],
) -> Result<Vec<Asked>, sqlx::Error> {
    sqlx::query_as!(
        Asked,
        r#"
        select c.job_id as "job_id!",
               (c.mode = 'terminate' and not exists (
                   select from trunkline.leases l where l.job_id = c.job_id and l.worker_id = $1)) as "gone!"
        from trunkline.cancels c
        where c.job_id = any ($2)
        union all
        select h.job_id, true
        from unnest($2::uuid[]) as h (job_id)
        left join lateral ( -- one look into the index for each
            select true as held from trunkline.leases l where l.job_id = h.job_id and l.worker_id = $1 limit 1) l on true
        where l.held is null
        "#,
        worker_id,
        in_hand,
    )
    .fetch_all(conn)
    .await
}

/// A job that was ended from outside.
#[derive(Debug)]
pub(crate) struct Terminated {
    pub(crate) epoch: i32,
}

/// Ends a job at once, wherever it stands: its token goes, its ledger stays as it is. One that is being undone only if
/// forced. `None`: it is nowhere that it could be ended from, or a worker is just writing; the sweep asks again.
pub(crate) async fn cancel_terminate(
    conn: &mut PgConnection,
    job_id: Uuid,
    forced: bool,
) -> Result<Option<Terminated>, sqlx::Error> {
    sqlx::query_as!(
        Terminated,
        r#"
        with job as (
            select queue_id, priority from trunkline.jobs where job_id = $1
        ), lease as materialized (
            select job_id from trunkline.leases
            where job_id = $1 and (course < 2 or $2)
            for update skip locked -- a worker's last write is on its way: it must not wait for us, nor we for it
        ), from_leases as (
            delete from trunkline.leases l using lease where l.job_id = lease.job_id
            returning l.job_id, l.retention, l.epoch, l.attempt
        ), from_waits as (
            delete from trunkline.waits w where w.job_id = $1 and (w.course < 2 or $2)
            returning w.job_id, w.retention, w.epoch, w.attempt
        ), from_ready as (
            delete from trunkline.ready r using job
            where r.queue_id = job.queue_id and r.priority = job.priority and r.job_id = $1 and (r.course < 2 or $2)
            returning r.job_id, r.retention, r.epoch, r.attempt
        ), gone as (
            select * from from_leases union all select * from from_waits union all select * from from_ready
        ), freed as (
            delete from trunkline.permits p where p.job_id = any (array(select job_id from gone))
        )
        insert into trunkline.outcomes (job_id, retention, state, epoch, attempt, kept)
        select g.job_id, g.retention, 'cancelled', g.epoch, g.attempt,
               exists (select from trunkline.effects e
                       where e.job_id = g.job_id and e.retention = g.retention
                         and e.state in ('intent', 'unknown', 'done'))
        from gone g
        returning epoch
        "#,
        job_id,
        forced,
    )
    .fetch_optional(conn)
    .await
}

/// Requests that can be acted upon, because the job stands still, or has to go at once: whoever asked died between its
/// commit and its look, or the job came to rest in just that moment.
pub(crate) async fn cancels_sweep(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select c.job_id
        from trunkline.cancels c
        -- One look into an index for each request: as EXISTS, all that is ready is put into a hash table to look for none.
        left join lateral (select course from trunkline.waits where job_id = c.job_id limit 1) w on true
        left join lateral (select queue_id, priority from trunkline.jobs where job_id = c.job_id limit 1) j on true
        left join lateral (
            select course from trunkline.ready
            where queue_id = j.queue_id and priority = j.priority and job_id = c.job_id limit 1) r on true
        left join lateral (select course from trunkline.leases where job_id = c.job_id limit 1) l on true
        where w.course = 0 or c.mode = 'terminate' and (w.course < 2 or w.course is not null and c.forced)
           or r.course = 0 or c.mode = 'terminate' and (r.course < 2 or r.course is not null and c.forced)
           or c.mode = 'terminate' and (l.course < 2 or l.course is not null and c.forced)
        limit $1
        "#,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// Forgets requests about jobs that have ended. Not at once: a worker that still has a terminated one in hand hears of it
/// from here. At most `rows_max`.
pub(crate) async fn cancels_expire(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from trunkline.cancels where job_id in (
             select c.job_id from trunkline.cancels c
             cross join lateral (select from trunkline.outcomes where job_id = c.job_id limit 1) o
             where c.asked_at < trunkline.now() - interval '2 minutes'
             limit $1
             for update of c skip locked)",
        rows_max,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The children that a job has started, by its ledger, but for those that it has taken back and those that were declared
/// to go on without it.
pub(crate) async fn cancel_children(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select (output #>> '{}')::uuid as "child!" from trunkline.effects
           where job_id = $1 and form = 'child' and state = 'done'
             and input ->> 'when_parent_ends' is distinct from 'leave_alone'
           order by seq"#,
        job_id,
    )
    .fetch_all(conn)
    .await
}

/// What has to be seen to when a job ends outside a worker.
#[derive(Debug)]
pub(crate) struct Concerns {
    pub(crate) parent_id: Option<Uuid>,
    pub(crate) unique_key: Option<Vec<u8>>,
}

/// Whom a job concerns. `None`: there is no such job.
pub(crate) async fn concerns_of(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<Concerns>, sqlx::Error> {
    sqlx::query_as!(
        Concerns,
        "select parent_id, unique_key from trunkline.jobs where job_id = $1",
        job_id
    )
    .fetch_optional(conn)
    .await
}
