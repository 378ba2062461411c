//! The transaction around what comes in: inbox row and job, one commit, then the answer.

use engine::{Delivery, Tx};
use workflows::door::{self, Event};

use crate::{
    caller::Caller,
    metrics::{self, Webhook},
    problem::Problem,
};

/// Keeps events of one webhook, each once, and commits.
pub(super) async fn keep(mut tx: Tx, events: &[Event], caller: &Caller) -> Result<(), Problem> {
    let mut first = false;
    for event in events {
        let delivery = door::enter(&mut tx, event, caller.traceparent.as_deref()).await?;
        first |= delivery == Delivery::First;
    }
    tx.commit().await?;
    if let Some(event) = events.first() {
        let result = if first { Webhook::Accepted } else { Webhook::Repeated };
        metrics::webhook(event.provider(), result);
    }
    Ok(())
}
