//! What may run now: claimed in order, in batches, without ever waiting for another claimer.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{loops::Planned, queues::queue_rooms};

/// A claimed job: its token and what it is.
#[derive(Debug)]
pub(crate) struct ClaimedRow {
    pub(crate) job_id: Uuid,
    pub(crate) retention: i16,
    pub(crate) epoch: i32,
    pub(crate) queue_id: i16,
    pub(crate) kind_id: i16,
    pub(crate) priority: i16,
    pub(crate) attempt: i16,
    pub(crate) course: i16,
    pub(crate) claimed_at: DateTime<Utc>,
    pub(crate) args: Value,
    pub(crate) tenant_id: Option<Uuid>,
    pub(crate) parent_id: Option<Uuid>,
    pub(crate) unique_key: Option<Vec<u8>>,
    pub(crate) traceparent: Option<String>,
    pub(crate) has_deed: bool,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) deadline_at: Option<DateTime<Utc>>,
    /// Whether it had to pass gates, or takes turns with others: its end may let the next one in.
    pub(crate) gated: bool,
    /// Its time was over before it began.
    pub(crate) expired: bool,
}

/// Part of a queue: from a job on, up to a priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) queue_id: i16,
    pub(crate) priority: i16,
    pub(crate) job_id: Uuid,
    /// Jobs of this priority are no part of it; [`OPEN`]: those of any are.
    pub(crate) below: i32,
}

/// Above every priority.
pub(crate) const OPEN: i32 = 32_768;

/// Claims up to `rows_max` jobs for a worker, of these kinds, in these parts of queues: queue by queue, as they first stand
/// there. A worker whose own lease has ended gets none.
pub(crate) async fn ready_claim(
    conn: &mut PgConnection,
    planned: Planned,
    worker_id: i32,
    ranges: &[Range],
    kind_ids: &[i16],
    rows_max: i64,
    limited: &[i16],
) -> Result<Vec<ClaimedRow>, sqlx::Error> {
    if planned == Planned::Always && limited.is_empty() {
        return claim(conn, worker_id, ranges, kind_ids, rows_max, Vec::new()).await;
    }
    let mut tx = conn.begin_with(planned.begin()).await?;
    let rooms = queue_rooms(&mut tx, limited).await?;
    let claimed = claim(&mut tx, worker_id, ranges, kind_ids, rows_max, rooms).await?;
    tx.commit().await?;
    Ok(claimed)
}

async fn claim(
    conn: &mut PgConnection,
    worker_id: i32,
    ranges: &[Range],
    kind_ids: &[i16],
    rows_max: i64,
    rooms: Vec<(i16, i64)>,
) -> Result<Vec<ClaimedRow>, sqlx::Error> {
    let mut queue_ids: Vec<_> = ranges.iter().map(|range| range.queue_id).collect();
    let range_queues = queue_ids.clone();
    queue_ids.dedup();
    let priorities: Vec<_> = ranges.iter().map(|range| range.priority).collect();
    let job_ids: Vec<_> = ranges.iter().map(|range| range.job_id).collect();
    let ends: Vec<_> = ranges.iter().map(|range| range.below).collect();
    let (room_queues, rooms): (Vec<_>, Vec<_>) = rooms.into_iter().unzip();
    sqlx::query_as!(
        ClaimedRow,
        r#"
        with due as materialized (
            select r.at
            from (
                select u.queue_id, l.room
                from unnest($2::int2[]) with ordinality as u (queue_id, turn)
                join trunkline.queues s on s.queue_id = u.queue_id
                left join unnest($5::int2[], $6::int8[]) as l (queue_id, room) on l.queue_id = u.queue_id
                -- A limited queue only with its row locked, so that no two claimers count at once.
                where (s.paused_at is null or s.pause_until <= trunkline.now())
                  and (s.at_once_max is null or l.room > 0)
                order by u.turn
            ) q
            cross join lateral (
                select part.at
                -- what was claimed before lies dead in the index as long as anybody might still see it: parts without it
                from unnest($7::int2[], $8::int2[], $9::uuid[], $10::int4[]) as p (queue_id, priority, job_id, below)
                cross join lateral (
                    select ready.ctid as at
                    from trunkline.ready
                    where ready.queue_id = p.queue_id
                      and (ready.priority, ready.job_id) >= (p.priority, p.job_id)
                      and ready.priority < p.below
                      and kind_id = any ($3::int2[]) -- a kind that this version does not know waits for one that does
                    order by priority, job_id        -- exactly the primary key: no sort, no look at what comes later
                    limit $4
                    for update skip locked           -- two claimers never wait for each other
                ) part
                where p.queue_id = q.queue_id
                limit least($4, q.room)
            ) r
            where exists (
                select from trunkline.workers w where w.worker_id = $1 and w.expires_at > trunkline.now())
            limit $4
        ), taken as (
            delete from trunkline.ready r
            where r.ctid = any (array(select at from due)) -- the rows just locked, without a join to go wrong
            returning r.*
        ), leased as (
            insert into trunkline.leases (job_id, worker_id, epoch, queue_id, kind_id, priority, attempt, crashes,
                                          retention, course, lane)
            select job_id, $1, epoch + 1, queue_id, kind_id, priority, attempt, crashes, retention, course, lane
            from taken
            returning *
        )
        select l.job_id, l.retention, l.epoch, l.queue_id, l.kind_id, l.priority, l.attempt, l.course, l.claimed_at,
               j.args, j.tenant_id, j.parent_id, j.unique_key, j.traceparent, j.has_deed, j.created_at,
               l.lane is not null as "gated!",
               coalesce(l.epoch = 1 and j.expires_at <= trunkline.now(), false) as "expired!", j.deadline_at
        from leased l
        join trunkline.jobs j on j.job_id = l.job_id and j.retention = l.retention
        order by l.priority, l.job_id
        "#,
        worker_id,
        &queue_ids,
        kind_ids,
        rows_max,
        &room_queues,
        &rooms,
        &range_queues,
        &priorities,
        &job_ids,
        &ends,
    )
    .fetch_all(conn)
    .await
}
