//! The `/_sandbox/realtime` endpoints.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State as Shared,
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::json;

use super::{
    mood::{RealtimeMood, RealtimeSpell},
    record::RealtimeSession,
};
use crate::openai::{
    control::{Misunderstood, read},
    state::State,
};

/// All of them.
pub(crate) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/_sandbox/realtime", get(sessions))
        .route("/_sandbox/realtime/mood", post(set_mood))
        .route("/_sandbox/realtime/end", post(end))
}

async fn sessions(Shared(state): Shared<Arc<State>>) -> Json<Vec<RealtimeSession>> {
    Json(state.change(|memory| memory.realtime.all()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoodBody {
    mood: String,
    times: Option<u64>,
    delay_ms: Option<u64>,
}

async fn set_mood(
    Shared(state): Shared<Arc<State>>,
    body: Bytes,
) -> Result<Json<RealtimeSpell>, Misunderstood> {
    let body: MoodBody = read(&body)?;
    let Ok(mood) = body.mood.parse() else {
        let moods = RealtimeMood::ALL.map(RealtimeMood::as_str);
        return Err(Misunderstood(json!({ "error": "unknown mood", "moods": moods })));
    };
    if body.times == Some(0) {
        return Err(Misunderstood(json!({ "error": "times must be at least 1" })));
    }
    let delay = body.delay_ms.map(Duration::from_millis);
    let spell = RealtimeSpell { mood, times: body.times, delay };
    state.change(|memory| memory.realtime_spell = spell);
    Ok(Json(spell))
}

/// Cuts every connection, as a failure of the whole service would.
async fn end(Shared(state): Shared<Arc<State>>) -> StatusCode {
    state.end_conversations();
    StatusCode::NO_CONTENT
}
