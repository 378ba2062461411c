//! Dead letters, and what is made of finished jobs.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A job that failed.
#[derive(Debug)]
pub(crate) struct DeadRow {
    pub(crate) job_id: Uuid,
    pub(crate) kind: String,
    pub(crate) queue: String,
    pub(crate) tenant_id: Option<Uuid>,
    pub(crate) attempt: i16,
    pub(crate) undone: bool,
    pub(crate) error: Option<String>,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) finished_at: DateTime<Utc>,
}

/// Jobs that failed, newest first.
pub(crate) async fn dead_list(
    conn: &mut PgConnection,
    kind: Option<&str>,
    undone: Option<bool>,
    older_than: Option<Uuid>,
    rows_max: i64,
) -> Result<Vec<DeadRow>, sqlx::Error> {
    sqlx::query_as!(
        DeadRow,
        r#"
        select o.job_id, k.name as kind, q.name as queue, j.tenant_id, o.attempt, o.undone,
               o.error ->> 'message' as error, j.created_at, o.finished_at
        from trunkline.outcomes o
        join trunkline.jobs j on j.job_id = o.job_id and j.retention = o.retention
        join trunkline.kinds k using (kind_id)
        join trunkline.queues q using (queue_id)
        where o.state = 'failed'
          and ($1::text is null or k.name = $1)
          and ($2::bool is null or o.undone = $2)
          and ($3::uuid is null or o.job_id < $3)
        order by o.job_id desc
        limit $4
        "#,
        kind,
        undone,
        older_than,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// How many jobs of a kind failed.
#[derive(Debug)]
pub(crate) struct DeadCount {
    pub(crate) kind: String,
    pub(crate) undone: bool,
    pub(crate) jobs: i64,
}

/// Jobs that failed, by kind.
pub(crate) async fn dead_count(conn: &mut PgConnection) -> Result<Vec<DeadCount>, sqlx::Error> {
    sqlx::query_as!(
        DeadCount,
        r#"
        select k.name as kind, o.undone, count(*) as "jobs!"
        from trunkline.outcomes o
        join trunkline.jobs j on j.job_id = o.job_id and j.retention = o.retention
        join trunkline.kinds k using (kind_id)
        where o.state = 'failed'
        group by k.name, o.undone
        order by k.name, o.undone
        "#
    )
    .fetch_all(conn)
    .await
}

/// What a new job takes over from a finished one.
#[derive(Debug)]
pub(crate) struct OriginRow {
    pub(crate) kind: String,
    pub(crate) queue: String,
    pub(crate) retention: i16,
    pub(crate) priority: i16,
    pub(crate) args: Value,
    pub(crate) tenant_id: Option<Uuid>,
    pub(crate) unique_key: Option<Vec<u8>>,
    pub(crate) has_deed: bool,
    pub(crate) gates: Option<Value>,
    pub(crate) state: Option<String>,
}

/// A job of which another is to be made, and how it ended, if it has.
pub(crate) async fn origin_of(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<OriginRow>, sqlx::Error> {
    sqlx::query_as!(
        OriginRow,
        r#"
        select k.name as "kind!", q.name as "queue!", j.retention as "retention!", j.priority as "priority!",
               j.args as "args!", j.tenant_id, j.unique_key, j.has_deed as "has_deed!", j.gates, o.state as "state?"
        from trunkline.jobs j
        join trunkline.kinds k using (kind_id)
        join trunkline.queues q using (queue_id)
        left join trunkline.outcomes o on o.job_id = j.job_id and o.retention = j.retention
        where j.job_id = $1
        "#,
        job_id,
    )
    .fetch_optional(conn)
    .await
}

/// Writes down where a job comes from, in the transaction that makes it.
pub(crate) async fn origin_write(
    conn: &mut PgConnection,
    job_id: Uuid,
    origin_id: Uuid,
    origin: &str,
    step: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update trunkline.jobs set origin_id = $2, origin = $3, origin_step = $4 where job_id = $1",
        job_id,
        origin_id,
        origin,
        step,
    )
    .execute(conn)
    .await?;
    Ok(())
}
