//! The pieces in which finished work is kept.

use sqlx::PgConnection;

/// Makes the partitions for now and the `ahead` pieces after it. Returns how many were missing.
///
/// A new partition locks its parent against everybody, and whoever waits for that lock holds up all who come after it. So
/// it does not wait long (there are days to try again), and it is one statement, which no stopped process can keep open.
pub(crate) async fn partitions_make(
    conn: &mut PgConnection,
    ahead: i32,
) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with soon as materialized (select set_config('lock_timeout', '200ms', true))
        select trunkline.partitions_make(trunkline.now(), $1) as "made!" from soon
        "#,
        ahead
    )
    .fetch_one(conn)
    .await
}
