//! Forgetting: what is older than it is kept goes, in pieces or in small batches. Any number of processes may do it at once.

use std::{sync::Arc, time::Duration};

use super::{Pool, claim::jittered, housekeeping::stop_or};
use crate::{engine::Engine, job::JobId, store, store::db::DbError, time::interval, workflow::App};

/// How often it is looked for what may go: pieces are days long.
const LOOK_EVERY: Duration = Duration::from_mins(10);

/// After a look that found another at work on a table.
const AGAIN: Duration = Duration::from_secs(20);

/// A look reads a piece of the history once before it drops it.
const WITHIN: Duration = Duration::from_mins(1);

/// Pieces dropped, and batches deleted, in one go.
const ROUNDS_MAX: usize = 100;

/// Rows deleted by one statement.
const ROWS_MAX: i64 = 1000;

/// For so long it is kept which jobs an operation was about: longer than anybody would undo it.
const OPERATION_JOBS_KEPT: Duration = Duration::from_hours(30 * 24);

/// How long is kept what is over. A job's class is part of its kind ([`crate::Retention`]); these are the classes' lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Of frequent chores. Also how long a schedule knows the end of its last job.
    pub brief: Duration,
    /// Of ordinary work.
    pub standard: Duration,
    /// Of what an auditor may ask about.
    pub long: Duration,
    /// Of what providers posted: as long a repeat of theirs is known as one.
    pub inbox: Duration,
}

impl Default for Keep {
    fn default() -> Keep {
        const DAY: Duration = Duration::from_hours(24);
        Keep { brief: DAY * 3, standard: DAY * 30, long: DAY * 400, inbox: DAY * 30 }
    }
}

/// Forgets until the pool drains.
pub(super) async fn forget<A: App>(pool: Arc<Pool<A>>) {
    while !pool.stop.is_cancelled() {
        let forgotten = once(&pool.engine, &pool.config.keep).await;
        let rest = match forgotten {
            Ok(()) => LOOK_EVERY,
            Err(error) if is_busy(&error) => {
                tracing::debug!("an old piece of the history is in use; it goes later");
                AGAIN
            }
            Err(error) => {
                tracing::warn!(%error, "what is old could not be forgotten");
                LOOK_EVERY
            }
        };
        stop_or(&pool, jittered(rest)).await;
    }
}

/// Forgets all that may go now.
pub(crate) async fn once(engine: &Engine, keep: &Keep) -> Result<(), DbError> {
    let times = [interval(keep.brief), interval(keep.standard), interval(keep.long)];
    for _ in 0..ROUNDS_MAX {
        let dropped = engine
            .db()
            .run_within(WITHIN, async |conn| store::partitions::partitions_drop(conn, &times).await)
            .await?;
        if let Some(run) = dropped.held_by {
            tracing::info!(job.id = %JobId::from(run), "a live run keeps old history from being dropped");
        }
        let Some(piece) = dropped.piece else { break };
        tracing::info!("the history {piece} was dropped: it is older than it is kept");
    }
    for _ in 0..ROUNDS_MAX {
        let deleted = engine
            .db()
            .run(async |conn| {
                let posts =
                    store::inbox::inbox_expire(conn, interval(keep.inbox), ROWS_MAX).await?;
                let backfills = store::backfills::backfills_expire(conn, ROWS_MAX).await?;
                let kept = interval(OPERATION_JOBS_KEPT);
                let of_operations =
                    store::operations::operations_forget(conn, kept, ROWS_MAX).await?;
                Ok(posts + backfills + of_operations)
            })
            .await?;
        if deleted == 0 {
            break;
        }
    }
    Ok(())
}

/// Somebody reads what was to be dropped, and we do not stand in line for it (55P03: a lock was not to be had).
fn is_busy(error: &DbError) -> bool {
    let DbError::Sql(sqlx::Error::Database(error)) = error else { return false };
    error.code().is_some_and(|code| code == "55P03" || code == "40P01")
}
