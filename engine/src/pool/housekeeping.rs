//! What any pool does for all: passing permits on, clearing away. Every one of these may run in any number of processes at
//! once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{Pool, claim::jittered, spacing};
use crate::{
    store::{self, db::BEGIN},
    wakeups::pause,
    workflow::App,
};

/// Clearing away is not urgent.
const TIDY_EVERY: Duration = Duration::from_secs(30);

/// Pieces of the history made ahead: at 7 days a piece, two weeks in which nobody need look.
const PARTITIONS_AHEAD: i32 = 2;

/// Permits that come free in another process are found this late at worst.
const PASS_ON_EVERY: Duration = Duration::from_millis(500);

/// Rows cleared away by one statement.
const TIDY_MAX: i64 = 1000;

/// Passes on permits to hold that came free with the end of a run, and wakes who has one without knowing.
pub(super) async fn pass_on<A: App>(pool: Arc<Pool<A>>) {
    let mut due = Instant::now();
    let mut was_freed = false;
    while !pool.stop.is_cancelled() {
        let began = Instant::now();
        let is_due = began >= due;
        let passed = pool
            .engine
            .db()
            .run(async |conn| {
                let mut passed = Passed::default();
                if is_due {
                    passed.granted = store::permits::holds_sweep(conn, TIDY_MAX).await?;
                }
                if is_due || was_freed {
                    for gate in store::permits::holds_wanted(conn, TIDY_MAX).await? {
                        let mut tx = sqlx::Connection::begin_with(&mut *conn, BEGIN).await?;
                        match store::permits::holds_grant(&mut tx, gate).await? {
                            Some(granted) => passed.granted.extend(granted),
                            None => passed.is_whole = false,
                        }
                        tx.commit().await?;
                    }
                }
                if !passed.granted.is_empty() {
                    passed.woken = store::signals::signals_wake(conn, &passed.granted).await?;
                }
                Ok(passed)
            })
            .await;
        if is_due {
            // One that found something to do was long because of that.
            let has_more = passed.as_ref().is_ok_and(|passed| !passed.granted.is_empty());
            let rest = spacing::rest(began.elapsed(), pool.live.fleet());
            due = Instant::now() + if has_more { Duration::ZERO } else { jittered(rest) };
        }
        // What came free and was not passed on yet is looked for again soon.
        let is_left = match passed {
            Ok(passed) => {
                pool.engine.wakeups().ring(passed.woken);
                !passed.is_whole
            }
            Err(error) => {
                tracing::warn!(%error, "permits could not be passed on");
                was_freed
            }
        };
        was_freed = tokio::select! {
            () = pool.stop.cancelled() => false,
            () = pool.freed.notified() => true,
            () = pause(jittered(PASS_ON_EVERY)) => is_left,
        };
    }
}

/// What came of a look for free permits.
struct Passed {
    granted: Vec<Uuid>,
    /// Queues of those who have a permit now.
    woken: Vec<i16>,
    /// No gate was in somebody else's hand.
    is_whole: bool,
}

impl Default for Passed {
    fn default() -> Passed {
        Passed { granted: Vec::new(), woken: Vec::new(), is_whole: true }
    }
}

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
