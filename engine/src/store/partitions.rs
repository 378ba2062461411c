//! The pieces in which finished work is kept.

use sqlx::{Connection, PgConnection};

/// A new partition locks its parent against everybody. Whoever waits for that lock holds up all who come after it, so it
/// must not wait long: there are days to try again.
const SOON: &str = "begin; set local lock_timeout = '200ms'";

/// Makes the partitions for now and the `ahead` pieces after it. Returns how many were missing.
pub(crate) async fn partitions_make(
    conn: &mut PgConnection,
    ahead: i32,
) -> Result<i32, sqlx::Error> {
    let mut tx = conn.begin_with(SOON).await?;
    let made = sqlx::query_scalar!(
        r#"select trunkline.partitions_make(trunkline.now(), $1) as "made!""#,
        ahead
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(made)
}
