//! Where a sign-up stands, and waiting for it.

use std::time::Duration;

use axum::{
    Json,
    extract::{Path, State},
};
use domain::{
    TenantId,
    signups::{self, SignupStatus},
};
use engine::JobId;
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior};

use super::tenant_of;
use crate::{
    problem::{Code, Problem},
    state::ApiState,
};

/// A sign-up is ready in well under a second; a look is one small query.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// `GET /api/demo/{tenant}/status`.
pub(crate) async fn status(
    State(state): State<ApiState>,
    Path(tenant): Path<String>,
) -> Result<Json<Value>, Problem> {
    let tenant = tenant_of(&tenant)?;
    let mut tx = state.begin().await?;
    let signup = signups::get(&mut tx, tenant).await?;
    let signup = signup.ok_or_else(|| Problem::new(Code::NotFound, "there is no such sign-up"))?;
    Ok(Json(
        json!({ "tenantId": tenant, "status": signup.status, "jobId": JobId::from(signup.job) }),
    ))
}

/// Looks until the demo is active (true), has come to nothing, or the patience is at its end.
pub(super) async fn until_active(
    state: &ApiState,
    tenant: TenantId,
    patience: Duration,
) -> Result<bool, Problem> {
    let deadline = Instant::now() + patience;
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while Instant::now() < deadline {
        tick.tick().await;
        let mut tx = state.begin().await?;
        match signups::status(&mut tx, tenant).await? {
            Some(SignupStatus::Active) => return Ok(true),
            Some(SignupStatus::Expired | SignupStatus::Failed) | None => return Ok(false),
            Some(
                SignupStatus::PendingVerification
                | SignupStatus::Provisioning
                | SignupStatus::Waitlisted,
            ) => {}
        }
    }
    Ok(false)
}
