//! What somebody on call asks of the whole database in one look: the server, and what waits for a person.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// What one look found.
#[derive(Debug)]
pub(crate) struct HealthRow {
    pub(crate) now: DateTime<Utc>,
    pub(crate) server_version: String,
    pub(crate) in_recovery: bool,
    pub(crate) replicas: i64,
    pub(crate) connections: i64,
    pub(crate) connections_max: i32,
    pub(crate) holder: Option<String>,
    pub(crate) holder_pid: Option<i32>,
    pub(crate) holder_name: Option<String>,
    pub(crate) holder_state: Option<String>,
    pub(crate) held_secs: Option<f64>,
    pub(crate) dead: i64,
    pub(crate) dead_of_day: i64,
    /// Runs by cause; null: none is parked.
    pub(crate) parked: Option<Value>,
    /// The state of the breakers that were asked for, by gate; null: none of them was ever needed.
    pub(crate) breakers: Option<Value>,
    pub(crate) link: Option<i64>,
    pub(crate) chained_at: Option<DateTime<Utc>>,
    pub(crate) unchained: i64,
    /// As [`super::workers::SeenWorker`]; null: there is none.
    pub(crate) workers: Option<Value>,
}

/// Looks. Views of the server, and indexes: of what failed, of what is parked, of links and their rows, of the gates by
/// their ids. At most `rows_max` entries of each are counted. Leases are not indexed by their worker: they are gone through
/// once for all workers. Workers are what
/// [`super::workers::workers_list`] tells of them: with them, a page that says how everything is needs a statement less.
pub(crate) async fn health(
    conn: &mut PgConnection,
    breaker_ids: &[Uuid],
    rows_max: i64,
    workers_max: i64,
) -> Result<HealthRow, sqlx::Error> {
    sqlx::query_as!(
        HealthRow,
        r#"
        with oldest as (
            select * from trunkline.snapshot_holders() order by age(xid) desc, since limit 1
        ), parked as (
            select coalesce(cause, 'unknown') as cause, count(*) as runs
            from (select cause from trunkline.waits where state = 'parked' limit $2) w
            group by 1
        ), chain as (
            select link, chained_at from trunkline.audit_links order by link desc limit 1
        ), busy as (
            select worker_id, least(count(*), $2) as running from trunkline.leases group by worker_id
        )
        select trunkline.now() as "now!",
               current_setting('server_version') as "server_version!", pg_is_in_recovery() as "in_recovery!",
               (select count(*) from pg_stat_replication) as "replicas!",
               (select count(*) from pg_stat_activity where backend_type = 'client backend') as "connections!",
               current_setting('max_connections')::int4 as "connections_max!",
               (select kind from oldest) as holder, (select pid from oldest) as holder_pid,
               (select name from oldest) as holder_name, (select state from oldest) as holder_state,
               (select extract(epoch from clock_timestamp() - since)::float8 from oldest) as held_secs,
               (select count(*) from (
                    select from trunkline.outcomes where state = 'failed' limit $2) f) as "dead!",
               (select count(*) from (
                    select from trunkline.outcomes
                    where state = 'failed' and job_id >= trunkline.uuid_floor(trunkline.now() - interval '24 hours')
                    limit $2) f) as "dead_of_day!",
               (select jsonb_object_agg(cause, runs) from parked) as parked,
               (select jsonb_object_agg(gate_id, breaker) from trunkline.gates
                where gate_id = any ($1) and breaker is not null) as breakers,
               (select link from chain) as link, (select chained_at from chain) as chained_at,
               (select count(*) from (
                    select from trunkline.audit
                    where audit_id > (select coalesce(max(audit_id), 0) from trunkline.audit_links)
                    limit $2) a) as "unchained!",
               (select jsonb_agg(to_jsonb(w) order by w.pool, w.worker_id) from (
                    select o.worker_id, o.name, o.pool, o.version, o.address, o.started_at, o.heartbeat_at,
                           o.expires_at > trunkline.now() as is_live, o.draining, o.rest_asked_at, o.rest_reason,
                           array(select q.name from trunkline.queues q
                                 where q.queue_id = any (o.queue_ids) order by q.name) as queues,
                           coalesce(b.running, 0) as running
                    from trunkline.workers o left join busy b using (worker_id) order by o.pool, o.worker_id limit $3) w) as workers
        "#,
        breaker_ids,
        rows_max,
        workers_max,
    )
    .fetch_one(conn)
    .await
}
