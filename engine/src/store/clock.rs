//! The clock that decides.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// The database's now.
pub(crate) async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(r#"select trunkline.now() as "now!""#).fetch_one(conn).await
}
