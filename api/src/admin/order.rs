//! What operators' orders have in common: whom they are about, one job of its kind at a time, who wanted it, and the answer.

use axum::{
    Json,
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use domain::{
    TenantId,
    audit::{self, Entry},
    signups::SignupStatus,
};
use engine::{Hold, JobId, NewJob, Tx, Unique};
use serde_json::{Value, json};

use crate::{
    caller::Caller,
    problem::{Code, Problem},
    state::ApiState,
};

/// A tenant's id from a path. What is no id names nothing.
pub(super) fn business_of(text: &str) -> Result<TenantId, Problem> {
    text.parse().map_err(|_| no_such_business())
}

pub(super) fn no_such_business() -> Problem {
    Problem::new(Code::NotFound, "there is no such business")
}

/// Why a sign-up that stands there cannot be helped that way.
pub(super) fn signup_is_elsewhere(status: Option<SignupStatus>) -> Problem {
    match status {
        None => Problem::new(Code::NotFound, "there is no such sign-up"),
        Some(status) => Problem::new(Code::WrongState, format!("the sign-up is at {status}"))
            .with("demoStatus", status.as_str()),
    }
}

/// One job of its kind for a tenant at a time.
pub(super) fn once(job: NewJob, tenant: TenantId, caller: &Caller) -> NewJob {
    let kind = job.kind.clone();
    once_of(&kind, job, tenant, caller)
}

/// One job of several kinds for a tenant at a time.
pub(super) fn once_of(scope: &str, job: NewJob, tenant: TenantId, caller: &Caller) -> NewJob {
    let unique = Unique::new(scope, &tenant.to_string(), Hold::WhileLive);
    let mut job = job.tenant(tenant.as_uuid()).unique(unique);
    job.traceparent.clone_from(&caller.traceparent);
    job
}

/// 202 with the job to look at.
pub(super) fn accepted(job: JobId) -> Response {
    let url = address(job);
    let body = Json(json!({ "id": job, "statusUrl": url }));
    (StatusCode::ACCEPTED, [(LOCATION, url)], body).into_response()
}

/// Where a job is looked at.
pub(super) fn address(job: JobId) -> String {
    format!("/v1/admin/jobs/{job}")
}

/// What an operator did, in the transaction in which they did it.
pub(super) async fn note(
    tx: &mut Tx,
    state: &ApiState,
    caller: &Caller,
    action: &str,
    tenant: Option<TenantId>,
    mut details: Value,
) -> Result<(), Problem> {
    details["request"] = json!(caller.request_id);
    let ip = caller.ip_digest(&state.config().pepper);
    let actor = &caller.operator.actor;
    let entry = Entry { action, tenant, actor, phone: None, ip: Some(&ip), details };
    Ok(audit::record(tx, entry).await?)
}
