//! What callers left for the owner: the list, and what was seen to.

use axum::{
    Json,
    extract::{Path, State},
};
use domain::{
    PhoneNumber, RequestId, audit,
    calls::requests::{self, Request},
    scope,
};
use engine::Tx;
use serde_json::{Value, json};

use super::{
    cursor, kept,
    list::{instant, page_of},
};
use crate::{
    caller::Caller,
    json::{Body, Query},
    people::Member,
    problem::{Code, Problem},
    state::ApiState,
};

/// `GET /api/call-requests`: the latest first; `status=open` for those that nobody has seen to.
pub(crate) async fn call_requests(
    State(state): State<ApiState>,
    member: Member,
    Query(mut query): Query,
) -> Result<Json<Value>, Problem> {
    let (limit, before) = page_of(&mut query);
    let only_open = query.optional("status", |word| match word {
        "open" => Ok(true),
        "all" => Ok(false),
        _ => Err("must be open or all"),
    });
    query.refuse_others();
    let limit = query.finish(Some(limit))?;
    let mut tx = state.engine().begin().await?;
    scope::tenant(&mut tx, member.tenant).await?;
    let before = before.map(|(at, id)| (at, RequestId::from(id)));
    let rows = i64::from(limit) + 1;
    let only_open = only_open.unwrap_or(false);
    let mut found = requests::list(&mut tx, member.tenant, before, only_open, rows).await?;
    let is_more = found.len() > usize::from(limit);
    found.truncate(limit.into());
    let next = found.last().filter(|_| is_more);
    let next = next.map(|last| cursor::before(last.created_at, last.request.as_uuid()));
    let items: Vec<_> = found.into_iter().map(|left| view(&tx, left)).collect();
    Ok(Json(json!({ "items": items, "next_cursor": next })))
}

/// `POST /api/call-requests/{request}`: `{"done":true}` when somebody has seen to it.
pub(crate) async fn set_call_request(
    State(state): State<ApiState>,
    caller: Caller,
    member: Member,
    Path(id): Path<String>,
    Body(mut fields): Body,
) -> Result<Json<Value>, Problem> {
    let is_done = fields.take("done").and_then(|value| value.as_bool());
    if is_done.is_none() {
        fields.wrong("done", "must be true or false");
    }
    fields.refuse_others();
    let is_done = fields.finish(is_done)?;
    let missing = || Problem::new(Code::NotFound, "there is no such request");
    let id: RequestId = id.parse().map_err(|_| missing())?;
    let mut tx = state.engine().begin().await?;
    scope::tenant(&mut tx, member.tenant).await?;
    let found = requests::set_done(&mut tx, member.tenant, id, is_done).await?;
    let shown = view(&tx, found.ok_or_else(missing)?);
    let ip = caller.ip_digest(&state.config().pepper);
    let details = json!({ "call_request": id, "done": is_done, "request": caller.request_id });
    audit::record(&mut tx, member.entry("call_request.done", &ip, details)).await?;
    tx.commit().await?;
    Ok(Json(shown))
}

pub(super) fn view(tx: &Tx, left: Request) -> Value {
    let details = kept::read(tx, left.details);
    json!({
        "id": left.request,
        "callId": left.call,
        "kind": left.kind,
        "phoneNumber": left.phone.as_ref().map(PhoneNumber::as_e164),
        "name": details["name"],
        "text": details["text"],
        "wanted": details["wanted"],
        "isUrgent": left.is_urgent,
        "at": instant(left.created_at),
        "doneAt": left.done_at.map(instant),
    })
}
