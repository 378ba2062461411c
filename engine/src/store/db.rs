//! A pool whose every use ends: sqlx 0.9 sets no TCP keepalive, so a connection whose peer vanished would hang for as
//! long as the kernel retransmits (about a quarter of an hour).

use std::time::Duration;

use sqlx::{
    Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::time::{Instant, timeout, timeout_at};

use super::nodelay;

/// Long enough for a slow disk, short enough to be done before a lease of ten seconds ends.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// How a transaction begins that may hold locks. One that is idle for longer than any step may take is that of a process
/// that froze or was cut off: its session ends then, or it would keep what it has locked from every rescue.
pub(crate) const BEGIN: &str = "begin; set local idle_in_transaction_session_timeout = '10s'";

/// As [`BEGIN`], for a short one of the engine's own. Others wait for it, so it waits for no lock for long: it fails while
/// its caller still listens ([`CALL_TIMEOUT`]), where one that nobody listens to any more would go on waiting, and keep what
/// it has locked meanwhile.
pub(crate) const BEGIN_OWN: &str = "begin; set local idle_in_transaction_session_timeout = '10s'; \
                                    set local lock_timeout = '2s'";

/// The same for one that tries again and again.
pub(crate) const BEGIN_BRIEF: &str = "begin; set local idle_in_transaction_session_timeout = '10s'; \
                                      set local lock_timeout = '100ms'";

/// As [`BEGIN`], for a step's transaction and for an undo's, which hold their job's lease: seven tenths of what their worker
/// waits for the whole of it for a lock, eight for a statement. The server lets go of what they have locked then; of one
/// on which only the worker has hung up it would keep it for as long as that waits.
pub(crate) const BEGIN_STEP: &str = "begin; set local idle_in_transaction_session_timeout = '10s'; \
                                     set local lock_timeout = '7s'; set local statement_timeout = '8s'";
pub(crate) const BEGIN_UNDO: &str = "begin; set local idle_in_transaction_session_timeout = '10s'; \
                                     set local lock_timeout = '21s'; set local statement_timeout = '24s'";

/// What can go wrong on the way to the database.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The server refused, or the connection broke.
    #[error("the database could not carry out a statement")]
    Sql(#[from] sqlx::Error),
    /// No answer in time; the connection was dropped.
    #[error("the database did not answer in time")]
    TimedOut,
}

impl DbError {
    /// Whether the statement itself is at fault, so that repeating it is of no use.
    pub(crate) fn is_ours(&self) -> bool {
        match self {
            DbError::Sql(sqlx::Error::Database(error)) => {
                // 22 data, 23 constraint, 42 syntax or right, 54 too much: SQLSTATE classes of a wrong request.
                error.code().is_some_and(|code| {
                    ["22", "23", "42", "54"].iter().any(|class| code.starts_with(class))
                })
            }
            DbError::Sql(_) | DbError::TimedOut => false,
        }
    }

    /// Whether it waited too long for what somebody else has locked. Nothing of it has happened.
    pub(crate) fn is_blocked(&self) -> bool {
        matches!(self, DbError::Sql(sqlx::Error::Database(error)) if error.code().as_deref() == Some("55P03"))
    }
}

/// A pool of connections for one purpose.
#[derive(Debug, Clone)]
pub(crate) struct Db {
    pool: PgPool,
}

impl Db {
    pub(crate) fn new(pool: PgPool) -> Db {
        Db { pool }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Runs `f` on a connection. If it takes too long, the connection is closed, not returned. Must not be dropped before it
    /// is done: the pool would wait for the statement's answer for ever, and never lend this connection's place again.
    pub(crate) async fn run<T, F>(&self, f: F) -> Result<T, DbError>
    where
        F: AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    {
        self.run_within(CALL_TIMEOUT, f).await
    }

    /// The same with a limit of its own, of which no more than the usual one is spent on waiting for a connection.
    pub(crate) async fn run_within<T, F>(&self, limit: Duration, f: F) -> Result<T, DbError>
    where
        F: AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    {
        let end = Instant::now() + limit;
        let patience = CALL_TIMEOUT.min(limit);
        let mut connection = match timeout(patience, self.pool.acquire()).await {
            Ok(acquired) => acquired?,
            Err(_) => return Err(DbError::TimedOut),
        };
        if let Ok(done) = timeout_at(end, f(&mut connection)).await {
            Ok(done?)
        } else {
            drop(connection.detach());
            Err(DbError::TimedOut)
        }
    }
}

/// Connections for [`Db::run`]. `ping_first`: asks an idle one whether it still is one before it is lent.
pub(crate) fn connections(options: &PgConnectOptions, max: u32, ping_first: bool) -> PgPool {
    opened(options, max, ping_first).connect_lazy_with(options.clone())
}

/// Connections for callers' transactions, which may be dropped in the middle of a statement. The pool then waits for the
/// answer before it lends the connection again; where the network has swallowed it, that is a quarter of an hour.
pub(crate) fn connections_for_callers(options: &PgConnectOptions, max: u32) -> PgPool {
    let released = opened(options, max, true).after_release(|connection, _| {
        Box::pin(async {
            match timeout(CALL_TIMEOUT, connection.ping()).await {
                Ok(answered) => answered.map(|()| true),
                Err(_) => Err(sqlx::Error::PoolTimedOut),
            }
        })
    });
    released.connect_lazy_with(options.clone())
}

fn opened(options: &PgConnectOptions, max: u32, ping_first: bool) -> PgPoolOptions {
    let port = options.get_port();
    PgPoolOptions::new()
        .after_connect(move |_, _| {
            nodelay::set(port);
            Box::pin(async { Ok(()) })
        })
        .max_connections(max)
        .acquire_timeout(CALL_TIMEOUT)
        .test_before_acquire(ping_first)
        .max_lifetime(Duration::from_mins(30))
}
