//! Events on their way to us: signed, and with Stripe's vices. <https://docs.stripe.com/webhooks>

use std::{str::FromStr, sync::Arc, time::Duration};

use clients::stripe::signature;
use rand::seq::SliceRandom;
use serde::Serialize;
use tokio::time::timeout;
use tracing::debug;
use url::Url;

use super::{events::Event, state::State};

/// Stripe's own limit is not told; ours answers within a second.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// Stripe tries for days; here a webhook that is refused so often is lost, for a gap to be found.
const TRIES_MAX: u32 = 5;

/// How events arrive. Stripe promises no order, and repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As they happened.
    #[default]
    InOrder,
    /// Those of a moment in any order.
    Shuffled,
    /// Each twice, with signatures of their own.
    Duplicated,
    /// None arrives.
    None,
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 4] = [Self::InOrder, Self::Shuffled, Self::Duplicated, Self::None];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InOrder => "in_order",
            Self::Shuffled => "shuffled",
            Self::Duplicated => "duplicated",
            Self::None => "none",
        }
    }
}

impl FromStr for Order {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|order| order.as_str() == name).ok_or(())
    }
}

/// Tells what has happened until told to stop.
pub(super) async fn run(state: Arc<State>, http: reqwest::Client) {
    let mut changes = state.changes();
    while !state.stop.is_cancelled() {
        changes.mark_unchanged();
        let batch = gather(&state);
        if batch.is_empty() {
            tokio::select! {
                () = state.stop.cancelled() => return,
                heard = changes.changed() => if heard.is_err() { return },
            }
            continue;
        }
        let _ = timeout(state.options.webhook_delay, state.stop.cancelled()).await;
        if let Some(url) = state.endpoint() {
            for event in &batch {
                tell(&state, &http, &url, event).await;
            }
        }
        state.change(|memory| memory.telling = false);
    }
}

/// What is to be told now, in the order of the day.
fn gather(state: &State) -> Vec<Event> {
    if state.read(|memory| memory.untold.is_empty()) {
        return Vec::new();
    }
    state.change(|memory| {
        let untold = std::mem::take(&mut memory.untold);
        let mut batch: Vec<_> =
            untold.iter().filter_map(|id| memory.events.get(id)).cloned().collect();
        match memory.order {
            Order::InOrder => {}
            Order::Shuffled => batch.shuffle(&mut memory.random),
            Order::Duplicated => {
                batch = batch.into_iter().flat_map(|event| [event.clone(), event]).collect();
            }
            Order::None => batch.clear(),
        }
        memory.telling = !batch.is_empty();
        batch
    })
}

async fn tell(state: &State, http: &reqwest::Client, url: &Url, event: &Event) {
    let body = event.body.to_string();
    for attempt in 1..=TRIES_MAX {
        let now = state.read(|memory| memory.clock.now());
        let header = signature::sign(body.as_bytes(), now, &state.options.webhook_secret);
        let request = http
            .post(url.clone())
            .header("Stripe-Signature", header)
            .header("Content-Type", "application/json; charset=utf-8")
            .body(body.clone());
        match request.send().await {
            Ok(answer) if answer.status().is_success() => return,
            Ok(answer) => {
                debug!(status = answer.status().as_u16(), attempt, "a webhook was refused");
            }
            Err(error) => debug!(error = %error.without_url(), attempt, "a webhook did not arrive"),
        }
        if timeout(state.options.webhook_delay, state.stop.cancelled()).await.is_ok() {
            return;
        }
    }
}
