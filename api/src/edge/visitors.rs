//! How often one address asks for what people use, or does what it should not.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use domain::limits::{self, Hit};
use parking_lot::Mutex;

use crate::{caller::Caller, client_ip, problem::Problem, rate::Limit, state::ApiState};

/// An address that was refused is not asked about again for so long: a flood costs the database one statement a second, and
/// whose window is over comes in a moment late at worst.
const REFUSED_FOR: Duration = Duration::from_secs(1);

/// Addresses that are remembered as refused: a few hundred kilobytes. More of them are counted as usual.
const REMEMBERED_MAX: usize = 10_000;

/// Who was refused a moment ago. What is allowed is counted in the database, over all instances.
#[derive(Debug, Default)]
pub(crate) struct Visitors(Mutex<HashMap<Vec<u8>, Refused>>);

#[derive(Debug, Clone, Copy)]
struct Refused {
    at: Instant,
    retry_after: Duration,
}

impl Visitors {
    /// Counts a visit; an error: there were too many.
    pub(crate) async fn count(
        &self,
        state: &ApiState,
        caller: &Caller,
        limit: Limit,
    ) -> Result<(), Problem> {
        // Who was refused at one limit was not at another.
        let address = [limit.scope.as_bytes(), &client_ip::counted(caller.ip)].concat();
        let hit = match self.recall(&address, Instant::now()) {
            Some(retry_after) => Hit::Refused { retry_after },
            None => hit(state, caller, limit).await?,
        };
        if let Hit::Refused { retry_after } = hit {
            self.remember(address, retry_after, Instant::now());
        }
        caller.standing.judge(limit, hit)
    }

    fn recall(&self, address: &[u8], now: Instant) -> Option<Duration> {
        let refused = *self.0.lock().get(address)?;
        let ago = now.saturating_duration_since(refused.at);
        (ago < REFUSED_FOR).then(|| refused.retry_after.saturating_sub(ago))
    }

    fn remember(&self, address: Vec<u8>, retry_after: Duration, now: Instant) {
        let mut all = self.0.lock();
        let is_fresh = |refused: &Refused| now.saturating_duration_since(refused.at) < REFUSED_FOR;
        // One that is still remembered keeps its time, or a flood would never be counted again.
        if all.get(&address).is_some_and(is_fresh) {
            return;
        }
        if all.len() >= REMEMBERED_MAX {
            all.retain(|_, refused| is_fresh(refused));
        }
        if all.len() < REMEMBERED_MAX {
            all.insert(address, Refused { at: now, retry_after });
        }
    }
}

/// In a transaction of its own: it counts whatever becomes of the request.
async fn hit(state: &ApiState, caller: &Caller, limit: Limit) -> Result<Hit, Problem> {
    let key = caller.ip_digest(&state.config().pepper);
    let mut tx = state.begin().await?;
    let hit = limits::hit(&mut tx, limit.scope, &key, limit.max, limit.window).await?;
    tx.commit().await?;
    Ok(hit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECS: Duration = Duration::from_secs(30);

    #[test]
    fn who_was_refused_is_remembered_for_a_moment_and_not_longer() {
        let (visitors, now) = (Visitors::default(), Instant::now());
        assert_eq!(visitors.recall(b"a", now), None);
        visitors.remember(b"a".to_vec(), SECS, now);
        let half = now + REFUSED_FOR / 2;
        let left = SECS.saturating_sub(REFUSED_FOR / 2);
        assert_eq!(visitors.recall(b"a", half), Some(left));
        assert_eq!(visitors.recall(b"b", half), None);
        visitors.remember(b"a".to_vec(), SECS, half);
        assert_eq!(visitors.recall(b"a", now + REFUSED_FOR), None, "its time goes on");
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let (visitors, now) = (Visitors::default(), Instant::now());
        for n in 0..=REMEMBERED_MAX {
            visitors.remember(n.to_be_bytes().to_vec(), SECS, now);
        }
        assert_eq!(visitors.0.lock().len(), REMEMBERED_MAX);
        visitors.remember(b"later".to_vec(), SECS, now + REFUSED_FOR);
        assert_eq!(visitors.0.lock().len(), 1, "what is over makes room");
    }
}
