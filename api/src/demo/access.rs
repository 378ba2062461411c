//! The access data of a demo: facts as often as they are asked for, the temporary password once.

use axum::{
    Json,
    extract::{Path, State},
    http::HeaderMap,
};
use chrono::SecondsFormat;
use domain::{
    TenantId,
    access::{self, Details},
    scope,
    signups::{self, SignupStatus},
    token::Token,
};
use engine::{Sealed, Tx};
use serde_json::{Value, json};

use super::{status::standing, status_url, tenant_of};
use crate::{
    bearer,
    problem::{Code, Problem},
    state::ApiState,
};

/// `GET /api/demo/{tenant}/access`.
pub(crate) async fn access(
    State(state): State<ApiState>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let tenant = tenant_of(&tenant)?;
    // A tenant that is not there answers as one whose token this is not.
    let refused = || Problem::new(Code::AccessTokenRequired, "");
    let token =
        bearer::token(&headers).and_then(|text| Token::parse(text).ok()).ok_or_else(refused)?;
    let mut tx = state.begin().await?;
    let signup = signups::by_access_token(&mut tx, tenant, &token).await?.ok_or_else(refused)?;
    let standing = standing(&mut tx, &signup).await?;
    match standing {
        SignupStatus::Active => {}
        SignupStatus::Expired => return Err(Problem::new(Code::DemoExpired, "")),
        SignupStatus::PendingVerification
        | SignupStatus::Provisioning
        | SignupStatus::Waitlisted
        | SignupStatus::Failed => return Err(not_ready(&state, tenant, standing)),
    }
    drop(tx);
    let mut body = json!({ "success": true });
    if let (Value::Object(body), Value::Object(delivery)) =
        (&mut body, deliver(&state, tenant).await?)
    {
        body.extend(delivery);
    }
    Ok(Json(body))
}

/// `demoTenant`, `access` and `demoInstructions` of an active demo. Whoever calls has checked the token.
pub(super) async fn deliver(state: &ApiState, tenant: TenantId) -> Result<Value, Problem> {
    let mut tx = state.engine().begin().await?;
    scope::tenant(&mut tx, tenant).await?;
    let details = access::details(&mut tx, tenant).await?;
    let details = details.ok_or_else(|| not_ready(state, tenant, SignupStatus::Provisioning))?;
    let password = take_password(&mut tx, tenant).await?;
    tx.commit().await?;
    Ok(payload(state, &details, password.as_deref()))
}

async fn take_password(tx: &mut Tx, tenant: TenantId) -> Result<Option<String>, Problem> {
    let Some(bytes) = access::take_once(tx, tenant).await? else { return Ok(None) };
    let sealed = Sealed::<String>::from_bytes(bytes).map_err(Problem::internal)?;
    Ok(Some(tx.open(&sealed)?))
}

fn payload(state: &ApiState, details: &Details, password: Option<&str>) -> Value {
    let hours = state.config().demo.lifetime.as_secs() / 3600;
    json!({
        "demoTenant": {
            "id": details.tenant,
            "name": details.company_name,
            "phoneNumber": details.phone,
            "expiresAt": details.expires_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)),
        },
        "access": {
            "loginUrl": state.config().login_url,
            "email": details.email,
            "temporaryPassword": password,
            "mustChangePassword": details.must_change_password,
        },
        "demoInstructions": {
            "callPhoneNumber": details.phone,
            "expectedResponse": "Demo voice assistant will answer",
            "dashboardAccess": "Use provided credentials to access admin panel",
            "expirationNotice": format!("Demo expires in {hours} hours"),
        },
    })
}

fn not_ready(state: &ApiState, tenant: TenantId, status: SignupStatus) -> Problem {
    Problem::new(Code::DemoNotReady, format!("the sign-up is at {status}"))
        .with("demoStatus", status.as_str())
        .with("statusUrl", status_url(state, tenant))
}
