//! How much stands where, counted up to a bound: enough to see that something piles up, cheap however much it is.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// What stands in a queue for one reason.
#[derive(Debug)]
pub(crate) struct DepthRow {
    pub(crate) queue: String,
    pub(crate) reason: String,
    pub(crate) jobs: i64,
}

/// Jobs that are not running, by queue and reason; at most `rows_max` are counted for each. Those that wait for a signal
/// alone are not among them: there is no index to count them by, and none is worth its writes.
pub(crate) async fn depths(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<Vec<DepthRow>, sqlx::Error> {
    sqlx::query_as!(
        DepthRow,
        r#"
        with queue as materialized (
            select queue_id, name, paused_at is not null and coalesce(pause_until > trunkline.now(), true) as paused
            from trunkline.queues
        ), ready as (
            select q.name, case when q.paused then 'queue_paused' else 'ready' end as reason,
                   (select count(*) from (
                        select from trunkline.ready r where r.queue_id = q.queue_id limit $1) t) as jobs
            from queue q
        ), gated as (
            select q.name, 'gates' as reason,
                   (select count(*) from (
                        select from trunkline.waits w where w.blocked and w.queue_id = q.queue_id limit $1) t) as jobs
            from queue q
        ), timed as (
            select q.name, 'time' as reason, count(*) as jobs
            from (select queue_id from trunkline.waits where due is not null order by due limit $1) w
            join queue q on q.queue_id = w.queue_id
            group by q.name
        ), parked as (
            select q.name, 'parked' as reason, count(*) as jobs
            from (select queue_id from trunkline.waits where state = 'parked' limit $1) w
            join queue q on q.queue_id = w.queue_id
            group by q.name
        )
        select name as "queue!", reason as "reason!", jobs as "jobs!"
        from (select * from ready union all select * from gated union all select * from timed
              union all select * from parked) t
        "#,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// The job that comes next in a queue, and what is promised there.
#[derive(Debug)]
pub(crate) struct NextRow {
    pub(crate) queue: String,
    pub(crate) latency_target_ms: Option<i32>,
    pub(crate) job_id: Option<Uuid>,
    pub(crate) now: DateTime<Utc>,
}

/// The first of what is ready in each queue: one look into the index for each.
pub(crate) async fn next_of_queues(conn: &mut PgConnection) -> Result<Vec<NextRow>, sqlx::Error> {
    sqlx::query_as!(
        NextRow,
        r#"
        select q.name as queue, q.latency_target_ms, trunkline.now() as "now!",
               (select r.job_id from trunkline.ready r
                where r.queue_id = q.queue_id order by r.priority, r.job_id limit 1) as job_id
        from trunkline.queues q
        "#
    )
    .fetch_all(conn)
    .await
}

/// The first job of some lanes: queue and job.
pub(crate) async fn lane_heads(
    conn: &mut PgConnection,
    lanes_max: i64,
) -> Result<Vec<(String, Uuid)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        with recursive found as (
            select q.queue_id, q.name, f.lane, f.job_id, 1::int8 as place
            from trunkline.queues q
            cross join lateral (
                select w.lane, w.job_id from trunkline.waits w
                where w.blocked and w.queue_id = q.queue_id
                order by w.lane, w.priority, w.job_id limit 1) f
            union all
            select l.queue_id, l.name, f.lane, f.job_id, l.place + 1
            from found l
            cross join lateral (
                select w.lane, w.job_id from trunkline.waits w
                where w.blocked and w.queue_id = l.queue_id and w.lane > l.lane
                order by w.lane, w.priority, w.job_id limit 1) f
            where l.place < $1
        )
        select name as "name!", job_id as "job_id!" from found order by place limit $1
        "#,
        lanes_max,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.job_id)).collect())
}
