//! What follows once a phone is verified, by code or by an operator's word: the sign-up moves on, its job is told, and whoever
//! asked gets the token for the access data. All in the caller's transaction.

use domain::{
    PhoneNumber,
    audit::{self, Entry},
    codes::Verified,
    signups::{self, SignupStatus},
    token::Token,
};
use engine::{JobId, Tx};
use serde_json::{Value, json};
use workflows::{
    demo_signup::{self, VERIFIED, VerifiedBy},
    events,
};

use crate::{caller::Caller, problem::Problem, state::ApiState};

/// One verification is one signal, however it came about.
const SIGNAL_KEY: &str = "verified";

/// Who verified, for the job and for the audit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Witness<'a> {
    pub(crate) by: VerifiedBy,
    pub(crate) action: &'a str,
    pub(crate) actor: &'a str,
    pub(crate) reason: Option<&'a str>,
}

/// Moves the sign-up on and says the access token.
pub(crate) async fn mark_verified(
    tx: &mut Tx,
    state: &ApiState,
    caller: &Caller,
    verified: Verified,
    witness: Witness<'_>,
) -> Result<Token, Problem> {
    let tenant = verified.tenant;
    let token = Token::generate(&mut rand::rng());
    signups::set_access_token_hash(tx, tenant, &token.digest()).await?;
    signups::set_status(tx, tenant, SignupStatus::Provisioning).await?;
    let phone: Option<PhoneNumber> =
        signups::get(tx, tenant).await?.and_then(|signup| signup.phone);
    let mut details = json!({ "job": verified.job, "request": caller.request_id });
    if let Some(reason) = witness.reason {
        details["reason"] = Value::from(reason);
    }
    let entry = Entry {
        action: witness.action,
        tenant: Some(tenant),
        actor: witness.actor,
        phone: phone.as_ref(),
        ip: Some(&caller.ip_digest(&state.config().pepper)),
        details,
    };
    audit::record(tx, entry).await?;
    let payload = demo_signup::Verified { by: witness.by };
    tx.signal(JobId::from(verified.job), VERIFIED, &payload, Some(SIGNAL_KEY)).await?;
    tracing::info!(
        event = events::PHONE_VERIFIED,
        tenant_id = %tenant,
        by = ?witness.by,
        "a phone is verified"
    );
    Ok(token)
}
