//! The `/_sandbox` endpoints. Bodies are JSON whatever their content type says, so that a plain `curl -d` works.

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
use url::Url;

use super::{
    drift::Drift,
    memory::{Charge, Subscription, Usage},
    mood::Mood,
    render::Shape,
    state::State,
    webhooks::Order,
};
use crate::{spell::Spell, traffic::Traffic};

type Sandbox = Shared<Arc<State>>;

/// A request that cannot be understood: 400, with what would be.
pub(super) struct Misunderstood(Value);

impl IntoResponse for Misunderstood {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, Json(self.0)).into_response()
    }
}

fn misunderstood(why: impl Into<Value>) -> Misunderstood {
    Misunderstood(json!({ "error": why.into() }))
}

#[derive(Deserialize)]
pub(super) struct Whose {
    customer: Option<String>,
}

pub(super) async fn subscriptions(
    Shared(state): Sandbox,
    Query(whose): Query<Whose>,
) -> Json<Vec<Subscription>> {
    let theirs = |it: &&Subscription| whose.customer.as_ref().is_none_or(|id| *id == it.customer);
    Json(state.read(|memory| memory.subscriptions.iter().filter(theirs).cloned().collect()))
}

pub(super) async fn charges(Shared(state): Sandbox) -> Json<Vec<Charge>> {
    Json(state.read(|memory| memory.charges.iter().cloned().collect()))
}

pub(super) async fn usage(Shared(state): Sandbox) -> Json<Vec<Usage>> {
    Json(state.read(|memory| memory.usage.clone()))
}

pub(super) async fn requests(Shared(state): Sandbox) -> Json<BTreeMap<String, Traffic>> {
    Json(state.read(|memory| memory.paths.snapshot()))
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
    Shared(state): Sandbox,
    body: Bytes,
) -> Result<Json<Spell<Mood>>, Misunderstood> {
    let body: MoodBody = read(&body)?;
    let Ok(mood) = body.mood.parse() else {
        let moods = Mood::ALL.map(Mood::as_str);
        return Err(Misunderstood(json!({ "error": "unknown mood", "moods": moods })));
    };
    if body.for_requests == Some(0) {
        return Err(misunderstood("for_requests must be at least 1"));
    }
    if body.ratio.is_some_and(|ratio| !(0.0..=1.0).contains(&ratio)) {
        return Err(misunderstood("ratio must be between 0 and 1"));
    }
    let delay = body.delay_ms.map(Duration::from_millis);
    let spell = Spell { mood, for_requests: body.for_requests, ratio: body.ratio, delay };
    state.change(|memory| memory.spell = spell);
    Ok(Json(spell))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhooksBody {
    url: Option<String>,
    order: Option<String>,
}

pub(super) async fn set_webhooks(
    Shared(state): Sandbox,
    body: Bytes,
) -> Result<StatusCode, Misunderstood> {
    let body: WebhooksBody = read(&body)?;
    if let Some(order) = body.order {
        let Ok(order) = order.parse() else {
            let orders = Order::ALL.map(Order::as_str);
            return Err(Misunderstood(json!({ "error": "unknown order", "orders": orders })));
        };
        state.change(|memory| memory.order = order);
    }
    if let Some(url) = body.url {
        let url = Url::parse(&url).map_err(|error| misunderstood(error.to_string()))?;
        state.set_endpoint(Some(url));
    }
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShapeBody {
    shape: Option<Shape>,
}

pub(super) async fn set_shape(
    Shared(state): Sandbox,
    body: Bytes,
) -> Result<StatusCode, Misunderstood> {
    let ShapeBody { shape } = read(&body)?;
    state.change(|memory| memory.shape = shape);
    Ok(StatusCode::NO_CONTENT)
}

/// More than that would not fit into memory beside a database.
const SEED_MAX: u64 = 1_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedBody {
    subscriptions: u64,
    price: String,
    #[serde(default)]
    unit_amount_cents: i64,
    #[serde(default)]
    age_secs: i64,
}

pub(super) async fn seed(Shared(state): Sandbox, body: Bytes) -> Result<StatusCode, Misunderstood> {
    let body: SeedBody = read(&body)?;
    if body.subscriptions > SEED_MAX {
        return Err(misunderstood(format!("at most {SEED_MAX} subscriptions")));
    }
    state.change(|memory| {
        if memory.prices.get(&body.price).is_none() {
            memory.put_price(&body.price, body.unit_amount_cents);
        }
        memory.seed(body.subscriptions, &body.price, body.age_secs);
    });
    Ok(StatusCode::NO_CONTENT)
}

/// One subscription, or every so-many-th.
#[derive(Deserialize)]
#[serde(untagged)]
enum DriftBody {
    One { subscription: String, set: Drift },
    Every { every: usize, price: String },
}

pub(super) async fn drift(
    Shared(state): Sandbox,
    body: Bytes,
) -> Result<Json<Value>, Misunderstood> {
    let drifted = match read(&body)? {
        DriftBody::One { subscription, set } => {
            usize::from(state.change(|memory| memory.drift(&subscription, set)))
        }
        DriftBody::Every { every, price } => {
            state.change(|memory| memory.drift_every(every, &price))
        }
    };
    Ok(Json(json!({ "drifted": drifted })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    ahead_secs: i64,
}

pub(super) async fn set_clock(
    Shared(state): Sandbox,
    body: Bytes,
) -> Result<StatusCode, Misunderstood> {
    let body: ClockBody = read(&body)?;
    let ahead = TimeDelta::try_seconds(body.ahead_secs)
        .ok_or_else(|| misunderstood("ahead_secs is too far away"))?;
    state.change(|memory| memory.clock.ahead = ahead);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn reset(Shared(state): Sandbox) -> StatusCode {
    state.reset();
    StatusCode::NO_CONTENT
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Misunderstood> {
    serde_json::from_slice(body).map_err(|error| misunderstood(error.to_string()))
}
