//! What operators did. Insert-only.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A row to be written.
#[derive(Debug)]
pub(crate) struct NewAudit<'a> {
    pub(crate) actor: &'a str,
    pub(crate) action: &'static str,
    pub(crate) job_id: Option<Uuid>,
    pub(crate) subject: Option<&'a str>,
    pub(crate) reason: Option<&'a str>,
    pub(crate) details: &'a Value,
}

/// Writes a row.
pub(crate) async fn audit_insert(
    conn: &mut PgConnection,
    row: NewAudit<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into trunkline.audit (actor, action, job_id, subject, reason, details) values ($1, $2, $3, $4, $5, $6)",
        row.actor,
        row.action,
        row.job_id,
        row.subject,
        row.reason,
        row.details,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A row.
#[derive(Debug)]
pub(crate) struct AuditRow {
    pub(crate) audit_id: i64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) job_id: Option<Uuid>,
    pub(crate) subject: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) details: Value,
}

/// Rows, newest first.
pub(crate) async fn audit_list(
    conn: &mut PgConnection,
    job_id: Option<Uuid>,
    older_than: Option<i64>,
    rows_max: i64,
) -> Result<Vec<AuditRow>, sqlx::Error> {
    sqlx::query_as!(
        AuditRow,
        "select audit_id, at, actor, action, job_id, subject, reason, details from trunkline.audit
         where ($1::uuid is null or job_id = $1) and audit_id < coalesce($2, 9223372036854775807)
         order by audit_id desc limit $3",
        job_id,
        older_than,
        rows_max,
    )
    .fetch_all(conn)
    .await
}
