//! How much stands where, counted up to a bound: enough to see that something piles up, cheap however much it is.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A queue: what is set on it, and what stands in it.
#[derive(Debug)]
pub(crate) struct StandRow {
    pub(crate) name: String,
    pub(crate) at_once_max: Option<i32>,
    pub(crate) fair: bool,
    pub(crate) latency_target_ms: Option<i32>,
    pub(crate) paused_at: Option<DateTime<Utc>>,
    pub(crate) pause_reason: Option<String>,
    pub(crate) pause_until: Option<DateTime<Utc>>,
    pub(crate) ready: i64,
    pub(crate) gated: i64,
    pub(crate) timed: i64,
    pub(crate) parked: i64,
    pub(crate) running: i64,
    /// The job that comes next: one look into the index.
    pub(crate) next: Option<Uuid>,
    pub(crate) now: DateTime<Utc>,
}

/// All queues by name, with what is set on them (a pause that is over counts as none) and how many jobs stand in them for
/// which reason; at most `rows_max` are counted for each. Those that wait for a signal alone are not among them: there is no
/// index to count them by, and none is worth its writes.
pub(crate) async fn queues_stand(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<Vec<StandRow>, sqlx::Error> {
    sqlx::query_as!(
        StandRow,
        r#"
        with timed as (
            select queue_id, count(*) as jobs
            from (select queue_id from trunkline.waits where due is not null order by due limit $1) w
            group by queue_id
        ), parked as (
            select queue_id, count(*) as jobs
            from (select queue_id from trunkline.waits where state = 'parked' limit $1) w
            group by queue_id
        )
        select q.name, q.at_once_max, q.fair, q.latency_target_ms,
               case when q.is_paused then q.paused_at end as paused_at,
               case when q.is_paused then q.pause_reason end as pause_reason,
               case when q.is_paused then q.pause_until end as pause_until,
               (select count(*) from (
                    select from trunkline.ready r where r.queue_id = q.queue_id limit $1) t) as "ready!",
               (select count(*) from (
                    select from trunkline.waits w where w.blocked and w.queue_id = q.queue_id limit $1) t) as "gated!",
               coalesce(t.jobs, 0) as "timed!", coalesce(p.jobs, 0) as "parked!",
               (select count(*) from (
                    select from trunkline.leases l where l.queue_id = q.queue_id limit $1) t) as "running!",
               (select r.job_id from trunkline.ready r
                where r.queue_id = q.queue_id order by r.priority, r.job_id limit 1) as next,
               trunkline.now() as "now!"
        from (select *, paused_at is not null and coalesce(pause_until > trunkline.now(), true) as is_paused
              from trunkline.queues) q
        left join timed t using (queue_id)
        left join parked p using (queue_id)
        order by q.name
        "#,
        rows_max,
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
