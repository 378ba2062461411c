//! The `/_sandbox` endpoints. Bodies are JSON whatever their content type says, so that a plain
//! `curl -d` works.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Json,
    body::Bytes,
    extract::{Query, State as Shared},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::TimeDelta;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    call::{Call, Callee},
    callbacks::CallbackOrder,
    mood::{Mood, Spell},
    number::Number,
    state::State,
    store::TEXTS_MAX,
    text::Text,
    traffic::Traffic,
};

/// A request that cannot be understood: 400, with what would be.
pub(super) struct Misunderstood(pub(super) Value);

impl IntoResponse for Misunderstood {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(self.0)).into_response()
    }
}

#[derive(Deserialize)]
pub(super) struct Recipient {
    to: Option<String>,
}

pub(super) async fn messages(
    Shared(state): Shared<Arc<State>>,
    Query(recipient): Query<Recipient>,
) -> Json<Vec<Text>> {
    let wanted = |text: &Text| recipient.to.as_deref().is_none_or(|to| to == text.to);
    Json(state.texts(wanted, 0, TEXTS_MAX).0)
}

/// The account's numbers, oldest first.
pub(super) async fn numbers(Shared(state): Shared<Arc<State>>) -> Json<Vec<Number>> {
    Json(state.owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TakenBody {
    taken_next: u32,
}

/// So many of the next purchases come too late.
pub(super) async fn take_numbers(
    Shared(state): Shared<Arc<State>>,
    body: Bytes,
) -> Result<StatusCode, Misunderstood> {
    let body: TakenBody = read(&body)?;
    state.market(|market| market.take_next(body.taken_next));
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn requests(Shared(state): Shared<Arc<State>>) -> Json<BTreeMap<String, Traffic>> {
    Json(state.paths())
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
) -> Result<Json<Spell>, Misunderstood> {
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
    state.set_spell(spell);
    Ok(Json(spell))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderBody {
    order: String,
}

pub(super) async fn set_callbacks(
    Shared(state): Shared<Arc<State>>,
    body: Bytes,
) -> Result<Json<Value>, Misunderstood> {
    let body: OrderBody = read(&body)?;
    let Ok(order) = body.order.parse() else {
        let orders = CallbackOrder::ALL.map(CallbackOrder::as_str);
        return Err(Misunderstood(json!({ "error": "unknown order", "orders": orders })));
    };
    state.set_order(order);
    Ok(Json(json!({ "order": order })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OptOutBody {
    phone: String,
}

pub(super) async fn opt_out(
    Shared(state): Shared<Arc<State>>,
    body: Bytes,
) -> Result<StatusCode, Misunderstood> {
    let body: OptOutBody = read(&body)?;
    state.opt_out(body.phone);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    ahead_secs: i64,
}

pub(super) async fn set_clock(
    Shared(state): Shared<Arc<State>>,
    body: Bytes,
) -> Result<StatusCode, Misunderstood> {
    let body: ClockBody = read(&body)?;
    let ahead = TimeDelta::try_seconds(body.ahead_secs)
        .ok_or_else(|| Misunderstood(json!({ "error": "ahead_secs is too far away" })))?;
    state.set_clock_ahead(ahead);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UndeliverableBody {
    phone: String,
    error_code: u32,
}

pub(super) async fn set_undeliverable(
    Shared(state): Shared<Arc<State>>,
    body: Bytes,
) -> Result<StatusCode, Misunderstood> {
    let body: UndeliverableBody = read(&body)?;
    state.set_undeliverable(body.phone, body.error_code);
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CalleeBody {
    callee: String,
}

pub(super) async fn set_callee(
    Shared(state): Shared<Arc<State>>,
    body: Bytes,
) -> Result<StatusCode, Misunderstood> {
    let body: CalleeBody = read(&body)?;
    let callee = Callee::of(&body.callee).ok_or_else(|| {
        let callees = ["answers", "busy", "no-answer"];
        Misunderstood(json!({ "error": "unknown callee", "callees": callees }))
    })?;
    state.set_callee(callee);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn calls(Shared(state): Shared<Arc<State>>) -> Json<Vec<Call>> {
    Json(state.calls())
}

pub(super) async fn reset(Shared(state): Shared<Arc<State>>) -> StatusCode {
    state.reset();
    StatusCode::NO_CONTENT
}

pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Misunderstood> {
    serde_json::from_slice(body)
        .map_err(|error| Misunderstood(json!({ "error": error.to_string() })))
}
