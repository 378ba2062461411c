//! `POST /_sandbox/calls` places a call; `GET /_sandbox/calls/{sid}` tells its story; `POST /_sandbox/calls/{sid}` makes the caller
//! do something.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State as Shared},
    http::StatusCode,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Deed, Delays, Oddity, Placement, Recording, Story, call};
use crate::twilio::{
    control::{Misunderstood, calls, read},
    state::State,
};

/// Faster than this the machine and not the call is measured.
const SPEED_MAX: u32 = 1_000;

/// All of them.
pub(in crate::twilio) fn routes() -> Router<Arc<State>> {
    Router::new()
        .route("/_sandbox/calls", get(calls).post(place))
        .route("/_sandbox/calls/{call}", post(act).get(tell))
}

/// A call to be placed. Where addresses are not given, those of the number hold, and then the sandbox's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlacementBody {
    from: String,
    to: String,
    url: Option<String>,
    status_url: Option<String>,
    sid: Option<String>,
    #[serde(default)]
    script: Vec<Deed>,
    speed: Option<u32>,
    chars_per_sec: Option<u32>,
    patience_ms: Option<u64>,
    #[serde(default)]
    oddity: Oddity,
    /// `after` or `before` the call is told of.
    recording: Option<String>,
    recording_url: Option<String>,
}

async fn place(
    Shared(state): Shared<Arc<State>>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Misunderstood> {
    let bad = |why: &str| Misunderstood(json!({ "error": why }));
    let body: PlacementBody = read(&body)?;
    let number = state.owned().into_iter().find(|number| number.phone == body.to);
    let told = |url: &str| Some(url.to_owned()).filter(|url| !url.is_empty());
    let own = |url: &Option<url::Url>| url.as_ref().map(ToString::to_string);
    let url = body
        .url
        .or_else(|| number.as_ref().and_then(|number| told(&number.voice_url)))
        .or_else(|| own(&state.options.voice_url))
        .ok_or_else(|| bad("url: where is the number's webhook?"))?;
    let status_url = body
        .status_url
        .or_else(|| number.as_ref().and_then(|number| told(&number.status_url)))
        .or_else(|| own(&state.options.status_url));
    let recording_url = body.recording_url.or_else(|| status_url.clone()).unwrap_or_default();
    let mut placement = Placement::new(body.from, body.to, url);
    placement.status_url = status_url;
    placement.sid = body.sid;
    placement.script = body.script;
    placement.speed = body.speed.unwrap_or(1).clamp(1, SPEED_MAX);
    placement.chars_per_sec = body.chars_per_sec.unwrap_or(placement.chars_per_sec).max(1);
    placement.patience = body.patience_ms.map_or(placement.patience, Duration::from_millis);
    placement.oddity = body.oddity;
    placement.recording = match body.recording.as_deref() {
        None => Recording::None,
        Some("after") => Recording::ToldAfter(recording_url),
        Some("before") => Recording::ToldBefore(recording_url),
        Some(_) => return Err(bad("recording: after or before")),
    };
    let call = call::place(&state, "", placement);
    Ok((StatusCode::CREATED, Json(json!({ "sid": call.sid() }))))
}

/// A call's story, with its delays in short.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    story: Story,
    delay_ms: Option<Delays>,
}

async fn tell(
    Shared(state): Shared<Arc<State>>,
    Path(sid): Path<String>,
) -> Result<Json<Told>, StatusCode> {
    let live = state.live(&sid).ok_or(StatusCode::NOT_FOUND)?;
    let story = live.story();
    Ok(Json(Told { delay_ms: story.delay_ms(), story }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActBody {
    then: Deed,
}

async fn act(
    Shared(state): Shared<Arc<State>>,
    Path(sid): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Misunderstood> {
    let body: ActBody = read(&body)?;
    let Some(live) = state.live(&sid) else {
        return Ok(StatusCode::NOT_FOUND);
    };
    if body.then == Deed::HangUp {
        live.end();
    } else if !live.then(body.then) {
        return Ok(StatusCode::TOO_MANY_REQUESTS);
    }
    Ok(StatusCode::NO_CONTENT)
}
