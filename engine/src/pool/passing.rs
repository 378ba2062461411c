//! Passing on permits to hold that came free with the end of a run, and waking who has one without knowing. Any pool does it
//! for all, in any number of processes at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{Pool, claim::jittered, spacing};
use crate::{
    store::{self, db::DbError},
    wakeups::pause,
    workflow::App,
};

/// Permits that come free in another process are found this late at worst.
const EVERY: Duration = Duration::from_millis(500);

/// Jobs that wait with their permit, woken at once.
const SWEPT_MAX: i64 = 1000;

/// Gates that one statement looks at.
const GATES_MAX: usize = 1000;

/// Passes permits on until the pool stops.
pub(super) async fn pass_on<A: App>(pool: Arc<Pool<A>>) {
    let mut due = Instant::now();
    let mut was_freed = false;
    let mut after = Uuid::nil();
    while !pool.stop.is_cancelled() {
        let began = Instant::now();
        let is_due = began >= due;
        let mut round = Round { pool: &pool, granted: 0, is_whole: true };
        let went = round.go(is_due, was_freed, &mut after).await;
        if is_due {
            // One that found something to do was long because of that.
            let rest = spacing::rest(began.elapsed(), pool.live.fleet());
            due = Instant::now() + if round.granted > 0 { Duration::ZERO } else { jittered(rest) };
        }
        // What came free and was not passed on yet is looked for again soon.
        let is_left = match went {
            Ok(()) => !round.is_whole,
            Err(error) => {
                tracing::warn!(%error, "permits could not be passed on");
                was_freed || !after.is_nil()
            }
        };
        was_freed = tokio::select! {
            () = pool.stop.cancelled() => false,
            () = pool.freed.notified() => true,
            () = pause(jittered(EVERY)) => is_left,
        };
    }
}

/// A look for free permits. Whoever was given one is woken at once, so that what goes wrong later costs them nothing.
struct Round<'a, A: App> {
    pool: &'a Pool<A>,
    granted: usize,
    /// No gate was left out.
    is_whole: bool,
}

impl<A: App> Round<'_, A> {
    async fn go(&mut self, is_due: bool, was_freed: bool, after: &mut Uuid) -> Result<(), DbError> {
        if is_due {
            self.sweep().await?;
        }
        if is_due || was_freed {
            self.gates(after).await?;
        }
        Ok(())
    }

    /// Wakes those who have their permit and were not told.
    async fn sweep(&mut self) -> Result<(), DbError> {
        let db = self.pool.engine.db();
        let found = db.run(async |conn| store::permits::holds_sweep(conn, SWEPT_MAX).await).await?;
        self.wake(&found).await
    }

    /// Goes through the gates that are waited for, from the one behind `after` to the last. A round that has failed is gone
    /// on with behind the gate at which it failed.
    async fn gates(&mut self, after: &mut Uuid) -> Result<(), DbError> {
        self.is_whole &= after.is_nil();
        while !self.pool.stop.is_cancelled() {
            let rows_max = i64::try_from(GATES_MAX).unwrap_or(i64::MAX);
            let from = *after;
            let wanted = self
                .pool
                .engine
                .db()
                .run(async |conn| store::permits::holds_wanted(conn, from, rows_max).await)
                .await?;
            for gate in &wanted {
                *after = gate.gate_id;
                if !gate.has_room {
                    continue;
                }
                let db = self.pool.engine.db();
                match db.run(async |conn| store::permits::holds_pass_on(conn, gate).await).await? {
                    Some(granted) => self.wake(&granted).await?,
                    None => self.is_whole = false,
                }
            }
            if wanted.len() < GATES_MAX {
                *after = Uuid::nil();
                break;
            }
        }
        Ok(())
    }

    async fn wake(&mut self, jobs: &[Uuid]) -> Result<(), DbError> {
        if jobs.is_empty() {
            return Ok(());
        }
        self.granted += jobs.len();
        let engine = &self.pool.engine;
        let woken = engine.db().run(async |conn| store::signals::signals_wake(conn, jobs).await);
        engine.wakeups().ring(woken.await?);
        Ok(())
    }
}
