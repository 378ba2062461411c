//! An order of an operator: who gives it, why, and what is to be done, read in one go; carried out once, however often it is
//! sent under one `Idempotency-Key`; and written down with the deed, in one transaction.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use domain::{
    Digest, TenantId,
    audit::{self, Entry},
};
use engine::{Thing, Tx};
use serde_json::{Value, json};

use super::{
    key::Operator,
    steer::{operator, reason},
    tags::IfMatch,
};
use crate::{
    caller::Caller,
    idempotency::{Done, Key, Stop},
    json::{self, Fields},
    problem::Problem,
    state::ApiState,
};

/// An order whose body says something.
pub(crate) struct Order {
    /// What the body says, not read yet.
    pub(super) fields: Fields,
    /// Who asks.
    pub(super) caller: Caller,
    key: Option<Key>,
    condition: IfMatch,
}

/// An order whose body can be left out.
pub(crate) struct BareOrder(pub(super) Order);

/// An order that is being carried out.
pub(crate) struct Deed {
    /// The deed and its record commit together.
    pub(crate) tx: Tx,
    /// For the engine's own record.
    pub(super) by: engine::Operator,
    /// Who asks.
    pub(crate) caller: Caller,
    /// What it has to be about, where the order says so.
    pub(crate) condition: IfMatch,
    reason: Option<String>,
    ip: Digest,
    key: Option<Key>,
    tenant: Option<TenantId>,
}

impl FromRequest<ApiState> for Order {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Order, Problem> {
        read(request, state, true).await
    }
}

impl FromRequest<ApiState> for BareOrder {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<BareOrder, Problem> {
        read(request, state, false).await.map(BareOrder)
    }
}

async fn read(request: Request, state: &ApiState, needs_body: bool) -> Result<Order, Problem> {
    let (mut parts, body) = request.into_parts();
    // Before anything else: what a stranger sends is not even read.
    Operator::from_request_parts(&mut parts, state).await?;
    let Ok(caller) = Caller::from_request_parts(&mut parts, state).await;
    let condition = IfMatch::of(&parts.headers)?;
    let (fields, bytes) = json::object(&parts.headers, body, needs_body).await?;
    let key = Key::of(&state.config().pepper, &caller.operator.actor, &parts, &bytes)?;
    Ok(Order { fields, caller, key, condition })
}

impl Order {
    /// Takes the reason, refuses what was not read, and begins, if `read` is whole.
    pub(super) async fn begin<T>(
        mut self,
        state: &ApiState,
        read: Option<T>,
    ) -> Result<(T, Deed), Stop> {
        let reason = reason(&mut self.fields);
        self.fields.refuse_others();
        let Order { fields, caller, key, condition } = self;
        let read = fields.finish(read)?;
        Ok((read, Deed::begin(state, caller, key, condition, reason).await?))
    }

    /// The same for a deed that reads the rest of the body by itself, and refuses what is wrong with any of it.
    pub(crate) async fn open(mut self, state: &ApiState) -> Result<(Fields, Deed), Stop> {
        let reason = reason(&mut self.fields);
        let Order { fields, caller, key, condition } = self;
        Ok((fields, Deed::begin(state, caller, key, condition, reason).await?))
    }

    /// The same where somebody has to say why.
    pub(super) async fn begin_with_reason<T>(
        mut self,
        state: &ApiState,
        read: Option<T>,
    ) -> Result<(T, Deed), Stop> {
        if !self.fields.has("reason") {
            self.fields.wrong("reason", "is missing");
        }
        self.begin(state, read).await
    }
}

impl Deed {
    async fn begin(
        state: &ApiState,
        caller: Caller,
        key: Option<Key>,
        condition: IfMatch,
        reason: Option<String>,
    ) -> Result<Deed, Stop> {
        let mut tx = state.begin().await?;
        if let Some(key) = &key {
            key.take(&mut tx).await?;
        }
        let ip = caller.ip_digest(&state.config().pepper);
        let by = operator(&caller.operator.actor, reason.as_deref());
        Ok(Deed { tx, by, caller, condition, reason, ip, key, tenant: None })
    }

    /// Where the order says what it is about: locks that until the commit, and refuses if it is not what was read. What is not
    /// there is the deed's own to refuse.
    pub(super) async fn hold(&mut self, thing: Thing<'_>) -> Result<(), Stop> {
        if self.condition.is_given()
            && let Some(now) = self.tx.hold(thing).await?
        {
            self.condition.check(now)?;
        }
        Ok(())
    }

    /// Which tenant it is about, for the record.
    pub(crate) fn about(self, tenant: TenantId) -> Deed {
        Deed { tenant: Some(tenant), ..self }
    }

    /// Why, if it was said.
    pub(super) fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or_default()
    }

    /// The witness of what somebody else writes down: in whose transaction, over which line, and why.
    pub(super) fn parts(&mut self) -> (&mut Tx, &Caller, Option<&str>) {
        (&mut self.tx, &self.caller, self.reason.as_deref())
    }

    /// Writes down what was done, with who asked and why, keeps the answer, and commits. `details`: an object.
    pub(crate) async fn done(
        mut self,
        action: &str,
        details: Value,
        done: Done,
    ) -> Result<Response, Stop> {
        let tenant = self.tenant;
        self.note(action, tenant, details).await?;
        self.keep(done).await
    }

    /// Writes down one of several things that were done. `details`: an object.
    pub(super) async fn note(
        &mut self,
        action: &str,
        tenant: Option<TenantId>,
        mut details: Value,
    ) -> Result<(), Problem> {
        details["request"] = json!(self.caller.request_id);
        details["reason"] = json!(self.reason);
        let entry = Entry {
            action,
            tenant,
            actor: &self.caller.operator.actor,
            phone: None,
            ip: Some(&self.ip),
            details,
        };
        Ok(audit::record(&mut self.tx, entry).await?)
    }

    /// Keeps the answer and commits: for what has changed nothing.
    pub(crate) async fn keep(mut self, done: Done) -> Result<Response, Stop> {
        if let Some(key) = &self.key {
            key.keep(&mut self.tx, &done).await?;
        }
        self.tx.commit().await?;
        Ok(done.into_response())
    }
}
