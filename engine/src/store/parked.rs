//! Runs that wait for a person.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// A parked run.
#[derive(Debug)]
pub(crate) struct ParkedRow {
    pub(crate) job_id: Uuid,
    pub(crate) kind: String,
    pub(crate) queue: String,
    pub(crate) tenant_id: Option<Uuid>,
    pub(crate) cause: Option<String>,
    pub(crate) entry: Option<String>,
    pub(crate) reason: String,
    pub(crate) since: DateTime<Utc>,
    pub(crate) course: i16,
    pub(crate) epoch: i32,
}

/// Parked runs, newest first.
pub(crate) async fn parked_list(
    conn: &mut PgConnection,
    job_id: Option<Uuid>,
    cause: Option<&str>,
    kind: Option<&str>,
    older_than: Option<Uuid>,
    rows_max: i64,
) -> Result<Vec<ParkedRow>, sqlx::Error> {
    sqlx::query_as!(
        ParkedRow,
        r#"
        select w.job_id, k.name as kind, q.name as queue, j.tenant_id, w.cause, w.entry, w.reason, w.since, w.course,
               w.epoch
        from trunkline.waits w
        join trunkline.jobs j on j.job_id = w.job_id and j.retention = w.retention
        join trunkline.kinds k on k.kind_id = w.kind_id
        join trunkline.queues q on q.queue_id = w.queue_id
        where w.state = 'parked'
          and ($1::uuid is null or w.job_id = $1)
          and ($2::text is null or w.cause = $2)
          and ($3::text is null or k.name = $3)
          and ($4::uuid is null or w.job_id < $4)
        order by w.job_id desc
        limit $5
        "#,
        job_id,
        cause,
        kind,
        older_than,
        rows_max,
    )
    .fetch_all(conn)
    .await
}

/// How many are parked for one cause.
#[derive(Debug)]
pub(crate) struct ParkedCount {
    pub(crate) cause: Option<String>,
    pub(crate) runs: i64,
}

/// Parked runs by cause; at most `rows_max` are counted. Reads the index of parked runs only, however many wait.
pub(crate) async fn parked_count(
    conn: &mut PgConnection,
    rows_max: i64,
) -> Result<Vec<ParkedCount>, sqlx::Error> {
    sqlx::query_as!(
        ParkedCount,
        r#"select cause, count(*) as "runs!" from (select cause from trunkline.waits where state = 'parked' limit $1) w
           group by cause order by cause"#,
        rows_max,
    )
    .fetch_all(conn)
    .await
}
