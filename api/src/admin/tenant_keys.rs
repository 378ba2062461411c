//! Keys of tenants, as operators see to them: made, listed, rotated, revoked. A key is in one answer only: the first to the
//! order that made it.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, State},
    response::Response,
};
use domain::{
    TenantId,
    tenant_keys::{self, NewKey, TenantKey, WORKING_MAX},
    tenants::{self, TenantStatus},
};
use engine::Tx;
use serde_json::{Value, json};

use super::{
    deed::{BareOrder, Deed, Order},
    key::Operator,
    order::{business_of, no_such_business},
};
use crate::{
    idempotency::{Done, Stop},
    key_terms::{GRACE, PER_MINUTE, Terms, Words, grace},
    problem::{Code, Problem},
    state::ApiState,
};

/// What the first key is called that an order to rotate makes.
const FIRST: &str = "first";

/// `GET /v1/admin/businesses/{tenant}/keys`: the newest first, without what is secret.
pub(crate) async fn list(
    State(state): State<ApiState>,
    _: Operator,
    Path(tenant): Path<String>,
) -> Result<Json<Value>, Problem> {
    let tenant = business_of(&tenant)?;
    let mut tx = state.begin().await?;
    tenants::get(&mut tx, tenant).await?.ok_or_else(no_such_business)?;
    Ok(Json(json!({ "items": tenant_keys::list(&mut tx, tenant).await? })))
}

/// `POST /v1/admin/businesses/{tenant}/keys`: `{"name","expires_in_days"?,"per_minute"?,"reason"?}`.
pub(crate) async fn create(
    State(state): State<ApiState>,
    Path(tenant): Path<String>,
    mut order: Order,
) -> Result<Response, Stop> {
    let terms = Terms::read(&mut order.fields, Words::ORDER);
    let by = order.caller.operator.clone();
    let (terms, mut deed) = order.begin(&state, terms).await?;
    let tenant = business_of(&tenant)?;
    let key = make(&mut deed.tx, tenant, &terms, &by.actor).await?;
    made(deed, tenant, &terms, &key).await
}

/// `POST /v1/admin/businesses/{tenant}/keys/{id}/rotate`: `{"grace_secs"?,"reason"?}`.
pub(crate) async fn rotate(
    State(state): State<ApiState>,
    Path((tenant, id)): Path<(String, String)>,
    BareOrder(mut order): BareOrder,
) -> Result<Response, Stop> {
    let grace = grace(&mut order.fields).unwrap_or(GRACE);
    let by = order.caller.operator.clone();
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    let tenant = known(&mut deed.tx, &tenant).await?;
    let id = id_of(&id)?;
    let key = replace(&mut deed.tx, tenant, id, grace, &by.actor).await?;
    rotated(deed, tenant, id, grace, &key).await
}

/// `POST /v1/admin/businesses/{tenant}/rotate-key`: the newest that works, or the first one. It is for a key that others have
/// seen, so the old one ends at once if nothing else is said.
pub(crate) async fn rotate_newest(
    State(state): State<ApiState>,
    Path(tenant): Path<String>,
    BareOrder(mut order): BareOrder,
) -> Result<Response, Stop> {
    let grace = grace(&mut order.fields).unwrap_or_default();
    let by = order.caller.operator.clone();
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    let tenant = business_of(&tenant)?;
    // Of two such orders at once, the second finds the first one's key.
    tenants::lock(&mut deed.tx, tenant).await?.ok_or_else(no_such_business)?;
    if let Some(id) = tenant_keys::newest(&mut deed.tx, tenant).await? {
        let key = replace(&mut deed.tx, tenant, &id, grace, &by.actor).await?;
        return rotated(deed, tenant, &id, grace, &key).await;
    }
    let terms = Terms { name: FIRST.to_owned(), per_minute: PER_MINUTE, lasts: None };
    let key = make(&mut deed.tx, tenant, &terms, &by.actor).await?;
    made(deed, tenant, &terms, &key).await
}

