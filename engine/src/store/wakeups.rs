//! The way to the sleepers of other processes.

use sqlx::PgConnection;

/// Tells all listeners of a channel. Outside of any transaction that writes: commits with a NOTIFY wait for each other.
/// Nor does it wait for the disk: a hint that is lost with the server has nobody left to wake, and one that is flushed
/// makes every commit beside it wait twice.
pub(crate) async fn notify(
    conn: &mut PgConnection,
    channel: &str,
    payload: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with soon as materialized (select set_config('synchronous_commit', 'off', true))
         select pg_notify($1, $2) from soon",
        channel,
        payload
    )
    .execute(conn)
    .await?;
    Ok(())
}
