//! Queues: how they stand, and what is set on them.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use engine::{DEPTH_MAX, Depth, QueueStand, Thing};
use serde_json::{Map, Value, json};

use super::{
    deed::{BareOrder, Order},
    key::Operator,
    steer::flag,
    tags::Asked,
};
use crate::{
    idempotency::{Done, Stop},
    json::{Fields, Query},
    problem::{Code, Problem},
    state::ApiState,
};

/// A pause of a year is none that ends by itself.
const PAUSE_SECS_MAX: u64 = 366 * 24 * 3600;

/// More at once than all the workers of any fleet of ours.
const AT_ONCE_MAX: u64 = 1_000_000;

/// A job that may wait for a day has no target.
const TARGET_MS_MAX: u64 = 24 * 3600 * 1000;

/// `GET /v1/admin/queues`: all of them, with how many jobs stand in each, and why. `kept=false`: without a sample of what
/// keeps them.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
    Query(mut query): Query,
) -> Result<Json<Value>, Problem> {
    let kept = query.optional("kept", |word| word.parse().map_err(|_| "must be true or false"));
    query.refuse_others();
    query.finish(Some(()))?;
    let items = all(&state, kept.unwrap_or(true)).await?;
    Ok(Json(json!({ "items": items, "counted_to": DEPTH_MAX })))
}

/// `GET /v1/admin/queues/{name}`.
pub(crate) async fn get(
    State(state): State<ApiState>,
    _: Operator,
    asked: Asked,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let missing = || Problem::new(Code::NotFound, "there is no queue of this name");
    let version = state.engine().version(Thing::Queue(&name)).await?.ok_or_else(missing)?;
    let show = async || {
        let all = all(&state, true).await?;
        all.into_iter().find(|queue| queue["name"] == name.as_str()).ok_or_else(missing)
    };
    asked.answer(version, show).await
}

/// `POST /v1/admin/queues/{name}/pause`: `{"for_secs"?,"reason"}`.
pub(crate) async fn pause(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let for_up_to = order.fields.whole("for_secs", 1..=PAUSE_SECS_MAX);
    let (secs, mut deed) = order.begin_with_reason(&state, Some(for_up_to)).await?;
    let for_up_to = secs.map(Duration::from_secs);
    deed.hold(Thing::Queue(&name)).await?;
    deed.tx.pause_queue(&name, for_up_to, &deed.by).await?;
    let details = json!({ "queue": name, "for_secs": secs });
    deed.done("queue.paused", details, Done::ok(json!({ "name": name }))).await
}

/// `POST /v1/admin/queues/{name}/resume`.
pub(crate) async fn resume(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    deed.hold(Thing::Queue(&name)).await?;
    deed.tx.resume_queue(&name, &deed.by).await?;
    let details = json!({ "queue": name });
    deed.done("queue.resumed", details, Done::ok(json!({ "name": name }))).await
}

/// What becomes of a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Limit {
    /// It stays as it is.
    #[default]
    Stays,
    /// There is none any more.
    Lifted,
    /// It is this.
    Is(u64),
}

impl Limit {
    /// The limit, where it is another one; `None` within: there is none any more.
    fn changed<T>(self, read: impl FnOnce(u64) -> T) -> Result<Option<T>, Stays> {
        match self {
            Limit::Stays => Err(Stays),
            Limit::Lifted => Ok(None),
            Limit::Is(limit) => Ok(Some(read(limit))),
        }
    }
}

/// Nothing is to be done about it.
struct Stays;

/// What is to be set.
#[derive(Debug, Default, PartialEq, Eq)]
struct Settings {
    at_once_max: Limit,
    latency_target_ms: Limit,
    fair: Option<bool>,
}

