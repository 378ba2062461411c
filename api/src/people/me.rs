//! Who is logged in, and of which tenant.

use axum::{Json, extract::State};
use chrono::SecondsFormat;
use domain::{
    TenantId, access, scope, tenants,
    users::{self, User},
};
use engine::Tx;
use serde_json::{Value, json};

use super::{member::Member, session::SignedIn};
use crate::{
    problem::{Code, Problem},
    state::ApiState,
};

/// `GET /api/me`.
pub(crate) async fn me(
    State(state): State<ApiState>,
    SignedIn(session): SignedIn,
) -> Result<Json<Value>, Problem> {
    let mut tx = state.engine().begin().await?;
    scope::tenant(&mut tx, session.tenant).await?;
    let user = users::get(&mut tx, session.user).await?;
    let user = user.ok_or_else(|| Problem::new(Code::TenantContextRequired, ""))?;
    let tenant = tenant_view(&mut tx, session.tenant).await?;
    Ok(Json(json!({ "user": person(&user), "tenant": tenant })))
}

/// `GET /api/tenant`: what the tenant has.
pub(crate) async fn tenant(
    State(state): State<ApiState>,
    member: Member,
) -> Result<Json<Value>, Problem> {
    let mut tx = state.engine().begin().await?;
    scope::tenant(&mut tx, member.tenant).await?;
    let mut view = tenant_view(&mut tx, member.tenant).await?;
    let details = access::details(&mut tx, member.tenant).await?;
    view["phoneNumber"] = json!(details.and_then(|details| details.phone));
    Ok(Json(json!({ "tenant": view })))
}

/// A user, to themselves.
pub(super) fn person(user: &User) -> Value {
    json!({
        "id": user.user,
        "email": user.email,
        "firstName": user.first_name,
        "lastName": user.last_name,
        "role": user.role,
        "mustChangePassword": user.must_change_password,
    })
}

async fn tenant_view(tx: &mut Tx, id: TenantId) -> Result<Value, Problem> {
    let tenant = tenants::get(tx, id).await?;
    let tenant = tenant.ok_or_else(|| Problem::new(Code::TenantContextRequired, ""))?;
    Ok(json!({
        "id": tenant.tenant,
        "name": tenant.company_name,
        "status": tenant.status,
        "expiresAt": tenant.demo_expires_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)),
    }))
}
