//! The way to the sleepers of other processes.

use sqlx::PgConnection;

/// Tells all listeners of a channel. Outside of any transaction that writes: commits with a NOTIFY wait for each other.
pub(crate) async fn notify(
    conn: &mut PgConnection,
    channel: &str,
    payload: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_notify($1, $2)", channel, payload).execute(conn).await?;
    Ok(())
}
