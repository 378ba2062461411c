//! What operators do to demos and tenants. A demo's fate is a job, of which a tenant has one of a kind at a time; whether a
//! tenant is shut out is one row, and counts from the commit on.

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use domain::{
    TenantId,
    audit::{self, Entry},
    demos,
    signups::{self, SignupStatus},
    tenants::{self, TenantStatus},
};
use engine::{Hold, JobId, NewJob, Tx, Unique, Workflow};
use serde_json::{Value, json};
use workflows::{
    cancel_tenant_jobs::CancelTenantJobs, demo_code::DemoCode, demo_convert::DemoConvert,
    demo_expire::DemoExpire, demo_restore::DemoRestore,
};

use super::{
    key::Operator,
    steer::{reason, reason_of},
};
use crate::{
    caller::Caller,
    demo::tenant_of,
    json::{Body, MaybeBody},
    problem::{Code, Problem},
    state::ApiState,
};

/// `POST /v1/admin/demo/{tenant}/expire`: ends a demo before its time.
pub(crate) async fn expire(
    State(state): State<ApiState>,
    _: Operator,
    caller: Caller,
    Path(tenant): Path<String>,
    MaybeBody(fields): MaybeBody,
) -> Result<Response, Problem> {
    let (tenant, reason) = (tenant_of(&tenant)?, reason_of(fields)?);
    let mut tx = state.begin().await?;
    must_be(&mut tx, tenant, &[TenantStatus::Trial]).await?;
    let job = DemoExpire { tenant: Some(tenant), early: true }.job();
    order(tx, &state, &caller, tenant, job, "demo.expire_ordered", reason).await
}

/// `POST /v1/admin/demo/{tenant}/convert`: makes a demo a customer.
pub(crate) async fn convert(
    State(state): State<ApiState>,
    _: Operator,
    caller: Caller,
    Path(tenant): Path<String>,
    MaybeBody(fields): MaybeBody,
) -> Result<Response, Problem> {
    let (tenant, reason) = (tenant_of(&tenant)?, reason_of(fields)?);
    let mut tx = state.begin().await?;
    must_be(&mut tx, tenant, &[TenantStatus::Trial, TenantStatus::Expired]).await?;
    let job = DemoConvert { tenant }.job();
    order(tx, &state, &caller, tenant, job, "demo.convert_ordered", reason).await
}

/// `POST /v1/admin/demo/{tenant}/restore`: brings back a demo that is over, or that was removed.
pub(crate) async fn restore(
    State(state): State<ApiState>,
    _: Operator,
    caller: Caller,
    Path(tenant): Path<String>,
    MaybeBody(fields): MaybeBody,
) -> Result<Response, Problem> {
    let (tenant, reason) = (tenant_of(&tenant)?, reason_of(fields)?);
    let mut tx = state.begin().await?;
    if demos::archived(&mut tx, tenant).await?.is_none() {
        must_be(&mut tx, tenant, &[TenantStatus::Expired]).await?;
    }
    let job = DemoRestore { tenant }.job();
    order(tx, &state, &caller, tenant, job, "demo.restore_ordered", reason).await
}

/// `POST /v1/admin/demo/{tenant}/code`: a new code for somebody whose text did not come.
pub(crate) async fn new_code(
    State(state): State<ApiState>,
    _: Operator,
    caller: Caller,
    Path(tenant): Path<String>,
    MaybeBody(fields): MaybeBody,
) -> Result<Response, Problem> {
    let (tenant, reason) = (tenant_of(&tenant)?, reason_of(fields)?);
    let mut tx = state.begin().await?;
    let status = signups::status(&mut tx, tenant).await?;
    let status = status.ok_or_else(|| Problem::new(Code::NotFound, "there is no such sign-up"))?;
    if status != SignupStatus::PendingVerification {
        return Err(Problem::new(Code::WrongState, format!("the sign-up is at {status}"))
            .with("demoStatus", status.as_str()));
    }
    let job = DemoCode { tenant }.job();
    order(tx, &state, &caller, tenant, job, "demo.code_ordered", reason).await
}

