//! What reconcilers have in common that look for what a provider did and never told: how long a webhook may be late, and the
//! way in.

use chrono::TimeDelta;
use engine::{Delivery, Failure, Tx};
use serde::{Deserialize, Serialize};

use crate::{
    door::{self, Event},
    metrics,
};

/// A webhook is late, not lost, for so long: it is repeated within seconds, a restart of ours takes a minute.
pub(crate) const LATE: TimeDelta = TimeDelta::minutes(15);

/// What was found in a provider's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// What should have been told, and was looked for in the inbox.
    pub looked_at: u64,
    /// What nobody had told us.
    pub gaps: u64,
    /// Whether the lists were read to their ends.
    pub complete: bool,
}

impl Found {
    /// Nothing yet, of all there is.
    pub(crate) const NOTHING: Found = Found { looked_at: 0, gaps: 0, complete: true };
}

/// Brings in what has not come, and says how much that was. What is known costs a look, not a write.
pub(crate) async fn enter(
    tx: &mut Tx,
    told: &[Event],
    object: fn(&Event) -> &'static str,
) -> Result<u64, Failure> {
    let Some(first) = told.first() else { return Ok(0) };
    let keys: Vec<String> = told.iter().map(Event::natural_key).collect();
    let known = tx.inbox_known(first.provider(), &keys).await?;
    let mut gaps = 0;
    for event in told.iter().filter(|event| !known.contains(&event.natural_key())) {
        if door::enter(tx, event, None).await? == Delivery::First {
            metrics::gap(event.provider(), object(event));
            gaps += 1;
        }
    }
    Ok(gaps)
}
