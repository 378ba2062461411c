//! Connections that the committer and each pool's claimer keep to themselves. Past any pooler they can say once how their
//! statements are to be planned: a claim is one statement there instead of three round trips, and a commit is not planned
//! anew each time, which takes more than half of a checkpoint's time.

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;

use super::db::{self, Db};

/// One for the committer, one for each pool; a process has two or three pools. Opened when they are needed.
const CONNECTIONS: u32 = 16;

/// As in [`super::ready::PLAN`], from the connection's beginning to its end.
const PLANNED: [(&str, &str); 5] = [
    ("enable_bitmapscan", "off"),
    ("enable_seqscan", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("jit", "off"),
    ("idle_in_transaction_session_timeout", "3s"),
];

/// Where a connection's statements are planned as claims need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Planned {
    /// Everywhere.
    Always,
    /// In transactions that say so: a pooler may stand in between.
    InTransactions,
}

/// Where those loops connect.
#[derive(Debug, Clone)]
pub(crate) struct Loops {
    pub(crate) db: Db,
    pub(crate) planned: Planned,
}

impl Loops {
    /// Past any pooler if that way is known, or else on `shared`.
    pub(crate) fn past_poolers(
        direct_url: Option<&SecretString>,
        shared: &Db,
    ) -> Result<Loops, sqlx::Error> {
        let Some(url) = direct_url else {
            return Ok(Loops { db: shared.clone(), planned: Planned::InTransactions });
        };
        let options: PgConnectOptions = url.expose_secret().parse()?;
        let pool = db::connections(&options.options(PLANNED), CONNECTIONS, false);
        Ok(Loops { db: Db::new(pool), planned: Planned::Always })
    }
}