/// `PATCH /v1/admin/businesses/{id}`: shuts a tenant out, or lets it in again.
pub(crate) async fn patch_business(
    State(state): State<ApiState>,
    _: Operator,
    caller: Caller,
    Path(id): Path<String>,
    Body(mut fields): Body,
) -> Result<Json<Value>, Problem> {
    let suspends = fields.required("status", |word| {
        if word.eq_ignore_ascii_case("suspended") {
            Ok(true)
        } else if word.eq_ignore_ascii_case("active") {
            Ok(false)
        } else {
            Err("must be SUSPENDED or ACTIVE")
        }
    });
    let reason = reason(&mut fields);
    fields.refuse_others();
    let suspends = fields.finish(suspends)?;
    let no_such_tenant = || Problem::new(Code::NotFound, "there is no such tenant");
    let tenant: TenantId = id.parse().map_err(|_| no_such_tenant())?;
    let mut tx = state.begin().await?;
    let found = tenants::lock(&mut tx, tenant).await?.ok_or_else(no_such_tenant)?;
    let next = match (suspends, found.status) {
        (true, _) => TenantStatus::Suspended,
        (false, TenantStatus::Suspended) => {
            tenants::previous(&mut tx, tenant).await?.unwrap_or(TenantStatus::Active)
        }
        // It is let in already.
        (false, status) => status,
    };
    let why = if suspends { "suspended by an operator" } else { "reactivated by an operator" };
    let stood = tenants::move_to(&mut tx, tenant, next, why).await?;
    if stood != next {
        if suspends {
            let cancel =
                CancelTenantJobs { tenant, by: Operator::ACTOR.to_owned(), reason: why.to_owned() };
            tx.enqueue(cancel.job()).await?;
        }
        let action = if suspends { "tenant.suspended" } else { "tenant.reactivated" };
        let details = json!({ "reason": reason, "from": stood, "to": next });
        note(&mut tx, &state, &caller, action, Some(tenant), details).await?;
    }
    tx.commit().await?;
    Ok(Json(json!({ "id": tenant, "name": found.company_name, "status": next.as_str() })))
}

/// A demo's order: its job, unless one like it is on its way, and who wanted it.
async fn order(
    mut tx: Tx,
    state: &ApiState,
    caller: &Caller,
    tenant: TenantId,
    job: NewJob,
    action: &str,
    reason: Option<String>,
) -> Result<Response, Problem> {
    let job = tx.enqueue(once(job, tenant, caller)).await?.id();
    let details = json!({ "job": job, "reason": reason });
    note(&mut tx, state, caller, action, Some(tenant), details).await?;
    tx.commit().await?;
    Ok(accepted(job))
}

/// One job of its kind for a tenant at a time.
pub(super) fn once(job: NewJob, tenant: TenantId, caller: &Caller) -> NewJob {
    let unique = Unique::new(&job.kind, &tenant.to_string(), Hold::WhileLive);
    let mut job = job.tenant(tenant.as_uuid()).unique(unique);
    job.traceparent.clone_from(&caller.traceparent);
    job
}

/// 202 with the job to look at.
pub(super) fn accepted(job: JobId) -> Response {
    let url = format!("/v1/admin/jobs/{job}");
    (StatusCode::ACCEPTED, [(LOCATION, url.clone())], Json(json!({ "id": job, "statusUrl": url })))
        .into_response()
}

/// A demo where it stands elsewhere is left alone.
async fn must_be(tx: &mut Tx, tenant: TenantId, wanted: &[TenantStatus]) -> Result<(), Problem> {
    let found = tenants::get(tx, tenant).await?;
    let found = found.ok_or_else(|| Problem::new(Code::NotFound, "there is no such demo"))?;
    if wanted.contains(&found.status) {
        return Ok(());
    }
    Err(Problem::new(Code::WrongState, format!("the demo is at {}", found.status))
        .with("tenantStatus", found.status.as_str()))
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
    let actor = Operator::ACTOR;
    let entry = Entry { action, tenant, actor, phone: None, ip: Some(&ip), details };
    Ok(audit::record(tx, entry).await?)
}
