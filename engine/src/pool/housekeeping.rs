//! Clearing away, which any pool does for all, in any number of processes at once.

use std::{sync::Arc, time::Duration};

use super::{Pool, claim::jittered};
use crate::{store, wakeups::pause, workflow::App};

/// Clearing away is not urgent.
const TIDY_EVERY: Duration = Duration::from_secs(30);

/// Pieces of the history made ahead: at 7 days a piece, two weeks in which nobody need look.
const PARTITIONS_AHEAD: i32 = 2;

/// Rows cleared away by one statement.
const TIDY_MAX: i64 = 1000;

/// Clears away.
pub(super) async fn tidy<A: App>(pool: Arc<Pool<A>>) {
    while !pool.stop.is_cancelled() {
        let tidied = pool
            .engine
            .db()
            .run(async |conn| {
                store::uniques::uniques_expire(conn, TIDY_MAX).await?;
                store::signals::signals_expire(conn, TIDY_MAX).await?;
                store::cancel::cancels_expire(conn, TIDY_MAX).await?;
                store::replay::superseded_expire(conn, TIDY_MAX).await?;
                store::gates::gates_forget(conn, TIDY_MAX).await?;
                store::progress::progress_expire(conn, TIDY_MAX).await?;
                store::paces::paces_forget(conn, TIDY_MAX).await?;
                store::workers::workers_forget(conn).await?;
                store::partitions::partitions_make(conn, PARTITIONS_AHEAD).await
            })
            .await;
        match tidied {
            Ok(0) => {}
            Ok(made) => tracing::info!("{made} partitions were made ahead"),
            Err(error) => tracing::warn!(%error, "clearing away failed"),
        }
        stop_or(&pool, jittered(TIDY_EVERY)).await;
    }
}

pub(super) async fn stop_or<A: App>(pool: &Pool<A>, time: Duration) {
    tokio::select! {
        () = pool.stop.cancelled() => {}
        () = pause(time) => {}
    }
}
