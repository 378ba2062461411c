//! The console's way to the API: without a socket, but as everybody else comes, through the table of routes and with what the
//! key of whoever is logged in may do. What an operator may not do there they cannot do here, and what they do is written down
//! there. Who it is was asked, and counted against the key's limit, when the page was: a page is one request, however many
//! questions it asks.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, HeaderName, Method, Request, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use super::{login, mask, page};
use crate::{
    admin::{Identity, Vouched},
    caller::Caller,
    idempotency::IDEMPOTENCY_KEY,
    problem::{self, Code, Problem},
};

/// A run of a thousand steps with what each of them yielded. What is larger nobody reads on a page.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Pages that one process keeps fresh at the same time; each costs a handful of statements every few seconds.
const STREAMS_MAX: usize = 32;

/// The API's routes, without the layers around them.
#[derive(Clone)]
pub(crate) struct Door {
    routes: Router,
    streams: Arc<Semaphore>,
}

/// Somebody at the door whose key was looked at.
#[derive(Clone)]
pub(super) struct Visit {
    door: Door,
    operator: Identity,
    caller: Caller,
}

/// What the API says when it does not do it.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(super) status: StatusCode,
    pub(super) title: String,
    pub(super) detail: String,
    /// Fields that cannot be used, each with what is wrong.
    pub(super) fields: Vec<String>,
    /// When it goes on, where that is known.
    pub(super) waits: Option<Duration>,
    /// What was decided about has changed since it was read: what stands there now, and where.
    pub(super) stands: Option<Box<Stands>>,
}

/// How a thing stands that somebody else has changed.
#[derive(Debug)]
pub(super) struct Stands {
    /// The page on which it was read.
    pub(super) at: String,
    /// What can be changed of it, as it is now.
    pub(super) now: String,
}

/// What the API says, whatever it is.
struct Said {
    status: StatusCode,
    waits: Option<Duration>,
    tag: String,
    answer: Value,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    pub(super) items: Vec<T>,
    #[serde(default = "Option::default")]
    pub(super) next_cursor: Option<String>,
}

impl Door {
    /// To these routes.
    pub(crate) fn to(routes: Router) -> Door {
        Door { routes, streams: Arc::new(Semaphore::new(STREAMS_MAX)) }
    }

    /// Somebody comes in. What they may do, the routes say.
    pub(super) fn visit(&self, operator: Identity, caller: Caller) -> Visit {
        Visit { door: self.clone(), operator, caller }
    }

    /// A place among the streams, if there is one.
    pub(super) fn stream(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).try_acquire_owned().ok()
    }

    /// A request to any of the routes.
    pub(super) async fn ask(&self, mut request: Request<Body>, caller: &Caller) -> Response {
        request.extensions_mut().insert(self.clone());
        request.extensions_mut().insert(caller.clone());
        let Ok(response) = self.routes.clone().oneshot(request).await;
        // As the outermost layer does it: a fault of ours is logged, with the request's id.
        problem::finish(response, &caller.request_id).0
    }
}

impl Visit {
    pub(super) fn door(&self) -> &Door {
        &self.door
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What a GET answers.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Refused> {
        read(self.get_whole(path).await?)
    }

    /// The same, and nothing in it is masked yet.
    pub(super) async fn get_whole(&self, path: &str) -> Result<Value, Refused> {
        Ok(self.get_tagged(path).await?.0)
    }

    /// How everything is. A system that is not well says so with 503: that is an answer too.
    pub(super) async fn health<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let said = self.send(Method::GET, "/health/detailed", Body::empty(), &[]).await?;
        let is_told =
            said.status == StatusCode::SERVICE_UNAVAILABLE && said.answer["findings"].is_array();
        if is_told { read(said.answer) } else { read(said.taken()?.0) }
    }

    /// The same with its tag, if it has one.
    pub(super) async fn get_tagged(&self, path: &str) -> Result<(Value, String), Refused> {
        self.ask(Method::GET, path, Body::empty(), &[]).await
    }

    /// The tag of a thing, without the thing; empty if there is none. Ask before the thing itself.
    pub(super) async fn tag(&self, path: &str) -> Result<String, Refused> {
        let nothing_new = [(header::IF_NONE_MATCH, "*")];
        match self.ask(Method::GET, path, Body::empty(), &nothing_new).await {
            Ok((_, tag)) => Ok(tag),
            Err(refused) if refused.status == Code::NotFound.status() => Ok(String::new()),
            Err(refused) => Err(refused),
        }
    }

