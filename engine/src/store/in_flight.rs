//! Every live run, as a new version looks at it before it takes over. Read as streams: nothing is sorted or kept.

use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A live run.
#[derive(Debug)]
pub(crate) struct RunRow {
    pub(crate) job_id: Uuid,
    pub(crate) kind: String,
    pub(crate) args: Value,
}

/// The live runs, in no order; at most `rows_max`.
pub(crate) fn runs_live(
    conn: &mut PgConnection,
    rows_max: i64,
) -> BoxStream<'_, Result<RunRow, sqlx::Error>> {
    sqlx::query_as!(
        RunRow,
        r#"
        select j.job_id, k.name as kind, j.args
        from (select job_id, retention from trunkline.leases union all
              select job_id, retention from trunkline.waits union all
              select job_id, retention from trunkline.ready limit $1) t
        join trunkline.jobs j on j.job_id = t.job_id and j.retention = t.retention
        join trunkline.kinds k on k.kind_id = j.kind_id
        "#,
        rows_max,
    )
    .fetch(conn)
    .boxed()
}

/// A deed of a live run that may have to be taken back or asked about.
#[derive(Debug)]
pub(crate) struct LiveDeedRow {
    pub(crate) job_id: Uuid,
    pub(crate) form: String,
    pub(crate) name: String,
    pub(crate) input: Value,
    pub(crate) output: Option<Value>,
}

/// The deeds of live runs that stand or may stand, in no order; at most `rows_max`.
pub(crate) fn deeds_live(
    conn: &mut PgConnection,
    rows_max: i64,
) -> BoxStream<'_, Result<LiveDeedRow, sqlx::Error>> {
    sqlx::query_as!(
        LiveDeedRow,
        r#"
        select e.job_id, e.form, e.name, e.input, e.output
        from (select job_id, retention from trunkline.leases union all
              select job_id, retention from trunkline.waits union all
              select job_id, retention from trunkline.ready) t
        join trunkline.effects e on e.job_id = t.job_id and e.retention = t.retention
        where e.form in ('effect', 'change') and e.state in ('intent', 'unknown', 'done')
        limit $1
        "#,
        rows_max,
    )
    .fetch(conn)
    .boxed()
}

/// The schedules that are there: name, expression, zone.
pub(crate) async fn schedules_there(
    conn: &mut PgConnection,
) -> Result<Vec<(String, String, String)>, sqlx::Error> {
    sqlx::query!("select name, cron, timezone from trunkline.schedules")
        .fetch(conn)
        .map_ok(|row| (row.name, row.cron, row.timezone))
        .try_collect()
        .await
}
