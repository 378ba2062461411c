//! What waits before its gates: lanes, found by looks into the index alone, and the claim that leads past the gates.

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::ready::ClaimedRow;

/// The head of a lane, or a lane without one: another worker is just looking at it, or its jobs are of kinds that are not
/// asked for.
#[derive(Debug)]
pub(crate) struct HeadRow {
    pub(crate) queue_id: i16,
    pub(crate) lane: Uuid,
    pub(crate) fair: bool,
    /// Nobody else is looking at the lane.
    pub(crate) mine: bool,
    pub(crate) job_id: Option<Uuid>,
    pub(crate) tenant_id: Option<Uuid>,
    pub(crate) gates: Option<Value>,
    pub(crate) expired: Option<bool>,
}

/// Which lanes to look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) queue_ids: &'a [i16],
    pub(crate) kind_ids: &'a [i16],
    /// Lanes after this one.
    pub(crate) after: Uuid,
    /// Up to this one.
    pub(crate) up_to: Uuid,
    pub(crate) lanes_max: i64,
    /// Heads of all lanes together.
    pub(crate) heads_max: i64,
}

/// The first jobs of the next lanes. Each lane that is looked at is this transaction's until it ends.
pub(crate) async fn lanes_look(
    conn: &mut PgConnection,
    look: Look<'_>,
) -> Result<Vec<HeadRow>, sqlx::Error> {
    sqlx::query_as!(
        HeadRow,
        r#"
        with recursive own as materialized (
            select q.queue_id, q.fair
            from unnest($1::int2[]) as u (queue_id)
            join trunkline.queues q on q.queue_id = u.queue_id
            where q.paused_at is null or q.pause_until <= trunkline.now()
        ), found as (
            -- From lane to lane by one look into the index each, however many jobs stand in between.
            select o.queue_id, o.fair, f.lane, 1::int8 as place
            from own o
            cross join lateral (
                select w.lane from trunkline.waits w
                where w.blocked and w.queue_id = o.queue_id and w.lane > $3 and w.lane <= $4
                order by w.lane limit 1) f
            union all
            select l.queue_id, l.fair, f.lane, l.place + 1
            from found l
            cross join lateral (
                select w.lane from trunkline.waits w
                where w.blocked and w.queue_id = l.queue_id and w.lane > l.lane and w.lane <= $4
                order by w.lane limit 1) f
            where l.place < $5
        ), lanes as materialized (
            select f.queue_id, f.fair, f.lane,
                   pg_try_advisory_xact_lock(hashtextextended(f.lane::text, f.queue_id)) as mine
            from (select queue_id, fair, lane from found order by lane limit $5) f
        )
        select l.queue_id as "queue_id!", l.lane as "lane!", l.fair as "fair!", l.mine as "mine!",
               h.job_id as "job_id?", j.tenant_id as "tenant_id?", j.gates as "gates?",
               (j.expires_at <= trunkline.now() and h.epoch = 0 or j.deadline_at <= trunkline.now()) as "expired?"
        from lanes l
        left join lateral (
            select w.job_id, w.retention, w.priority, w.epoch from trunkline.waits w
            where w.blocked and w.queue_id = l.queue_id and w.lane = l.lane and l.mine
              and w.kind_id = any ($2::int2[])
            order by w.priority, w.job_id
            limit (select greatest(8, $6 / greatest(count(*), 1)) from lanes)) h on true
        left join trunkline.jobs j on j.job_id = h.job_id and j.retention = h.retention
        order by l.lane, h.priority, h.job_id
        "#,
        look.queue_ids,
        look.kind_ids,
        look.after,
        look.up_to,
        look.lanes_max,
        look.heads_max,
    )
    .fetch_all(conn)
    .await
}

/// Claims jobs past their gates, with the permits that they were given. What was cancelled meanwhile stays away. A worker
/// whose own lease has ended gets none.
pub(crate) async fn lanes_claim(
    conn: &mut PgConnection,
    worker_id: i32,
    job_ids: &[Uuid],
    permits: &[(Uuid, Uuid, bool)],
) -> Result<Vec<ClaimedRow>, sqlx::Error> {
    let gate_ids: Vec<_> = permits.iter().map(|permit| permit.0).collect();
    let holders: Vec<_> = permits.iter().map(|permit| permit.1).collect();
    let canaries: Vec<_> = permits.iter().map(|permit| permit.2).collect();
    sqlx::query_as!(
        ClaimedRow,
        r#"
        with taken as (
            delete from trunkline.waits w
            where w.job_id = any (array(
                      -- One that a caller is just cancelling is left to it.
                      select job_id from trunkline.waits where job_id = any ($2) and blocked for update skip locked))
              and exists (
                  select from trunkline.workers k where k.worker_id = $1 and k.expires_at > trunkline.now())
            returning w.*
        ), leased as (
            insert into trunkline.leases (job_id, worker_id, epoch, queue_id, kind_id, priority, attempt, crashes,
                                          retention, course, lane)
            select job_id, $1, epoch + 1, queue_id, kind_id, priority, attempt, crashes, retention, course, lane
            from taken
            returning *
        ), permitted as (
            insert into trunkline.permits (gate_id, job_id, form)
            select p.gate_id, p.job_id, case when p.canary then 'canary' else 'run' end
            from unnest($3::uuid[], $4::uuid[], $5::bool[]) as p (gate_id, job_id, canary)
            join taken using (job_id)
            on conflict do nothing -- it holds it on purpose
        )
        select l.job_id, l.retention, l.epoch, l.queue_id, l.kind_id, l.priority, l.attempt, l.course, l.claimed_at,
               j.args, j.tenant_id, j.parent_id, j.unique_key, j.traceparent, j.has_deed, j.created_at,
               true as "gated!",
               coalesce(l.epoch = 1 and j.expires_at <= trunkline.now(), false) as "expired!", j.deadline_at
        from leased l
        join trunkline.jobs j on j.job_id = l.job_id and j.retention = l.retention
        order by l.priority, l.job_id
        "#,
        worker_id,
        job_ids,
        &gate_ids,
        &holders,
        &canaries,
    )
    .fetch_all(conn)
    .await
}
