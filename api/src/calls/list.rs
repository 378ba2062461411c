//! Calls: the list, and one with what was said.

use axum::{
    Json,
    extract::{Path, State},
};
use chrono::{DateTime, SecondsFormat, Utc};
use domain::{
    CallId, PhoneNumber,
    calls::{
        list::{self, Listed},
        requests, transcripts,
    },
    scope,
};
use serde_json::{Value, json};

use super::{cursor, kept, requests::view as request_view};
use crate::{
    json::{Fields, Query},
    people::Member,
    problem::{Code, Problem},
    state::ApiState,
};

/// As many as are shown at once, and as many as anybody may ask for.
pub(super) const SHOWN: u16 = 50;
pub(super) const SHOWN_MAX: u16 = 200;

/// `GET /api/calls`: the latest first.
pub(crate) async fn calls(
    State(state): State<ApiState>,
    member: Member,
    Query(mut query): Query,
) -> Result<Json<Value>, Problem> {
    let (limit, before) = page_of(&mut query);
    query.refuse_others();
    let limit = query.finish(Some(limit))?;
    let mut tx = state.engine().begin().await?;
    scope::tenant(&mut tx, member.tenant).await?;
    let before = before.map(|(at, id)| (at, CallId::from(id)));
    let mut found = list::list(&mut tx, member.tenant, before, None, i64::from(limit) + 1).await?;
    let is_more = found.len() > usize::from(limit);
    found.truncate(limit.into());
    let next = found.last().filter(|_| is_more);
    Ok(Json(json!({
        "items": found.iter().map(view).collect::<Vec<_>>(),
        "next_cursor": next.map(|last| cursor::before(last.progress.started_at, last.call.as_uuid())),
    })))
}

/// `GET /api/calls/{call}`: with what was said, what it came to, and what the caller left.
pub(crate) async fn call(
    State(state): State<ApiState>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let missing = || Problem::new(Code::NotFound, "there is no such call");
    let id: CallId = id.parse().map_err(|_| missing())?;
    let mut tx = state.engine().begin().await?;
    scope::tenant(&mut tx, member.tenant).await?;
    let found = list::list(&mut tx, member.tenant, None, Some(id), 1).await?;
    let mut shown = view(&found.into_iter().next().ok_or_else(missing)?);
    shown["transcript"] = match transcripts::get(&mut tx, id).await? {
        None => Value::Null,
        Some(transcript) => json!({
            "locale": transcript.locale,
            "ended": transcript.ended,
            "turns": transcript.turns,
            "said": kept::read(&tx, transcript.said),
            "summary": transcript.summary.map(|summary| kept::read(&tx, summary)),
            "keptUntil": instant(transcript.forget_at),
        }),
    };
    let left = requests::of_call(&mut tx, id).await?;
    shown["requests"] = left.into_iter().map(|left| request_view(&tx, left)).collect();
    Ok(Json(shown))
}

/// `limit` and `cursor`.
pub(super) fn page_of(query: &mut Fields) -> (u16, Option<(DateTime<Utc>, uuid::Uuid)>) {
    let limit = query.optional("limit", |text| {
        let wanted = text.parse::<u16>().ok().filter(|limit| (1..=SHOWN_MAX).contains(limit));
        wanted.ok_or(format!("must be a number from 1 to {SHOWN_MAX}"))
    });
    (limit.unwrap_or(SHOWN), query.optional("cursor", cursor::read))
}

pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn view(call: &Listed) -> Value {
    let at = |it: Option<DateTime<Utc>>| it.map(instant);
    json!({
        "id": call.call,
        "callSid": call.sid,
        "direction": call.direction,
        "from": call.from.as_ref().map(PhoneNumber::as_e164),
        "to": call.to.as_ref().map(PhoneNumber::as_e164),
        "status": call.progress.status,
        "startedAt": instant(call.progress.started_at),
        "answeredAt": at(call.progress.answered_at),
        "endedAt": at(call.progress.ended_at),
        "durationSecs": call.progress.duration_secs,
        "outcome": call.outcome,
        "isUrgent": call.is_urgent,
        "textedBack": call.texted_back,
        "recordings": call.recordings,
    })
}