    /// What an order answers. Sent again under the same `once` it is not carried out again; with a `tag` it is refused if
    /// what it is about has changed.
    pub(super) async fn order(
        &self,
        path: &str,
        body: &Value,
        once: &str,
        tag: &str,
    ) -> Result<Value, Refused> {
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (IDEMPOTENCY_KEY, once),
            (header::IF_MATCH, tag),
        ];
        let said = if tag.is_empty() { &headers[..2] } else { &headers[..] };
        Ok(self.ask(Method::POST, path, Body::from(body.to_string()), said).await?.0)
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Body,
        headers: &[(HeaderName, &str)],
    ) -> Result<(Value, String), Refused> {
        self.send(method, path, body, headers).await?.taken()
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Body,
        headers: &[(HeaderName, &str)],
    ) -> Result<Said, Refused> {
        let vouched = Vouched(self.operator.clone());
        let mut request = Request::builder().method(method).uri(path).extension(vouched);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(body).map_err(|_| Refused::nothing())?;
        let response = self.door.ask(request, &self.caller).await;
        let (status, waits) = (response.status(), waits(response.headers()));
        let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
        let tag = tag.unwrap_or_default().to_owned();
        let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await;
        let bytes = bytes.map_err(|_| Refused::too_much())?;
        let answer = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Said { status, waits, tag, answer })
    }
}

impl Said {
    /// The answer with its tag, unless it is a refusal.
    fn taken(mut self) -> Result<(Value, String), Refused> {
        if self.status.is_success() || self.status == StatusCode::NOT_MODIFIED {
            return Ok((self.answer, self.tag));
        }
        mask::clean(&mut self.answer);
        Err(Refused { waits: self.waits, ..Refused::of(self.status, &self.answer) })
    }
}

/// What pages are made of.
pub(super) fn read<T: DeserializeOwned>(mut answer: Value) -> Result<T, Refused> {
    mask::clean(&mut answer);
    serde_json::from_value(answer).map_err(|error| {
        // Only where the API answers otherwise than the console was built for; a test looks at every page.
        tracing::error!(%error, "an answer of the API cannot be shown");
        Refused::said(Code::Internal, "This cannot be shown", "It is logged.")
    })
}

impl Refused {
    /// With a code's status, and words for people.
    pub(super) fn said(code: Code, title: impl Into<String>, detail: impl Into<String>) -> Refused {
        let status = code.status();
        let (title, detail) = (title.into(), detail.into());
        Refused { status, title, detail, fields: Vec::new(), waits: None, stands: None }
    }

    pub(super) fn nothing() -> Refused {
        Refused::said(Code::NotFound, "There is nothing here", "No such page or thing.")
    }

    fn too_much() -> Refused {
        let detail = "It is too large for a page; the API has it.";
        Refused::said(Code::TooLarge, "Too much to show", detail)
    }

    fn of(status: StatusCode, problem: &Value) -> Refused {
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        let fields = problem["errors"].as_array().into_iter().flatten();
        let field = |error: &Value| {
            let pointer = error["pointer"].as_str().unwrap_or_default();
            let name = pointer.trim_start_matches(['/', '?']);
            format!("{name} {}", error["detail"].as_str().unwrap_or_default())
        };
        Refused {
            status,
            title: text("title"),
            detail: text("detail"),
            fields: fields.map(field).collect(),
            waits: None,
            stands: None,
        }
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        let code = problem.code();
        let refused = if code == Code::Unavailable {
            let detail = "The database does not answer. Please try again in a moment.";
            Refused::said(code, "Not available at the moment", detail)
        } else if code == Code::RateLimited {
            let detail =
                "This key has asked as often as it may in a minute. You are still logged in.";
            Refused::said(code, "Refused for now", detail)
        } else {
            Refused::said(Code::Internal, "Something went wrong here", "")
        };
        Refused { waits: problem.comes_back_after(), ..refused }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        // The key counts no more: it was exchanged or taken back since.
        if self.status == Code::AdminKeyRequired.status() {
            return login::again("/console");
        }
        page::refused(&self)
    }
}

/// When it goes on, as an answer says it.
pub(super) fn waits(headers: &HeaderMap) -> Option<Duration> {
    let secs = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(secs))
}

/// A text as a part of a path.
pub(super) fn segment(text: &str) -> String {
    // A form writes a blank as a plus and leaves the star: neither stands in a path of ours.
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20").replace('*', "%2A")
}

/// A query of the parts that say something.
pub(super) fn query(parts: &[(&str, &str)]) -> String {
    let said = parts.iter().filter(|(_, value)| !value.is_empty());
    form_urlencoded::Serializer::new(String::new()).extend_pairs(said).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_path_stays_one_part() {
        assert_eq!(segment("a/b?c#d ü%"), "a%2Fb%3Fc%23d%20%C3%BC%25");
        assert_eq!(segment("sms-1_2.3+*"), "sms-1_2.3%2B%2A");
    }

    #[test]
    fn a_query_has_what_says_something() {
        assert_eq!(
            query(&[("kind", "a b"), ("queue", ""), ("state", "ready")]),
            "kind=a+b&state=ready"
        );
    }
}
