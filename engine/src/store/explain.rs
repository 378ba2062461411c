//! What is to be known about a job that is not running: from the rows that keep it, bounded everywhere.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// Where a job stands, and what is set on its queue.
#[derive(Debug)]
pub(crate) struct PlaceRow {
    pub(crate) queue_id: i16,
    pub(crate) kind_id: i16,
    pub(crate) priority: i16,
    pub(crate) lane: Option<Uuid>,
    pub(crate) gates: Option<Value>,
    pub(crate) paused: bool,
    pub(crate) pause_reason: Option<String>,
    pub(crate) pause_until: Option<DateTime<Utc>>,
    pub(crate) at_once_max: Option<i32>,
    pub(crate) ended: Option<String>,
    pub(crate) worker: Option<String>,
    pub(crate) is_ready: bool,
    pub(crate) wait: Option<String>,
    pub(crate) blocked: Option<bool>,
    pub(crate) due: Option<DateTime<Utc>>,
    pub(crate) reason: Option<String>,
    pub(crate) wakes: Option<Vec<String>>,
    pub(crate) now: DateTime<Utc>,
}

/// Looks a job up, wherever it stands.
pub(crate) async fn place_of(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<PlaceRow>, sqlx::Error> {
    sqlx::query_as!(
        PlaceRow,
        r#"
        select j.queue_id as "queue_id!", j.kind_id as "kind_id!", j.priority as "priority!",
               coalesce(w.lane, j.lane) as lane, j.gates, trunkline.now() as "now!",
               (q.paused_at is not null and coalesce(q.pause_until > trunkline.now(), true)) as "paused!",
               q.pause_reason, q.pause_until, q.at_once_max, o.state as "ended?", x.name as "worker?",
               r.job_id is not null as "is_ready!", w.state as "wait?", w.blocked as "blocked?", w.due as "due?",
               w.reason as "reason?", w.wakes as "wakes?"
        from trunkline.jobs j
        join trunkline.queues q on q.queue_id = j.queue_id
        left join trunkline.outcomes o on o.job_id = j.job_id and o.retention = j.retention
        left join trunkline.leases l on l.job_id = j.job_id
        left join trunkline.workers x on x.worker_id = l.worker_id
        left join trunkline.ready r on r.queue_id = j.queue_id and r.priority = j.priority and r.job_id = j.job_id
        left join trunkline.waits w on w.job_id = j.job_id
        where j.job_id = $1
        "#,
        job_id,
    )
    .fetch_optional(conn)
    .await
}

/// What stands between a job and a worker.
#[derive(Debug)]
pub(crate) struct CrowdRow {
    /// Live workers that serve its queue, and those of them that know its kind. A worker that does not say counts for all.
    pub(crate) serve: i64,
    pub(crate) know: i64,
    /// Jobs before it, in what is ready or in its lane.
    pub(crate) before: i64,
    /// Jobs of its queue that run, where that is limited.
    pub(crate) running: i64,
}

/// Looks at what stands between a job and a worker; at most `rows_max` jobs are counted before it.
pub(crate) async fn crowd_of(
    conn: &mut PgConnection,
    job_id: Uuid,
    place: &PlaceRow,
    rows_max: i64,
) -> Result<CrowdRow, sqlx::Error> {
    let lane = place.lane.filter(|_| !place.is_ready && place.blocked == Some(true));
    sqlx::query_as!(
        CrowdRow,
        r#"
        select w.serve as "serve!", w.know as "know!",
               case when $5 then (
                        select count(*) from (
                            select from trunkline.ready r
                            where r.queue_id = $2 and (r.priority, r.job_id) < ($4, $1)
                            order by r.priority, r.job_id limit $8) t)
                    when $6::uuid is not null then (
                        select count(*) from (
                            select from trunkline.waits b
                            where b.blocked and b.queue_id = $2 and b.lane = $6 and (b.priority, b.job_id) < ($4, $1)
                            order by b.priority, b.job_id limit $8) t)
                    else 0 end as "before!",
               (select count(*) from (
                    select from trunkline.leases l where l.queue_id = $2 limit coalesce($7::int4, 0)) t) as "running!"
        from (select count(*) filter (where coalesce($2 = any (queue_ids), true)) as serve,
                     count(*) filter (where coalesce($2 = any (queue_ids), true) and coalesce($3 = any (kind_ids), true))
                         as know
              from trunkline.workers where expires_at > trunkline.now() and not draining) w
        "#,
        job_id,
        place.queue_id,
        place.kind_id,
        place.priority,
        place.is_ready,
        lane,
        place.at_once_max,
        rows_max,
    )
    .fetch_one(conn)
    .await
}

/// Where a gate stands, and some of those who have passed it.
#[derive(Debug)]
pub(crate) struct GateView {
    pub(crate) gate_id: Uuid,
    pub(crate) next_at: Option<DateTime<Utc>>,
    pub(crate) breaker: Option<Value>,
    pub(crate) running: i64,
    pub(crate) holders: Vec<Uuid>,
    pub(crate) has: bool,
}

/// The gates of a job, as they stand, without locking them.
pub(crate) async fn gates_view(
    conn: &mut PgConnection,
    gate_ids: &[Uuid],
    job_id: Uuid,
    holders_max: i64,
) -> Result<Vec<GateView>, sqlx::Error> {
    sqlx::query_as!(
        GateView,
        r#"
        select i.gate_id as "gate_id!", g.next_at as "next_at?", g.breaker as "breaker?",
               (select count(*) from trunkline.permits p where p.gate_id = i.gate_id and p.granted_at is not null)
                   as "running!",
               array(select p.job_id from trunkline.permits p
                     where p.gate_id = i.gate_id and p.granted_at is not null
                     order by p.asked_at, p.job_id limit $3) as "holders!",
               exists (select from trunkline.permits p where p.gate_id = i.gate_id and p.job_id = $2
                       and p.granted_at is not null) as "has!"
        from unnest($1::uuid[]) as i (gate_id)
        left join trunkline.gates g on g.gate_id = i.gate_id
        "#,
        gate_ids,
        job_id,
        holders_max,
    )
    .fetch_all(conn)
    .await
}
