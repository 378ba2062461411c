//! Is it well? `GET /health` answers from notes that a watcher keeps; it never makes the database answer. What somebody on call
//! wants to know asks everything, for a moment: [`detailed`].

mod detailed; // all of it, in one answer
mod look; // what is asked of the database
mod wrong; // what of it is not as it should be

use std::time::Duration;

use axum::{Json, extract::State};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

pub(crate) use self::detailed::detailed;
use crate::state::ApiState;

/// How often the watcher looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Three looks missed: then the watcher itself hangs, and its last note is worth nothing.
const NOTE_FRESH_FOR: Duration = Duration::from_secs(15);

/// Watches the database until `closing`.
pub(crate) async fn watch(state: ApiState, closing: CancellationToken) {
    let database = state.probes().check_fresh("database", NOTE_FRESH_FOR);
    let mut tick = tokio::time::interval(LOOK_EVERY);
    while closing.run_until_cancelled(tick.tick()).await.is_some() {
        match state.engine().ping().await {
            Ok(_) => database.pass(),
            // Whoever may ask must not learn more than that.
            Err(_) => database.fail("does not answer"),
        }
    }
}

pub(crate) async fn health(State(state): State<ApiState>) -> Json<Value> {
    let states = state.probes().states();
    let well = states.iter().all(|check| check.failing.is_none());
    let checks: Map<_, _> = states
        .iter()
        .map(|check| (check.name.to_owned(), check.failing.is_none().into()))
        .collect();
    Json(json!({
        "status": if well { "healthy" } else { "degraded" },
        "timestamp": wall_time().to_rfc3339_opts(SecondsFormat::Millis, true),
        "version": env!("CARGO_PKG_VERSION"),
        "checks": checks,
    }))
}

#[expect(
    clippy::disallowed_methods,
    reason = "shown to people; nothing is decided by it, and the database may be away"
)]
fn wall_time() -> DateTime<Utc> {
    Utc::now()
}
