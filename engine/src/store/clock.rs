//! The clock that decides.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// The database's now.
pub(crate) async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(r#"select trunkline.now() as "now!""#).fetch_one(conn).await
}

/// Has the server stop statements of this transaction that take longer.
pub(crate) async fn statements_limit(
    conn: &mut PgConnection,
    within: std::time::Duration,
) -> Result<(), sqlx::Error> {
    let milliseconds = within.as_millis().to_string();
    sqlx::query_scalar!("select set_config('statement_timeout', $1, true)", milliseconds)
        .fetch_one(conn)
        .await?;
    Ok(())
}
