//! `POST /v1/admin/demo/{tenant}/verify`: a phone, verified by an operator's word. For when no text message can be sent.

use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{codes, signups};
use serde_json::json;
use workflows::demo_signup::VerifiedBy;

use super::{deed::BareOrder, order::signup_is_elsewhere};
use crate::{
    demo::{Witness, mark_verified, status_url, tenant_of},
    idempotency::{Done, Stop},
    state::ApiState,
};

pub(crate) async fn vouch(
    State(state): State<ApiState>,
    Path(tenant): Path<String>,
    BareOrder(order): BareOrder,
) -> Result<Response, Stop> {
    let tenant = tenant_of(&tenant)?;
    let ((), mut deed) = order.begin(&state, Some(())).await?;
    let Some(verified) = codes::waive(&mut deed.tx, tenant).await? else {
        let status = signups::status(&mut deed.tx, tenant).await?;
        return Err(signup_is_elsewhere(status).into());
    };
    let (tx, caller, reason) = deed.parts();
    let witness = Witness {
        by: VerifiedBy::Operator,
        action: "demo.verified_by_operator",
        actor: &caller.operator.actor,
        reason,
    };
    let token = mark_verified(tx, &state, caller, verified, witness).await?;
    let url = status_url(&state, tenant);
    // The token goes to the operator, who passes it on: there is no other way to the person.
    let body = json!({
        "success": true,
        "message": "Phone number verified by an operator",
        "tenantId": tenant,
        "statusUrl": url,
    });
    let done = Done::accepted(body).at(url).telling("accessToken", token.expose());
    deed.keep(done).await
}
