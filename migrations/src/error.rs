//! Why a database could not be made or brought up to date.

/// Why a database could not be made or brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL cannot be read. It is not shown, it holds a password.
    #[error("the database's URL cannot be read")]
    Url,
    /// A name that we will not put into a statement.
    #[error("{0:?} is no name for a database: a-z, 0-9 and _ only, at most 63, no digit first")]
    Name(String),
    /// A statement failed.
    #[error("could not {what}")]
    Statement {
        /// What it was for.
        what: String,
        /// The database's answer.
        #[source]
        source: sqlx::Error,
    },
    /// The database did not answer in time.
    #[error("the database took more than {secs} s to {what}")]
    Timeout {
        /// What was asked.
        what: String,
        /// How long we waited, in seconds.
        secs: u64,
    },
    /// Another process holds the lock for too long.
    #[error("another process has been migrating for {secs} s; this one gave up waiting")]
    Locked {
        /// How long we waited, in seconds.
        secs: u64,
    },
    /// The database was migrated by a newer binary.
    #[error(
        "the database is newer than this binary: it has migration {0}, which is unknown here; deploy a newer binary"
    )]
    Newer(i64),
    /// A migration was edited after it had been applied.
    #[error(
        "migration {0} was changed after it had been applied; history is append-only, add a new one instead"
    )]
    Changed(i64),
    /// A migration failed. Those before it stay applied.
    #[error("migration {version} ({name}) failed")]
    Migration {
        /// Its version.
        version: i64,
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// `pg_dump` is not there or failed.
    #[error("pg_dump failed: {0}")]
    Dump(String),
}
