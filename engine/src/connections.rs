//! How many connections this process has to the database, shown as gauges: an exhausted pool looks like a slow database, and
//! nothing else tells the two apart.

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// Connections for look-ups of the engine itself: mostly for reading pasts of runs. Where there is no way past a pooler, the
/// committer and each pool's claimer need one of them, too.
pub(crate) const ENGINE_CONNECTIONS: u32 = 8;

/// Connections for heartbeats alone, so that no burst of work can keep a worker from renewing its lease.
pub(crate) const HEARTBEAT_CONNECTIONS: u32 = 2;

/// Connections for operators' lists and details, so that none of their questions can hold up a claim.
pub(crate) const READING_CONNECTIONS: u32 = 3;

/// How often they are counted. Counting touches no connection.
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// A pool of connections and what it is for.
pub(crate) type Named = (&'static str, PgPool);

/// Shows them until the engine stops.
pub(crate) async fn show(pools: Vec<Named>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(COUNT_EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        for (name, pool) in &pools {
            let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
            let counted = count(pool.size(), idle, pool.options().get_max_connections());
            crate::metrics::connections(name, counted);
        }
    }
}

/// Lent, idle, and not opened: together as many as may be open. The two numbers are read one after the other, so that either
/// may be the newer one.
fn count(open: u32, idle: u32, max: u32) -> [(&'static str, u32); 3] {
    let open = open.min(max);
    let idle = idle.min(open);
    [("in_use", open - idle), ("idle", idle), ("unopened", max - open)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_states_of_connections_add_up_to_what_may_be_open() {
        assert_eq!(count(10, 4, 16), [("in_use", 6), ("idle", 4), ("unopened", 6)]);
        assert_eq!(count(3, 5, 16), [("in_use", 0), ("idle", 3), ("unopened", 13)]);
        assert_eq!(count(17, 0, 16), [("in_use", 16), ("idle", 0), ("unopened", 0)]);
    }
}
