//! How what comes in is kept: inbox row and job, one commit, then the answer.

use engine::{Delivery, Tx};
use workflows::door::{self, Event};

use crate::{
    caller::Caller,
    metrics::{self, Webhook},
    problem::Problem,
    state::ApiState,
};

/// Keeps events of one webhook, each once, and commits.
pub(super) async fn keep(mut tx: Tx, events: &[Event], caller: &Caller) -> Result<(), Problem> {
    let mut all = Vec::new();
    for event in events {
        all.push(door::enter(&mut tx, event, caller.traceparent.as_deref()).await?);
    }
    tx.commit().await?;
    if let Some(event) = events.first() {
        count(event, &all);
    }
    Ok(())
}

/// Keeps the event of a webhook that nothing else is written or read for, once.
pub(super) async fn keep_alone(
    state: &ApiState,
    event: &Event,
    caller: &Caller,
) -> Result<(), Problem> {
    let delivery = door::enter_alone(state.engine(), event, caller.traceparent.as_deref()).await?;
    count(event, &[delivery]);
    Ok(())
}

fn count(event: &Event, deliveries: &[Delivery]) {
    let is_new = deliveries.contains(&Delivery::First);
    metrics::webhook(event.provider(), if is_new { Webhook::Accepted } else { Webhook::Repeated });
}
