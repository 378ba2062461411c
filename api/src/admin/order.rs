//! What operators' orders have in common: whom they are about, one job of its kind at a time, and the answer.

use domain::{TenantId, signups::SignupStatus};
use engine::{Hold, JobId, NewJob, Unique};
use serde_json::json;

use crate::{
    caller::Caller,
    idempotency::Done,
    problem::{Code, Problem},
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
pub(super) fn accepted(job: JobId) -> Done {
    let url = address(job);
    Done::accepted(json!({ "id": job, "statusUrl": url })).at(url)
}

/// Where a job is looked at.
pub(super) fn address(job: JobId) -> String {
    format!("/v1/admin/jobs/{job}")
}
