//! What somebody of a tenant orders: by whom, and once, however often it is sent under one `Idempotency-Key`.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use domain::{
    Digest, PhoneNumber,
    audit::{self, Entry},
    scope,
};
use engine::Tx;
use serde_json::{Value, json};

use super::member::Member;
use crate::{
    caller::Caller,
    idempotency::{Done, Key, Stop},
    json::{self, Fields},
    problem::Problem,
    state::ApiState,
};

/// An order with a body.
pub(crate) struct MemberOrder {
    /// What the body says, not read yet.
    pub(crate) fields: Fields,
    /// Who gives it.
    pub(crate) by: Orderer,
}

/// Who gives an order, and under which key.
pub(crate) struct Orderer {
    /// For whom.
    pub(crate) member: Member,
    /// Over which line.
    pub(crate) caller: Caller,
    ip: Digest,
    key: Option<Key>,
}

impl FromRequest<ApiState> for MemberOrder {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<MemberOrder, Problem> {
        let (mut parts, body) = request.into_parts();
        // Before anything else: what a stranger sends is not even read.
        let member = Member::from_request_parts(&mut parts, state).await?;
        let Ok(caller) = Caller::from_request_parts(&mut parts, state).await;
        let (fields, bytes) = json::object(&parts.headers, body, true).await?;
        let pepper = &state.config().pepper;
        // The tenant's, and not the program's: one that has got a new key meanwhile is not to send a text again.
        let owner = format!("tenant:{}", member.tenant);
        let key = Key::of(pepper, &owner, &parts, &bytes)?;
        let ip = caller.ip_digest(pepper);
        Ok(MemberOrder { fields, by: Orderer { member, caller, ip, key } })
    }
}

impl Orderer {
    /// A transaction that sees this tenant, if the order was not carried out before.
    pub(crate) async fn begin(&self, state: &ApiState) -> Result<Tx, Stop> {
        let mut tx = state.engine().begin().await?;
        scope::tenant(&mut tx, self.member.tenant).await?;
        if let Some(key) = &self.key {
            key.take(&mut tx).await?;
        }
        Ok(tx)
    }

    /// Writes down what was done and for which phone, keeps the answer, and commits. `details`: an object.
    pub(crate) async fn done(
        &self,
        mut tx: Tx,
        (action, phone, mut details): (&str, &PhoneNumber, Value),
        done: Done,
    ) -> Result<Response, Stop> {
        details["request"] = json!(self.caller.request_id);
        let entry = self.member.entry(action, &self.ip, details);
        audit::record(&mut tx, Entry { phone: Some(phone), ..entry }).await?;
        if let Some(key) = &self.key {
            key.keep(&mut tx, &done).await?;
        }
        tx.commit().await?;
        Ok(done.into_response())
    }
}
