//! Retry and cancel. The deed and its audit entry commit together.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use domain::audit::{self, Entry};
use engine::{CancelMode, JobId, Tx};
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

fn reason(fields: &mut Fields) -> Option<String> {
    fields.optional("reason", |text| match text.chars().count() {
        1..=REASON_CHARS_MAX => Ok(text.to_owned()),
        _ => Err(format!("must have 1 to {REASON_CHARS_MAX} characters")),
    })
}

/// Who asks, for the engine's own record.
fn operator(reason: Option<&str>) -> engine::Operator {
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
