//! Retry, cancel and redrive. The deed and its audit entry commit together.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::audit::{self, Entry};
use engine::{CancelMode, JobId, RedriveFrom, Tx};
use serde_json::{Value, json};

use super::{jobs::job_of, key::Operator};
use crate::{
    caller::Caller,
    json::{Fields, MaybeBody},
    problem::Problem,
    state::ApiState,
};

/// Why, in an operator's words.
const REASON_CHARS_MAX: usize = 500;

/// What the engine keeps of a step's key.
const STEP_CHARS_MAX: usize = 200;

/// `POST /v1/admin/jobs/{id}/retry`.
pub(crate) async fn retry(
    State(state): State<ApiState>,
    _: Operator,
    caller: Caller,
    Path(id): Path<String>,
    MaybeBody(fields): MaybeBody,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (id, reason) = (job_of(&id)?, reason_of(fields)?);
    let mut tx = state.begin().await?;
    tx.retry(id, &operator(reason.as_deref())).await?;
    note(&mut tx, &state, &caller, "job.retried", id, reason).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id }))))
}

/// `POST /v1/admin/jobs/{id}/cancel`.
pub(crate) async fn cancel(
    State(state): State<ApiState>,
    _: Operator,
    caller: Caller,
    Path(id): Path<String>,
    MaybeBody(fields): MaybeBody,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let id = job_of(&id)?;
    let (mode, reason) = how(fields)?;
    let mut tx = state.begin().await?;
    tx.cancel(id, mode, &operator(reason.as_deref())).await?;
    note(&mut tx, &state, &caller, "job.cancelled", id, reason).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id }))))
}

/// `POST /v1/admin/jobs/{id}/redrive`.
pub(crate) async fn redrive(
    State(state): State<ApiState>,
    _: Operator,
    caller: Caller,
    Path(id): Path<String>,
    MaybeBody(fields): MaybeBody,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let id = job_of(&id)?;
    let (from, reason) = from_where(fields)?;
    let mut tx = state.begin().await?;
    let job = tx.redrive(id, &from, &operator(reason.as_deref())).await?;
    note(&mut tx, &state, &caller, "job.redriven", id, reason).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": job, "origin": id }))))
}

/// `{"reason":"…"}`, or nothing.
pub(super) fn reason_of(mut fields: Fields) -> Result<Option<String>, Problem> {
    let reason = reason(&mut fields);
    fields.refuse_others();
    fields.finish(Some(reason))
}

/// `{"mode":"graceful|undo|terminate","reason":"…"}`, or less.
fn how(mut fields: Fields) -> Result<(CancelMode, Option<String>), Problem> {
    let mode = fields.optional("mode", |word| {
        let mode = CancelMode::ALL.into_iter().find(|mode| mode.as_str() == word);
        mode.ok_or_else(|| {
            let words = CancelMode::ALL.map(CancelMode::as_str);
            format!("must be one of {}", words.join(", "))
        })
    });
    let reason = reason(&mut fields);
    fields.refuse_others();
    fields.finish(Some((mode.unwrap_or_default(), reason)))
}

/// `{"from":"stop"|"start"|{"step":"…","despite_deeds":true},"reason":"…"}`, or less.
fn from_where(mut fields: Fields) -> Result<(RedriveFrom, Option<String>), Problem> {
    let from = match fields.take("from") {
        None => RedriveFrom::Stop,
        Some(value) => from_of(&value).unwrap_or_else(|| {
            fields.wrong("from", "must be \"stop\", \"start\" or {\"step\": name}");
            RedriveFrom::Stop
        }),
    };
    let reason = reason(&mut fields);
    fields.refuse_others();
    fields.finish(Some((from, reason)))
}

fn from_of(value: &Value) -> Option<RedriveFrom> {
    match value {
        Value::String(word) if word == "stop" => Some(RedriveFrom::Stop),
        Value::String(word) if word == "start" => Some(RedriveFrom::Start),
        Value::Object(members) => {
            let name = members.get("step")?.as_str().filter(|name| is_key(name))?.to_owned();
            let despite_deeds = match members.get("despite_deeds") {
                None => false,
                Some(word) => word.as_bool()?,
            };
            let known = 1 + usize::from(members.contains_key("despite_deeds"));
            (members.len() == known).then_some(RedriveFrom::Step { name, despite_deeds })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            None
        }
    }
}

/// Could be the key of a step.
fn is_key(name: &str) -> bool {
    (1..=STEP_CHARS_MAX).contains(&name.chars().count()) && !name.contains('\0')
}

pub(super) fn reason(fields: &mut Fields) -> Option<String> {
    fields.optional("reason", |text| match text.chars().count() {
        1..=REASON_CHARS_MAX => Ok(text.to_owned()),
        _ => Err(format!("must have 1 to {REASON_CHARS_MAX} characters")),
    })
}

/// Who asks, for the engine's own record.
pub(super) fn operator(reason: Option<&str>) -> engine::Operator {
    let operator = engine::Operator::new(Operator::ACTOR);
    match reason {
        Some(reason) => operator.because(reason),
        None => operator,
    }
}

async fn note(
    tx: &mut Tx,
    state: &ApiState,
    caller: &Caller,
    action: &str,
    job: JobId,
    reason: Option<String>,
) -> Result<(), Problem> {
    let ip = caller.ip_digest(&state.config().pepper);
    let entry = Entry {
        action,
        tenant: None,
        actor: Operator::ACTOR,
        phone: None,
        ip: Some(&ip),
        details: json!({ "job": job, "request": caller.request_id, "reason": reason }),
    };
    Ok(audit::record(tx, entry).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_to_go_on_from_is_read_strictly() {
        assert_eq!(from_of(&json!("stop")), Some(RedriveFrom::Stop));
        assert_eq!(from_of(&json!("start")), Some(RedriveFrom::Start));
        let step =
            |despite_deeds| Some(RedriveFrom::Step { name: "charge#2".to_owned(), despite_deeds });
        assert_eq!(from_of(&json!({ "step": "charge#2" })), step(false));
        assert_eq!(from_of(&json!({ "step": "charge#2", "despite_deeds": true })), step(true));
        for bad in [
            json!("middle"),
            json!(7),
            json!({}),
            json!({ "step": "" }),
            json!({ "step": 1 }),
            json!({ "step": "a", "despite_deeds": "yes" }),
            json!({ "step": "a", "more": 1 }),
            json!({ "step": "x".repeat(201) }),
        ] {
            assert_eq!(from_of(&bad), None, "{bad}");
        }
    }
}