/// `POST /v1/admin/businesses/{tenant}/keys/{id}/revoke`: from the commit on nobody has it.
pub(crate) async fn revoke(
    State(state): State<ApiState>,
    Path((tenant, id)): Path<(String, String)>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let by = order.caller.operator.clone();
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    let tenant = known(&mut deed.tx, &tenant).await?;
    let id = id_of(&id)?;
    if !tenant_keys::revoke(&mut deed.tx, tenant, id, &by.actor).await? {
        return Err(no_such_key().into());
    }
    let done = Done::ok(json!({ "id": id, "tenant_id": tenant }));
    deed.about(tenant).done("tenant_key.revoked", json!({ "key": id }), done).await
}

/// A new key of a tenant that may have one, and has room for it.
pub(crate) async fn make(
    tx: &mut Tx,
    tenant: TenantId,
    terms: &Terms,
    by: &str,
) -> Result<TenantKey, Problem> {
    let found = tenants::lock(tx, tenant).await?.ok_or_else(no_such_business)?;
    let may_have_keys = [TenantStatus::Active, TenantStatus::Trial, TenantStatus::Suspended];
    if !may_have_keys.contains(&found.status) {
        let refused = Problem::new(Code::WrongState, format!("the tenant is at {}", found.status));
        return Err(refused.with("tenantStatus", found.status.as_str()));
    }
    let key = TenantKey::generate(&mut rand::rng());
    let Terms { name, per_minute, lasts } = terms;
    let new = NewKey { name, per_minute: *per_minute, lasts: *lasts, made_by: by };
    if !tenant_keys::create(tx, tenant, &key, &new).await? {
        let why =
            format!("{WORKING_MAX} keys of the tenant work already: revoke one of them first");
        return Err(Problem::new(Code::WrongState, why));
    }
    Ok(key)
}

/// What the record says of a new key. Not what it is called: that may be somebody's name, and the record outlives them.
pub(crate) fn details(terms: &Terms, key: &TenantKey) -> Value {
    json!({ "key": key.id(), "expires_in_days": terms.days(), "per_minute": terms.per_minute })
}

/// A tenant's key by its id from a path. What is none names nothing.
pub(crate) fn id_of(text: &str) -> Result<&str, Problem> {
    TenantKey::is_id(text).then_some(text).ok_or_else(no_such_key)
}

pub(crate) fn no_such_key() -> Problem {
    Problem::new(Code::NotFound, "the tenant has no key of this id that works")
}

async fn known(tx: &mut Tx, tenant: &str) -> Result<TenantId, Problem> {
    let tenant = business_of(tenant)?;
    tenants::get(tx, tenant).await?.map(|_| tenant).ok_or_else(no_such_business)
}

async fn replace(
    tx: &mut Tx,
    tenant: TenantId,
    id: &str,
    grace: Duration,
    by: &str,
) -> Result<TenantKey, Problem> {
    let old = tenant_keys::lock(tx, tenant, id).await?.ok_or_else(no_such_key)?;
    if old.has_twin {
        let why = format!(
            "{id} and the key beside it in its line work: revoke one of them first, or wait until the older one is over"
        );
        return Err(Problem::new(Code::WrongState, why));
    }
    let key = TenantKey::generate(&mut rand::rng());
    tenant_keys::replace(tx, id, &key, grace, by).await?;
    Ok(key)
}

/// The answers that tell a key. They are not kept: a repeat of the order hears only which key it made.
async fn made(
    deed: Deed,
    tenant: TenantId,
    terms: &Terms,
    key: &TenantKey,
) -> Result<Response, Stop> {
    let done = Done::created(json!({ "id": key.id(), "tenant_id": tenant, "replaces": null }));
    let done = done.telling("key", key.expose());
    deed.about(tenant).done("tenant_key.created", details(terms, key), done).await
}

async fn rotated(
    deed: Deed,
    tenant: TenantId,
    old: &str,
    grace: Duration,
    key: &TenantKey,
) -> Result<Response, Stop> {
    let details = json!({ "key": old, "new": key.id(), "grace_secs": grace.as_secs() });
    let done = Done::created(json!({ "id": key.id(), "tenant_id": tenant, "replaces": old }));
    let done = done.telling("key", key.expose());
    deed.about(tenant).done("tenant_key.rotated", details, done).await
}
