//! `POST /v1/admin/demo/{tenant}/verify`: a phone, verified by an operator's word. For when no text message can be sent.

use axum::{
    Json,
    extract::{Path, State},
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use domain::{codes, signups};
use serde_json::json;
use workflows::demo_signup::VerifiedBy;

use super::{key::Operator, order::signup_is_elsewhere, steer::reason_of};
use crate::{
    caller::Caller,
    demo::{Witness, mark_verified, status_url, tenant_of},
    json::MaybeBody,
    problem::Problem,
    state::ApiState,
};

pub(crate) async fn vouch(
    State(state): State<ApiState>,
    _: Operator,
    caller: Caller,
    Path(tenant): Path<String>,
    MaybeBody(fields): MaybeBody,
) -> Result<Response, Problem> {
    let (tenant, reason) = (tenant_of(&tenant)?, reason_of(fields)?);
    let mut tx = state.begin().await?;
    let Some(verified) = codes::waive(&mut tx, tenant).await? else {
        let status = signups::status(&mut tx, tenant).await?;
        return Err(signup_is_elsewhere(status));
    };
    let witness = Witness {
        by: VerifiedBy::Operator,
        action: "demo.verified_by_operator",
        actor: &caller.operator.actor,
        reason: reason.as_deref(),
    };
    let token = mark_verified(&mut tx, &state, &caller, verified, witness).await?;
    tx.commit().await?;
    let url = status_url(&state, tenant);
    // The token goes to the operator, who passes it on: there is no other way to the person.
    let body = json!({
        "success": true,
        "message": "Phone number verified by an operator",
        "tenantId": tenant,
        "statusUrl": url,
        "accessToken": token.expose(),
    });
    Ok((StatusCode::ACCEPTED, [(LOCATION, url)], Json(body)).into_response())
}
