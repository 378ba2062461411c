//! What is sent again under its `Idempotency-Key` is done once, at whichever instance: the answer is kept in the transaction of
//! the deed, and told again.

use axum::{
    Json,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{IF_MATCH, LOCATION},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use domain::{
    Digest, Pepper,
    kept_answers::{self, Kept},
};
use engine::Tx;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::problem::{Code, Problem};

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A UUID and then some; what is longer is no key.
const KEY_CHARS_MAX: usize = 200;

/// A key, and the request that it was given to: both as hashes.
pub(crate) struct Key {
    key: Digest,
    request: Digest,
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

impl Key {
    /// The key of a request, if it has one. `owner`: whose it is; what others call theirs is another one. A body may hold a
    /// phone number, of which there are so few that a plain hash would tell it.
    pub(crate) fn of(
        pepper: &Pepper,
        owner: &str,
        parts: &Parts,
        body: &[u8],
    ) -> Result<Option<Key>, Problem> {
        let Some(given) = given(&parts.headers)? else { return Ok(None) };
        let place = format!("{} {}", parts.method, parts.uri);
        let key = Digest::of(format!("{owner}\n{given}").as_bytes());
        // Sent again with another condition it is another request.
        let conditions = parts.headers.get_all(IF_MATCH).iter().map(HeaderValue::as_bytes);
        let conditions: Vec<_> = conditions.flat_map(|it| [it, b"\n"]).collect();
        let all = [&[place.as_bytes()], &conditions[..], &[body]].concat();
        Ok(Some(Key { key, request: pepper.hash("kept request", &all) }))
    }

    /// Goes on if this is the first request under the key. Whoever comes with it meanwhile waits for `tx` to end.
    pub(crate) async fn take(&self, tx: &mut Tx) -> Result<(), Stop> {
        match kept_answers::take(tx, &self.key, &self.request).await? {
            Kept::New => Ok(()),
            Kept::Answered { body, .. } if body["told_once"] == true => {
                Err(told_before(&body["body"]).into())
            }
            Kept::Answered { status, body } => Err(Stop::Again(Done::kept(status, body))),
            Kept::Other => {
                let why = "use another key for another request";
                Err(Problem::new(Code::KeyReused, why).into())
            }
        }
    }

    /// Keeps the answer in the transaction in which the key was taken.
    pub(crate) async fn keep(&self, tx: &mut Tx, done: &Done) -> Result<(), Problem> {
        let told_once = done.secret.is_some();
        let kept = json!({ "body": done.body, "location": done.location, "told_once": told_once });
        Ok(kept_answers::keep(tx, &self.key, done.status.as_u16(), &kept).await?)
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

impl Done {
    /// It is done.
    pub(crate) fn ok(body: Value) -> Done {
        Done { status: StatusCode::OK, body, location: None, secret: None }
    }

    /// It is written down, and will be done.
    pub(crate) fn accepted(body: Value) -> Done {
        Done { status: StatusCode::ACCEPTED, body, location: None, secret: None }
    }

    /// There is something new.
    pub(crate) fn created(body: Value) -> Done {
        Done { status: StatusCode::CREATED, body, location: None, secret: None }
    }

    /// Where to look at it.
    pub(crate) fn at(self, location: String) -> Done {
        Done { location: Some(location), ..self }
    }

    /// With a member that only this answer has: a repeat of the order is refused instead.
    pub(crate) fn telling(self, name: &'static str, secret: &str) -> Done {
        Done { secret: Some((name, secret.into())), ..self }
    }

    fn kept(status: u16, mut kept: Value) -> Done {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        let location = kept["location"].as_str().map(ToOwned::to_owned);
        Done { status, body: kept["body"].take(), location, secret: None }
    }
}

/// It was done, and what was told then is not kept. Says which it was: what was made, or the tenant that it was about.
fn told_before(body: &Value) -> Problem {
    let why = "this was done, and its answer told a secret that is not kept; if it was lost, revoke what was made";
    let which = body.get("id").or_else(|| body.get("tenantId"));
    Problem::new(Code::ToldOnce, why).with("id", which.cloned().unwrap_or_default())
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
