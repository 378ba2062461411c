//! A connection that a loop keeps for as long as it has work. sqlx asks a connection whether it is well each time that it is
//! given back, which is a round trip and wakes a server process: as much as a small commit costs.

use std::time::Duration;

use sqlx::{PgConnection, Postgres, pool::PoolConnection};
use tokio::time::{Instant, timeout, timeout_at};

use super::db::{CALL_TIMEOUT, Db, DbError};

/// How long a loop without work keeps it: longer than between two calls of a busy caller, shorter than anybody waits for a
/// connection.
pub(crate) const HOLD_IDLE: Duration = Duration::from_millis(50);

/// How long it is kept however busy the loop is, so that the pool can replace what has become old.
const HOLD_MAX: Duration = Duration::from_mins(1);

/// A pool, and at most one of its connections.
#[derive(Debug)]
pub(crate) struct Held {
    db: Db,
    kept: Option<(PoolConnection<Postgres>, Instant)>,
}

impl Held {
    /// Of `db`; none is taken yet.
    pub(crate) fn of(db: Db) -> Held {
        Held { db, kept: None }
    }

    /// As [`Db::run`], on the connection that is kept. It is kept only if all went well.
    pub(crate) async fn run<T, F>(&mut self, f: F) -> Result<T, DbError>
    where
        F: AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    {
        let end = Instant::now() + CALL_TIMEOUT;
        let (mut connection, since) = match self.kept.take() {
            Some(kept) => kept,
            None => match timeout(CALL_TIMEOUT, self.db.pool().acquire()).await {
                Ok(acquired) => (acquired?, Instant::now()),
                Err(_) => return Err(DbError::TimedOut),
            },
        };
        let Ok(done) = timeout_at(end, f(&mut connection)).await else {
            drop(connection.detach());
            return Err(DbError::TimedOut);
        };
        let done = done?;
        if since.elapsed() < HOLD_MAX {
            self.kept = Some((connection, since));
        }
        Ok(done)
    }

    /// Gives the connection back.
    pub(crate) fn let_go(&mut self) {
        self.kept = None;
    }
}
