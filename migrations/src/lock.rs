//! One migrator at a time. A session lock that is *tried* again and again: waiting inside the database would
//! hold a snapshot, and an index that is built concurrently waits for all snapshots: a deadlock.
//!
//! The lock belongs to the connection. A migrator that is killed loses both.

use std::time::{Duration, Instant};

use sqlx::PgConnection;

use crate::{
    Error,
    connection::{STATEMENT, within},
};

/// What is locked. Locks are per database; whoever holds `Template` takes the others too, in this order.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lock {
    Template,
    Provision,
    Migrate,
}

/// Distinguishes our locks from those of others in the same database: "trunkl" in ASCII, and two bytes of ours.
const NAMESPACE: i64 = 0x7472_756e_6b6c_0000;

/// Nothing tells us when the lock becomes free.
const TRY_EVERY: Duration = Duration::from_millis(100);

/// Takes the lock for as long as the connection lives.
pub(crate) async fn hold(
    connection: &mut PgConnection,
    lock: Lock,
    patience: Duration,
) -> Result<(), Error> {
    let deadline = Instant::now() + patience;
    while !try_once(connection, lock).await? {
        if Instant::now() > deadline {
            return Err(Error::Locked { secs: patience.as_secs() });
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "a lock of another process cannot be awaited, see above"
        )]
        tokio::time::sleep(TRY_EVERY).await;
    }
    Ok(())
}

async fn try_once(connection: &mut PgConnection, lock: Lock) -> Result<bool, Error> {
    let asked = sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(NAMESPACE + lock as i64);
    within("take the migrators' lock", STATEMENT, asked.fetch_one(connection)).await
}
