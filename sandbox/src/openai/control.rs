//! The `/_sandbox` endpoints. Bodies are JSON whatever their content type says, so that a plain `curl -d` works.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::State as Shared,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    chat::Completion,
    state::{Memory, State},
};
use crate::{spell::Spell, traffic::Traffic, twilio::Mood};

/// A request that cannot be understood: 400, with what would be.
pub(super) struct Misunderstood(pub(super) Value);

impl IntoResponse for Misunderstood {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(self.0)).into_response()
    }
}

pub(super) async fn completions(Shared(state): Shared<Arc<State>>) -> Json<Vec<Completion>> {
    Json(state.change(|memory| memory.completions.iter().cloned().collect()))
}

pub(super) async fn requests(Shared(state): Shared<Arc<State>>) -> Json<BTreeMap<String, Traffic>> {
    Json(state.change(|memory| memory.paths.snapshot()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoodBody {
    mood: String,
    for_requests: Option<u64>,
    ratio: Option<f64>,
    delay_ms: Option<u64>,
}

pub(super) async fn set_mood(
    Shared(state): Shared<Arc<State>>,
    body: Bytes,
) -> Result<Json<Spell<Mood>>, Misunderstood> {
    let body: MoodBody = read(&body)?;
    let Ok(mood) = body.mood.parse() else {
        let moods = Mood::ALL.map(Mood::as_str);
        return Err(Misunderstood(json!({ "error": "unknown mood", "moods": moods })));
    };
    if body.for_requests == Some(0) {
        return Err(Misunderstood(json!({ "error": "for_requests must be at least 1" })));
    }
    if body.ratio.is_some_and(|ratio| !(0.0..=1.0).contains(&ratio)) {
        return Err(Misunderstood(json!({ "error": "ratio must be between 0 and 1" })));
    }
    let delay = body.delay_ms.map(Duration::from_millis);
    let spell = Spell { mood, for_requests: body.for_requests, ratio: body.ratio, delay };
    state.change(|memory| memory.spell = spell);
    Ok(Json(spell))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    answer: Option<String>,
}

pub(super) async fn set_answer(
    Shared(state): Shared<Arc<State>>,
    body: Bytes,
) -> Result<StatusCode, Misunderstood> {
    let body: AnswerBody = read(&body)?;
    state.change(|memory| memory.answer = body.answer);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn reset(Shared(state): Shared<Arc<State>>) -> StatusCode {
    state.change(|memory| *memory = Memory::default());
    StatusCode::NO_CONTENT
}

pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Misunderstood> {
    serde_json::from_slice(body)
        .map_err(|error| Misunderstood(json!({ "error": error.to_string() })))
}
