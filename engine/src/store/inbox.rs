//! What providers posted: once, however often they post it.

use serde_json::Value;
use sqlx::{PgConnection, postgres::types::PgInterval};
use uuid::Uuid;

/// Whether a delivery was the first of its kind.
#[derive(Debug)]
pub(crate) struct InboxRow {
    pub(crate) is_new: bool,
    pub(crate) job_id: Option<Uuid>,
}

/// Keeps a delivery under its natural key. A repeat is counted and changes nothing else.
pub(crate) async fn inbox_insert(
    conn: &mut PgConnection,
    provider: &str,
    dedupe_key: &str,
    object_key: &str,
    payload: &Value,
    job_id: Uuid,
) -> Result<InboxRow, sqlx::Error> {
    sqlx::query_as!(
        InboxRow,
        r#"
        insert into trunkline.inbox as i (provider, dedupe_key, object_key, payload, job_id)
        values ($1, $2, $3, $4, $5)
        on conflict (provider, dedupe_key) do update set deliveries = i.deliveries + 1
        returning (i.deliveries = 1) as "is_new!", job_id
        "#,
        provider,
        dedupe_key,
        object_key,
        payload,
        job_id,
    )
    .fetch_one(conn)
    .await
}

/// Forgets deliveries that came longer ago than this. At most `rows_max` at once.
pub(crate) async fn inbox_expire(
    conn: &mut PgConnection,
    keep: PgInterval,
    rows_max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from trunkline.inbox where (provider, dedupe_key) in (
             select provider, dedupe_key from trunkline.inbox
             where received_at < trunkline.now() - $1::interval
             order by received_at limit $2 for update skip locked)",
        keep,
        rows_max,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