impl Settings {
    fn read(fields: &mut Fields) -> Settings {
        let settings = Settings {
            at_once_max: clearable(fields, "at_once_max", AT_ONCE_MAX),
            latency_target_ms: clearable(fields, "latency_target_ms", TARGET_MS_MAX),
            fair: flag(fields, "fair"),
        };
        if settings == Settings::default() {
            fields.wrong("", "must set at_once_max, latency_target_ms or fair");
        }
        settings
    }
}

/// `POST /v1/admin/queues/{name}/settings`: `{"at_once_max"?,"latency_target_ms"?,"fair"?,"reason"}`; null lifts a limit.
pub(crate) async fn set(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let settings = Settings::read(&mut order.fields);
    let (settings, mut deed) = order.begin_with_reason(&state, Some(settings)).await?;
    deed.hold(Thing::Queue(&name)).await?;
    let mut details = Map::new();
    if let Ok(max) = settings.at_once_max.changed(|max| u32::try_from(max).unwrap_or(u32::MAX)) {
        deed.tx.limit_queue(&name, max, &deed.by).await?;
        details.insert("at_once_max".to_owned(), json!(max));
    }
    if let Ok(target) = settings.latency_target_ms.changed(Duration::from_millis) {
        deed.tx.promise_queue(&name, target, &deed.by).await?;
        let target_ms = target.map(|target| u64::try_from(target.as_millis()).unwrap_or(u64::MAX));
        details.insert("latency_target_ms".to_owned(), json!(target_ms));
    }
    if let Some(fair) = settings.fair {
        deed.tx.share_queue(&name, fair, &deed.by).await?;
        details.insert("fair".to_owned(), json!(fair));
    }
    details.insert("queue".to_owned(), json!(name));
    deed.done("queue.set", Value::Object(details), Done::ok(json!({ "name": name }))).await
}

/// All of them. `kept`: with a sample of what keeps lanes, which costs some questions for each.
async fn all(state: &ApiState, kept: bool) -> Result<Vec<Value>, Problem> {
    let engine = state.engine();
    let stands = engine.stands().await?;
    let kept = if kept { engine.kept().await? } else { Vec::new() };
    Ok(stands.iter().map(|stand| shown(stand, &kept)).collect())
}

pub(crate) fn shown(stand: &QueueStand, kept: &[Depth]) -> Value {
    let view = &stand.view;
    let counts = |depth: &Depth| (depth.reason.to_owned(), json!(depth.jobs));
    let kept = kept.iter().filter(|depth| depth.queue == view.name).map(counts);
    json!({
        "name": view.name,
        "pause": view.pause,
        "at_once_max": view.at_once_max,
        "fair": view.fair,
        "latency_target_ms": view.latency_target_ms,
        "next_age_ms": u64::try_from(stand.next_age.as_millis()).unwrap_or(u64::MAX),
        "running": stand.running,
        "jobs": stand.jobs.iter().map(counts).collect::<Map<_, _>>(),
        "kept": kept.collect::<Map<_, _>>(),
    })
}

/// A number that may be null, to set nothing.
fn clearable(fields: &mut Fields, name: &str, max: u64) -> Limit {
    if fields.names_null(name) {
        return Limit::Lifted;
    }
    fields.whole(name, 1..=max).map_or(Limit::Stays, Limit::Is)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays_and_null_lifts_it() {
        let read = |text: &str| {
            let mut fields = Fields::of_test(text);
            let settings = Settings::read(&mut fields);
            fields.refuse_others();
            fields.finish(Some(settings)).ok()
        };
        let wanted =
            Settings { at_once_max: Limit::Lifted, fair: Some(true), ..Settings::default() };
        assert_eq!(read(r#"{"at_once_max":null,"fair":true}"#), Some(wanted));
        let wanted = Settings { latency_target_ms: Limit::Is(500), ..Settings::default() };
        assert_eq!(read(r#"{"latency_target_ms":500}"#), Some(wanted));
        for bad in ["{}", r#"{"at_once_max":0}"#, r#"{"at_once_max":"5"}"#, r#"{"fair":1}"#] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
