//! What operators do to demos and tenants. A demo's fate is a job, of which a tenant has one of a kind at a time; whether a
//! tenant is shut out is one row, and counts from the commit on.

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use domain::{
    TenantId, demos,
    signups::{self, SignupStatus},
    tenants::{self, TenantStatus},
};
use engine::{NewJob, Tx, Workflow};
use serde_json::{Value, json};
use workflows::{
    cancel_tenant_jobs::CancelTenantJobs, demo_code::DemoCode, demo_convert::DemoConvert,
    demo_expire::DemoExpire, demo_restore::DemoRestore,
};

use super::{
    billing::{must_be_for_sale, purchase},
    businesses,
    key::Operator,
    order::{accepted, business_of, no_such_business, note, once, signup_is_elsewhere},
    steer::{reason, reason_of},
    tags::IfMatch,
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

/// `POST /v1/admin/demo/{tenant}/convert`: makes a demo a customer, of a plan if one is named.
pub(crate) async fn convert(
    State(state): State<ApiState>,
    _: Operator,
    caller: Caller,
    Path(tenant): Path<String>,
    MaybeBody(mut fields): MaybeBody,
) -> Result<Response, Problem> {
    let tenant = tenant_of(&tenant)?;
    let subscription =
        if fields.has("plan") { purchase(&mut fields, tenant).map(Some) } else { Some(None) };
    let reason = reason(&mut fields);
    fields.refuse_others();
    let subscription = fields.finish(subscription)?;
    if let Some(wanted) = &subscription {
        must_be_for_sale(&state, &wanted.plan).await?;
    }
    let mut tx = state.begin().await?;
    must_be(&mut tx, tenant, &[TenantStatus::Trial, TenantStatus::Expired]).await?;
    let job = DemoConvert { tenant, subscription }.job();
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
    if status != Some(SignupStatus::PendingVerification) {
        return Err(signup_is_elsewhere(status));
    }
    let job = DemoCode { tenant }.job();
    order(tx, &state, &caller, tenant, job, "demo.code_ordered", reason).await
}

/// `PATCH /v1/admin/businesses/{id}`: shuts a tenant out, or lets it in again.
pub(crate) async fn patch_business(
    State(state): State<ApiState>,
    _: Operator,
    caller: Caller,
    condition: IfMatch,
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
    let tenant = business_of(&id)?;
    let mut tx = state.begin().await?;
    let found = tenants::lock(&mut tx, tenant).await?.ok_or_else(no_such_business)?;
    condition.check(businesses::version(found.status, &found.company_name))?;
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
            let by = caller.operator.actor.to_string();
            let cancel = CancelTenantJobs { tenant, by, reason: why.to_owned() };
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
