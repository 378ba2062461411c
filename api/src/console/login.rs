//! In with the operator's key, and out again.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::{FromRequestParts, OriginalUri, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    audit::{self, Entry},
    token::Token,
};
use secrecy::SecretString;
use serde_json::json;

use super::{
    door::{Refused, query},
    form::{Form, Signed, foreign},
    page, session,
};
use crate::{
    admin::{Identity, wrong_keys},
    caller::Caller,
    metrics::Door,
    people::OwnOrigin,
    problem::{Code, Problem},
    state::ApiState,
};

/// What is longer is no key of ours, and would not fit into a cookie.
const KEY_CHARS_MAX: usize = 512;

/// The word of a form that is sent without a session.
const FORM_COOKIE: &str = "trunkline_console_form";
const FORM_LASTS: Duration = Duration::from_hours(1);

#[derive(Template)]
#[template(path = "login.html")]
struct Login<'a> {
    stamp: &'static str,
    csrf: &'a str,
    next: &'a str,
    refused: &'a str,
}

/// Where to log in, and where to go from there.
pub(super) fn again(next: &str) -> Response {
    let address = format!("/console/login?{}", query(&[("next", own_page(next))]));
    page::see(&address)
}

/// A page of the console; whatever else is asked for is the first one.
pub(super) fn own_page(path: &str) -> &str {
    let rest = path.strip_prefix("/console");
    let is_own = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let is_plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') && path.len() < 2000;
    if is_own && is_plain && !path.contains("//") { path } else { "/console" }
}

/// `GET /console/login`.
pub(crate) async fn login_page(
    State(state): State<ApiState>,
    OriginalUri(uri): OriginalUri,
) -> Response {
    let asked = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let next = asked.into_iter().find(|(name, _)| name == "next").map(|(_, next)| next);
    shown(&state, StatusCode::OK, next.as_deref().unwrap_or_default(), "")
}

fn shown(state: &ApiState, status: StatusCode, next: &str, refused: &str) -> Response {
    let csrf = Token::generate(&mut rand::rng());
    let page = Login { stamp: page::stamp(), csrf: csrf.expose(), next: own_page(next), refused };
    let mut response = page::html(status, &page);
    let https = state.config().is_https();
    let cookie =
        session::set_cookie(FORM_COOKIE, csrf.expose(), "/console/login", FORM_LASTS, https);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// `POST /console/login`.
pub(crate) async fn login(State(state): State<ApiState>, request: Request) -> Response {
    enter(&state, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn enter(state: &ApiState, request: Request) -> Result<Response, Refused> {
    let (mut parts, body) = request.into_parts();
    if OwnOrigin::from_request_parts(&mut parts, state).await.is_err() {
        return Err(foreign());
    }
    let form = Form::read(&parts, body).await?;
    if !is_own(&parts.headers, form.get("csrf")) {
        return Err(foreign());
    }
    let Ok(caller) = Caller::from_request_parts(&mut parts, state).await;
    let next = form.get("next");
    let key = SecretString::from(form.get("key"));
    match admit(state, &caller, form.get("key")).await? {
        Some(identity) => Ok(opened(state, &caller, &identity, &key, next).await?),
        None => refused(state, &caller, next).await,
    }
}

/// The word in the form is that of the cookie which came with it.
fn is_own(headers: &HeaderMap, given: &str) -> bool {
    let kept = session::named(headers, FORM_COOKIE);
    Token::parse(given).is_ok() && kept.is_some_and(|kept| session::same(kept, given))
}

/// It is not the key. Counted with the wrong keys that the API was sent from the same address.
async fn refused(state: &ApiState, caller: &Caller, next: &str) -> Result<Response, Refused> {
    match wrong_keys::count(state, caller, Door::Console).await {
        Ok(()) => Ok(shown(state, Code::InvalidCredentials.status(), next, "This is not the key.")),
        Err(problem) if problem.code() == Code::RateLimited => {
            let wait = problem.comes_back_after().unwrap_or_default();
            let why = format!("Too many wrong keys. Try again in {} s.", wait.as_secs());
            let mut response = shown(state, Code::RateLimited.status(), next, &why);
            response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().into());
            Ok(response)
        }
        Err(problem) => Err(problem.into()),
    }
}

/// Whose key it is, if it is one: asked as the API asks, of whom the API asks.
async fn admit(state: &ApiState, caller: &Caller, key: &str) -> Result<Option<Identity>, Refused> {
    if key.is_empty() || key.len() > KEY_CHARS_MAX {
        return Ok(None);
    }
    match Identity::of_key(key, state, &caller.standing).await {
        Ok(identity) => Ok(Some(identity)),
        // This alone means that it is none; nothing else counts as a try.
        Err(problem) if problem.code() == Code::AdminKeyRequired => Ok(None),
        Err(problem) if problem.code() == Code::RateLimited => Err(too_often(&problem)),
        Err(problem) => Err(problem.into()),
    }
}

/// It is a key, and it has asked too often: what the pages say then, but nobody is logged in yet.
fn too_often(problem: &Problem) -> Refused {
    let detail = "This key has asked as often as it may in a minute.";
    let refused = Refused::said(Code::RateLimited, "Refused for now", detail);
    Refused { waits: problem.comes_back_after(), ..refused }
}

async fn opened(
    state: &ApiState,
    caller: &Caller,
    identity: &Identity,
    key: &SecretString,
    next: &str,
) -> Result<Response, Problem> {
    let cookie = session::cookie(state, key).await?;
    let mut tx = state.begin().await?;
    let entry = Entry {
        action: "console.opened",
        tenant: None,
        actor: &identity.actor,
        phone: None,
        ip: Some(&caller.ip_digest(&state.config().pepper)),
        details: json!({ "request": caller.request_id }),
    };
    audit::record(&mut tx, entry).await?;
    tx.commit().await?;
    let mut response = page::see(own_page(next));
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// `POST /console/logout`.
pub(crate) async fn logout(State(state): State<ApiState>, _: Signed) -> Response {
    let mut response = page::see("/console/login");
    response.headers_mut().append(header::SET_COOKIE, session::closing_cookie(&state));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_a_page_of_the_console_and_nowhere_else() {
        for own in ["/console", "/console/jobs?state=failed&kind=a", "/console?x=1"] {
            assert_eq!(own_page(own), own);
        }
        for other in [
            "",
            "//evil.example",
            "/consolex",
            "https://evil.example/console",
            "/console//evil.example",
            "/console/\\evil",
            "/console/\r\nx: y",
            "/v1/admin/jobs",
        ] {
            assert_eq!(own_page(other), "/console", "{other}");
        }
    }
}
