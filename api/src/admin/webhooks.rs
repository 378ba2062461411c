//! The log of what providers posted: listed, counted, looked at, applied again. What was refused is in no row (whoever has no
//! signature must not be able to write any); it is counted by `webhooks_received_total`.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use engine::{InboxCursor, InboxFilter, Kept, PAGE_MAX, State as JobState};
use serde_json::{Value, json};
use workflows::door::Event;

use super::{deed::BareOrder, key::Operator, order::address};
use crate::{
    idempotency::{Done, Stop},
    json::{Fields, Query},
    problem::{Code, Problem},
    state::ApiState,
};

const LIMIT_DEFAULT: usize = 20;

/// How far back is counted.
const COUNTED: Duration = Duration::from_hours(24);

/// Longer than any natural key with its provider, in base64.
const ID_CHARS_MAX: usize = 600;

/// `GET /v1/admin/webhooks`: newest first.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
    Query(query): Query,
) -> Result<Json<Value>, Problem> {
    let (mut filter, limit) = read(query)?;
    let items = state.engine().inbox(&filter, limit).await?;
    let mut next_cursor = None;
    if let Some(last) = items.last().filter(|_| items.len() == limit) {
        let place = place_of(last);
        filter.older_than = Some(place.clone());
        let is_more = !state.engine().inbox(&filter, 1).await?.is_empty();
        next_cursor = is_more.then(|| encoded(&place));
    }
    let items: Vec<_> = items.iter().map(shown).collect();
    Ok(Json(json!({ "items": items, "next_cursor": next_cursor })))
}

/// `GET /v1/admin/webhooks/counts`: the last 24 hours, by provider and by where the jobs stand.
pub(crate) async fn counts(
    State(state): State<ApiState>,
    _: Operator,
) -> Result<Json<Value>, Problem> {
    let counts = state.engine().inbox_counts(COUNTED).await?;
    Ok(Json(json!({ "hours": COUNTED.as_secs() / 3600, "counts": counts })))
}

/// `GET /v1/admin/webhooks/{id}`.
pub(crate) async fn get(
    State(state): State<ApiState>,
    _: Operator,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let (provider, key) = key_of(&id)?;
    let kept = state.engine().inbox_entry(&provider, &key).await?;
    kept.map(|kept| Json(shown(&kept))).ok_or_else(nothing)
}

/// `POST /v1/admin/webhooks/{id}/replay`: applied again, by a new job of what was kept.
pub(crate) async fn replay(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let traceparent = order.caller.traceparent.clone();
    let (provider, key) = key_of(&id)?;
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    let payload = deed.tx.inbox_payload(&provider, &key).await?.ok_or_else(nothing)?;
    let event: Event = serde_json::from_value(payload).map_err(|_| {
        Problem::new(Code::WrongState, "it was kept by a version that kept too little of it")
    })?;
    let mut job = event.job();
    job.traceparent = traceparent;
    let job_id = job.id;
    if !deed.tx.inbox_again(&provider, &key, job, &deed.by).await? {
        return Err(Problem::new(Code::WrongState, "its job is not over yet").into());
    }
    let details = json!({ "provider": provider, "key": key, "job": job_id });
    let done = Done::accepted(json!({ "id": id, "job": job_id })).at(address(job_id));
    deed.done("webhook.replayed", details, done).await
}

fn shown(kept: &Kept) -> Value {
    json!({
        "id": id_of(&kept.provider, &kept.key),
        "provider": kept.provider,
        "event": kept.payload.get("event"),
        "key": kept.key,
        "object": kept.object,
        "received_at": kept.received_at,
        "deliveries": kept.deliveries,
        "payload": kept.payload,
        "job": kept.job,
        "state": kept.state,
    })
}

/// A delivery's name in a path: its provider and its natural key.
fn id_of(provider: &str, key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{provider}\n{key}"))
}

fn key_of(id: &str) -> Result<(String, String), Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(id).ok().filter(|_| id.len() <= ID_CHARS_MAX);
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = text.as_deref().and_then(|text| text.split_once('\n'));
    match pair {
        Some((provider, key)) if !key.contains('\0') && !provider.contains('\0') => {
            Ok((provider.to_owned(), key.to_owned()))
        }
        Some(_) | None => Err(nothing()),
    }
}

fn nothing() -> Problem {
    Problem::new(Code::NotFound, "there is no such webhook")
}

fn place_of(kept: &Kept) -> InboxCursor {
    let Kept { received_at, provider, key, .. } = kept.clone();
    InboxCursor { received_at, provider, key }
}

fn encoded(place: &InboxCursor) -> String {
    URL_SAFE_NO_PAD.encode(json!(place).to_string())
}

fn decoded(text: &str) -> Result<InboxCursor, &'static str> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let place = bytes.and_then(|bytes| serde_json::from_slice::<InboxCursor>(&bytes).ok());
    place
        .filter(|place| !place.key.contains('\0') && !place.provider.contains('\0'))
        .ok_or("must be a next_cursor of an earlier answer")
}

fn read(mut query: Fields) -> Result<(InboxFilter, usize), Problem> {
    let filter = InboxFilter {
        provider: query.optional("provider", str::parse),
        object: query.optional("object", str::parse),
        state: query.optional("state", |word| {
            word.parse::<JobState>().map_err(|_| "must be the state of a job")
        }),
        older_than: query.optional("cursor", decoded),
    };
    let limit = query.optional("limit", |text| match text.parse() {
        Ok(limit) if (1..=PAGE_MAX).contains(&limit) => Ok(limit),
        Ok(_) | Err(_) => Err(format!("must be a whole number from 1 to {PAGE_MAX}")),
    });
    query.refuse_others();
    query.finish(Some((filter, limit.unwrap_or(LIMIT_DEFAULT))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_path_is_read_back_and_what_is_none_names_nothing() {
        let id = id_of("twilio", "CA1:completed");
        assert_eq!(key_of(&id).unwrap(), ("twilio".to_owned(), "CA1:completed".to_owned()));
        for odd in ["", "x", "%", &"a".repeat(700), &URL_SAFE_NO_PAD.encode("twilio")] {
            assert_eq!(key_of(odd).unwrap_err().code(), Code::NotFound, "{odd}");
        }
    }

    #[test]
    fn a_cursor_is_read_back() {
        let text = r#"{"received_at":"2026-11-21T08:00:00.123456Z","provider":"twilio","key":"a"}"#;
        let place: InboxCursor = serde_json::from_str(text).unwrap();
        assert_eq!(decoded(&encoded(&place)).unwrap(), place);
        assert!(decoded("").is_err() && decoded("x").is_err());
    }
}
