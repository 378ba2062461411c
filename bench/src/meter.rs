//! What work costs the database: log bytes, commits and rows, from two looks at the server's own counters.

use sqlx::{FromRow, PgConnection};

/// The counters at one moment.
#[derive(Debug, Clone, Copy, FromRow)]
pub(crate) struct Reading {
    wal_bytes: f64,
    commits: f64,
}

/// What lies between two readings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Bytes of write-ahead log.
    pub(crate) wal_bytes: f64,
    /// Commits, those of looking included.
    pub(crate) commits: f64,
}

pub(crate) async fn read(conn: &mut PgConnection) -> anyhow::Result<Reading> {
    // The counters of a session reach the shared ones when it is idle for a moment; the log position is exact.
    Ok(sqlx::query_as(
        "select (pg_current_wal_insert_lsn() - '0/0')::float8 as wal_bytes, xact_commit::float8 as commits
         from pg_stat_database where datname = current_database()",
    )
    .fetch_one(conn)
    .await?)
}

impl Reading {
    pub(crate) fn until(self, later: Reading) -> Cost {
        Cost { wal_bytes: later.wal_bytes - self.wal_bytes, commits: later.commits - self.commits }
    }
}
