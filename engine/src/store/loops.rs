//! Connections that the committer, each pool's claimer and its timers keep to themselves. Past any pooler they can say once
//! how their statements are to be planned: a claim is one statement there instead of three round trips, and a commit is not
//! planned anew each time, which takes more than half of a checkpoint's time.

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;

use super::{
    db::{self, Db},
    in_the_clear,
};

/// One for the committer, two for each pool; a process has two or three pools. Opened when they are needed.
const CONNECTIONS: u32 = 16;

/// Without statistics (`ready` is never analysed, docs/decisions/0001 says why) the planner expects so few rows that it
/// fetches a whole queue and sorts it: 50,000 rows for a claim of 16. Planned once for a connection and not for each claim,
/// which took 3 ms of it; never compiled, which takes longer than it runs. And a process that is stopped before its commit
/// must not keep what it has locked.
const PLANNED: [(&str, &str); 5] = [
    ("enable_bitmapscan", "off"),
    ("enable_seqscan", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("jit", "off"),
    ("idle_in_transaction_session_timeout", "3s"),
];

/// The same for one transaction.
const BEGIN_PLANNED: &str = "begin; set local enable_bitmapscan = 'off'; set local enable_seqscan = 'off'; \
                             set local plan_cache_mode = 'force_generic_plan'; set local jit = 'off'; \
                             set local idle_in_transaction_session_timeout = '3s'";

/// Where a connection's statements are planned as claims need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Planned {
    /// Everywhere.
    Always,
    /// In transactions that say so: a pooler may stand in between.
    InTransactions,
}

impl Planned {
    /// How a transaction begins in which jobs are claimed.
    pub(crate) const fn begin(self) -> &'static str {
        match self {
            Planned::Always => "begin",
            Planned::InTransactions => BEGIN_PLANNED,
        }
    }
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
        in_the_clear::warn_of("DATABASE_DIRECT_URL", &options);
        let pool = db::connections(&options.options(PLANNED), CONNECTIONS, false);
        Ok(Loops { db: Db::new(pool), planned: Planned::Always })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_is_planned_as_a_connection_is() {
        let said = PLANNED.map(|(name, value)| format!("set local {name} = '{value}'")).join("; ");
        assert_eq!(BEGIN_PLANNED, format!("begin; {said}"));
    }
}
