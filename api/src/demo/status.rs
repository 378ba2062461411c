//! Where a sign-up stands, and waiting for it.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, State},
};
use domain::{
    TenantId,
    signups::{self, Signup, SignupStatus},
    tenants::{self, Admission},
};
use engine::{JobId, Tx};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::tenant_of;
use crate::{
    problem::{Code, Problem},
    state::ApiState,
};

/// A sign-up is ready in about a tenth of a second, most of it one password hash: look often at first.
const BRISK: Duration = Duration::from_millis(25);
const BRISK_FOR: Duration = Duration::from_millis(500);

/// What is not ready by then waits for a number, or the workers are behind; looking often would make that worse.
const CALM: Duration = Duration::from_millis(250);

/// `GET /api/demo/{tenant}/status`.
pub(crate) async fn status(
    State(state): State<ApiState>,
    Path(tenant): Path<String>,
) -> Result<Json<Value>, Problem> {
    let tenant = tenant_of(&tenant)?;
    let mut tx = state.begin().await?;
    let signup = signups::get(&mut tx, tenant).await?;
    let signup = signup.ok_or_else(|| Problem::new(Code::NotFound, "there is no such sign-up"))?;
    let status = standing(&mut tx, &signup).await?;
    Ok(Json(json!({ "tenantId": tenant, "status": status, "jobId": JobId::from(signup.job) })))
}

/// Where a sign-up stands at this moment. A demo's time is over when the clock says so, not when somebody has noted it.
pub(super) async fn standing(tx: &mut Tx, signup: &Signup) -> Result<SignupStatus, Problem> {
    let is_over = signup.status == SignupStatus::Active
        && tenants::admission(tx, signup.tenant).await? == Admission::Expired;
    Ok(if is_over { SignupStatus::Expired } else { signup.status })
}

/// Looks until the demo is active (true), has come to nothing, or the patience is at its end.
pub(super) async fn until_active(
    state: &ApiState,
    tenant: TenantId,
    patience: Duration,
) -> Result<bool, Problem> {
    let began = Instant::now();
    loop {
        if let Some(is_active) = is_settled(state, tenant).await? {
            return Ok(is_active);
        }
        let pause = if began.elapsed() < BRISK_FOR { BRISK } else { CALM };
        if began.elapsed() + pause > patience {
            return Ok(false);
        }
        sleep_until(Instant::now() + pause).await;
    }
}

/// Whether the sign-up is active; `None` while that is open.
async fn is_settled(state: &ApiState, tenant: TenantId) -> Result<Option<bool>, Problem> {
    let mut tx = state.begin().await?;
    Ok(match signups::status(&mut tx, tenant).await? {
        Some(SignupStatus::Active) => Some(true),
        Some(SignupStatus::Expired | SignupStatus::Failed) | None => Some(false),
        Some(
            SignupStatus::PendingVerification
            | SignupStatus::Provisioning
            | SignupStatus::Waitlisted,
        ) => None,
    })
}
