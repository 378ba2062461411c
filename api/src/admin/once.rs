//! An order of an operator: who gives it, why, and what is to be done, read in one go; carried out once, however often it is
//! sent under one `Idempotency-Key`; and written down with the deed, in one transaction.

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Request},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{IF_MATCH, LOCATION},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use domain::{
    Digest, Pepper, TenantId,
    audit::{self, Entry},
    kept_answers::{self, Kept},
};
use engine::{Thing, Tx};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{
    key::Operator,
    steer::{operator, reason},
    tags::IfMatch,
};
use crate::{
    caller::Caller,
    json::{self, Fields},
    problem::{Code, Problem},
    state::ApiState,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A UUID and then some; what is longer is no key.
const KEY_CHARS_MAX: usize = 200;

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

/// A key, and the request that it was given to: both as hashes.
struct Key {
    key: Digest,
    request: Digest,
}

/// An order that is being carried out.
pub(super) struct Deed {
    /// The deed and its record commit together.
    pub(super) tx: Tx,
    /// For the engine's own record.
    pub(super) by: engine::Operator,
    reason: Option<String>,
    caller: Caller,
    ip: Digest,
    key: Option<Digest>,
    condition: IfMatch,
    tenant: Option<TenantId>,
}

/// What is answered to a deed.
pub(crate) struct Done {
    status: StatusCode,
    body: Value,
    location: Option<String>,
    /// A member of the body that this answer tells and nobody keeps.
    secret: Option<(&'static str, SecretString)>,
}

/// Why a handler goes no further.
pub(crate) enum Stop {
    /// Something is wrong.
    Problem(Problem),
    /// It was done before; this was the answer.
    Again(Done),
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
    let given = given(&parts.headers)?.map(ToOwned::to_owned);
    let condition = IfMatch::of(&parts.headers)?;
    let (fields, bytes) = json::object(&parts.headers, body, needs_body).await?;
    let pepper = &state.config().pepper;
    let key = given.map(|given| Key::of(pepper, &caller.operator.actor, &given, &parts, &bytes));
    Ok(Order { fields, caller, key, condition })
}

impl Key {
    /// A body may hold a phone number, of which there are so few that a plain hash would tell it.
    fn of(pepper: &Pepper, actor: &str, given: &str, parts: &Parts, body: &[u8]) -> Key {
        let place = format!("{} {}", parts.method, parts.uri);
        let key = Digest::of(format!("{actor}\n{given}").as_bytes());
        // Sent again with another condition it is another request.
        let conditions = parts.headers.get_all(IF_MATCH).iter().map(HeaderValue::as_bytes);
        let conditions: Vec<_> = conditions.flat_map(|it| [it, b"\n"]).collect();
        let all = [&[place.as_bytes()], &conditions[..], &[body]].concat();
        Key { key, request: pepper.hash("kept request", &all) }
    }
}

/// The key, if one is given.
fn given(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut all = headers.get_all(IDEMPOTENCY_KEY).iter();
    let (Some(first), second) = (all.next(), all.next()) else { return Ok(None) };
    let text = first.to_str().ok().filter(|text| (1..=KEY_CHARS_MAX).contains(&text.len()));
    match (text, second) {
        (Some(text), None) => Ok(Some(text)),
        _ => Err(Problem::new(
            Code::BadRequest,
            format!("Idempotency-Key must be one text of 1 to {KEY_CHARS_MAX} characters"),
        )),
    }
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
        let read = self.fields.finish(read)?;
        let mut tx = state.begin().await?;
        if let Some(Key { key, request }) = &self.key {
            match kept_answers::take(&mut tx, key, request).await? {
                Kept::New => {}
                Kept::Answered { body, .. } if body["told_once"] == true => {
                    return Err(told_before(&body["body"]).into());
                }
                Kept::Answered { status, body } => {
                    return Err(Stop::Again(Done::kept(status, body)));
                }
                Kept::Other => {
                    let why = "use another key for another request";
                    return Err(Problem::new(Code::KeyReused, why).into());
                }
            }
        }
        let ip = self.caller.ip_digest(&state.config().pepper);
        let by = operator(&self.caller.operator.actor, reason.as_deref());
        let key = self.key.map(|key| key.key);
        let condition = self.condition;
        Ok((read, Deed { tx, by, reason, caller: self.caller, ip, key, condition, tenant: None }))
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
    pub(super) fn about(self, tenant: TenantId) -> Deed {
        Deed { tenant: Some(tenant), ..self }
    }

    /// Why, if it was said.
    pub(super) fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or_default()
    }

    /// Writes down what was done, with who asked and why, keeps the answer, and commits. `details`: an object.
    pub(super) async fn done(
        mut self,
        action: &str,
        mut details: Value,
        done: Done,
    ) -> Result<Response, Stop> {
        details["request"] = json!(self.caller.request_id);
        details["reason"] = json!(self.reason);
        let entry = Entry {
            action,
            tenant: self.tenant,
            actor: &self.caller.operator.actor,
            phone: None,
            ip: Some(&self.ip),
            details,
        };
        audit::record(&mut self.tx, entry).await?;
        self.keep(done).await
    }

    /// Keeps the answer and commits: for what has changed nothing.
    pub(super) async fn keep(mut self, done: Done) -> Result<Response, Stop> {
        if let Some(key) = &self.key {
            let told_once = done.secret.is_some();
            let kept =
                json!({ "body": done.body, "location": done.location, "told_once": told_once });
            kept_answers::keep(&mut self.tx, key, done.status.as_u16(), &kept).await?;
        }
        self.tx.commit().await?;
        Ok(done.into_response())
    }
}

impl Done {
    /// It is done.
    pub(super) fn ok(body: Value) -> Done {
        Done { status: StatusCode::OK, body, location: None, secret: None }
    }

    /// It is written down, and will be done.
    pub(super) fn accepted(body: Value) -> Done {
        Done { status: StatusCode::ACCEPTED, body, location: None, secret: None }
    }

    /// There is something new.
    pub(super) fn created(body: Value) -> Done {
        Done { status: StatusCode::CREATED, body, location: None, secret: None }
    }

    /// Where to look at it.
    pub(super) fn at(self, location: String) -> Done {
        Done { location: Some(location), ..self }
    }

    /// With a member that only this answer has: a repeat of the order is refused instead.
    pub(super) fn telling(self, name: &'static str, secret: &str) -> Done {
        Done { secret: Some((name, secret.into())), ..self }
    }

    fn kept(status: u16, mut kept: Value) -> Done {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        let location = kept["location"].as_str().map(ToOwned::to_owned);
        Done { status, body: kept["body"].take(), location, secret: None }
    }
}

/// It was done, and what was told then is not kept.
fn told_before(body: &Value) -> Problem {
    let why = "this was done, and its answer told a secret that is not kept; if it was lost, revoke what was made";
    Problem::new(Code::ToldOnce, why).with("id", body["id"].clone())
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let mut body = self.body;
        if let Some((name, secret)) = &self.secret {
            body[*name] = json!(secret.expose_secret());
        }
        let mut response = (self.status, Json(body)).into_response();
        let location = self.location.and_then(|location| HeaderValue::try_from(location).ok());
        if let Some(location) = location {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        match self {
            Stop::Problem(problem) => problem.into_response(),
            Stop::Again(done) => {
                let mut response = done.into_response();
                response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
                response
            }
        }
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Stop {
        Stop::Problem(problem)
    }
}

impl From<engine::Error> for Stop {
    fn from(error: engine::Error) -> Stop {
        Stop::Problem(error.into())
    }
}

impl From<domain::Error> for Stop {
    fn from(error: domain::Error) -> Stop {
        Stop::Problem(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(keys: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for key in keys {
            headers.append(IDEMPOTENCY_KEY, key.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_key_is_one_short_text() {
        assert_eq!(given(&headers(&[])).unwrap(), None);
        assert_eq!(given(&headers(&["a-1"])).unwrap(), Some("a-1"));
        for bad in [&[""][..], &["a", "a"], &[&"x".repeat(201)], &["ü"]] {
            assert_eq!(given(&headers(bad)).unwrap_err().code(), Code::BadRequest, "{bad:?}");
        }
    }
}
