//! The pieces in which finished work is kept.

use sqlx::PgConnection;

/// Makes the partitions for now and the `ahead` pieces after it. Returns how many were missing.
pub(crate) async fn partitions_make(
    conn: &mut PgConnection,
    ahead: i32,
) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select trunkline.partitions_make(trunkline.now(), $1) as "made!""#,
        ahead
    )
    .fetch_one(conn)
    .await
}
