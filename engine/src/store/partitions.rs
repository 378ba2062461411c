//! The pieces in which finished work is kept.

use sqlx::{PgConnection, postgres::types::PgInterval};
use uuid::Uuid;

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

/// What came of a look for pieces to drop.
#[derive(Debug)]
pub(crate) struct Dropped {
    /// The piece that is gone; `None`: none may go now, or another process sees to it.
    pub(crate) piece: Option<String>,
    /// A live run that keeps an old piece from going.
    pub(crate) held_by: Option<Uuid>,
}

/// Drops one piece that is older than its class is kept (brief, standard, long) and lies below the oldest live run.
///
/// It waits for locks even shorter than [`partitions_make`], since it needs several: a lock that it cannot have is an
/// error, and the next look tries again.
pub(crate) async fn partitions_drop(
    conn: &mut PgConnection,
    keep: &[PgInterval; 3],
) -> Result<Dropped, sqlx::Error> {
    sqlx::query_as!(
        Dropped,
        r#"
        with soon as materialized (select set_config('lock_timeout', '50ms', true))
        select d.dropped as piece, d.held_by from soon, trunkline.partitions_drop($1) d
        "#,
        keep.as_slice() as &[PgInterval],
    )
    .fetch_one(conn)
    .await
}
