//! What operators do to demos and tenants. A demo's fate is a job, of which a tenant has one of a kind at a time; whether a
//! tenant is shut out is one row, and counts from the commit on.

use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{
    TenantId,
    api_keys::Scope,
    demos,
    signups::{self, SignupStatus},
    tenants::{self, TenantStatus},
};
use engine::{NewJob, Tx, Workflow};
use serde_json::json;
use workflows::{
    cancel_tenant_jobs::CancelTenantJobs, demo_code::DemoCode, demo_convert::DemoConvert,
    demo_expire::DemoExpire, demo_restore::DemoRestore,
};

use super::{
    billing::{must_be_for_sale, purchase},
    businesses,
    deed::{BareOrder, Deed, Order},
    key::not_for,
    order::{accepted, business_of, no_such_business, once, signup_is_elsewhere},
};
use crate::{
    demo::tenant_of,
    idempotency::{Done, Stop},
    problem::{Code, Problem},
    state::ApiState,
};

/// `POST /v1/admin/demo/{tenant}/expire`: ends a demo before its time.
pub(crate) async fn expire(
    State(state): State<ApiState>,
    Path(tenant): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let tenant = tenant_of(&tenant)?;
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    must_be(&mut deed.tx, tenant, &[TenantStatus::Trial]).await?;
    let job = DemoExpire { tenant: Some(tenant), early: true }.job();
    ordered(deed, tenant, job, "demo.expire_ordered").await
}

/// `POST /v1/admin/demo/{tenant}/convert`: makes a demo a customer, of a plan if one is named.
pub(crate) async fn convert(
    State(state): State<ApiState>,
    Path(tenant): Path<String>,
    BareOrder(mut order): BareOrder,
) -> Result<Response, Stop> {
    let tenant = tenant_of(&tenant)?;
    let fields = &mut order.fields;
    let subscription =
        if fields.has("plan") { purchase(fields, tenant).map(Some) } else { Some(None) };
    let by = order.caller.operator.clone();
    let (subscription, mut deed) = order.begin(&state, subscription).await?;
    // What a demo buys is what a customer buys.
    if subscription.is_some()
        && let Some(scope) = by.lacks(&[Scope::Billing])
    {
        return Err(not_for(scope).into());
    }
    if let Some(wanted) = &subscription {
        must_be_for_sale(&mut deed.tx, &wanted.plan).await?;
    }
    must_be(&mut deed.tx, tenant, &[TenantStatus::Trial, TenantStatus::Expired]).await?;
    let job = DemoConvert { tenant, subscription }.job();
    ordered(deed, tenant, job, "demo.convert_ordered").await
}

/// `POST /v1/admin/demo/{tenant}/restore`: brings back a demo that is over, or that was removed.
pub(crate) async fn restore(
    State(state): State<ApiState>,
    Path(tenant): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let tenant = tenant_of(&tenant)?;
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    if demos::archived(&mut deed.tx, tenant).await?.is_none() {
        must_be(&mut deed.tx, tenant, &[TenantStatus::Expired]).await?;
    }
    ordered(deed, tenant, DemoRestore { tenant }.job(), "demo.restore_ordered").await
}

/// `POST /v1/admin/demo/{tenant}/code`: a new code for somebody whose text did not come.
pub(crate) async fn new_code(
    State(state): State<ApiState>,
    Path(tenant): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let tenant = tenant_of(&tenant)?;
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    let status = signups::status(&mut deed.tx, tenant).await?;
    if status != Some(SignupStatus::PendingVerification) {
        return Err(signup_is_elsewhere(status).into());
    }
    ordered(deed, tenant, DemoCode { tenant }.job(), "demo.code_ordered").await
}

/// `PATCH /v1/admin/businesses/{id}`: shuts a tenant out, or lets it in again.
pub(crate) async fn patch_business(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let suspends = order.fields.required("status", |word| {
        if word.eq_ignore_ascii_case("suspended") {
            Ok(true)
        } else if word.eq_ignore_ascii_case("active") {
            Ok(false)
        } else {
            Err("must be SUSPENDED or ACTIVE")
        }
    });
    let (suspends, mut deed) = order.begin(&state, suspends).await?;
    let tenant = business_of(&id)?;
    let tx = &mut deed.tx;
    let found = tenants::lock(tx, tenant).await?.ok_or_else(no_such_business)?;
    deed.condition.check(businesses::version(found.status, &found.company_name))?;
    let next = match (suspends, found.status) {
        (true, _) => TenantStatus::Suspended,
        (false, TenantStatus::Suspended) => {
            tenants::previous(tx, tenant).await?.unwrap_or(TenantStatus::Active)
        }
        // It is let in already.
        (false, status) => status,
    };
    let why = if suspends { "suspended by an operator" } else { "reactivated by an operator" };
    let stood = tenants::move_to(tx, tenant, next, why).await?;
    let shown = json!({ "id": tenant, "name": found.company_name, "status": next.as_str() });
    let done = Done::ok(shown);
    if stood == next {
        return deed.keep(done).await;
    }
    if suspends {
        let by = deed.caller.operator.actor.to_string();
        let cancel = CancelTenantJobs { tenant, by, reason: why.to_owned() };
        tx.enqueue(cancel.job()).await?;
    }
    let action = if suspends { "tenant.suspended" } else { "tenant.reactivated" };
    deed.about(tenant).done(action, json!({ "from": stood, "to": next }), done).await
}

/// A demo's order: its job, unless one like it is on its way, and who wanted it.
async fn ordered(
    mut deed: Deed,
    tenant: TenantId,
    job: NewJob,
    action: &str,
) -> Result<Response, Stop> {
    let job = once(job, tenant, &deed.caller);
    let job = deed.tx.enqueue(job).await?.id();
    deed.about(tenant).done(action, json!({ "job": job }), accepted(job)).await
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
