//! Who is logged in. The cookie holds the operator's key, sealed, so that no table has to: any process opens it, nobody else
//! can, and a key that is exchanged or taken back ends its sessions with the next request, since every request looks at that
//! very key: once, and it counts as one against the key's limit.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header::COOKIE, request::Parts},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Digest, token::Token};
use engine::Sealed;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{
    door::{Door, Refused, Visit, segment},
    live::Fragment,
    login,
};
use crate::{
    admin::Identity,
    caller::Caller,
    problem::{Code, Problem},
    state::ApiState,
};

const COOKIE_NAME: &str = "trunkline_console";

/// A working day with its lunch break, as for tenants' people.
pub(super) const LIFETIME: Duration = Duration::from_hours(12);

/// Browsers keep no cookie of more than 4 KiB.
const COOKIE_CHARS_MAX: usize = 4000;

/// Somebody is logged in, and looks at a page.
pub(crate) struct Session {
    /// What they ask of the API.
    pub(super) visit: Visit,
    /// What their forms carry.
    pub(super) csrf: String,
    /// The instant, by the database's clock.
    pub(super) now: DateTime<Utc>,
    /// The page that they look at, with its query.
    pub(super) here: String,
    /// Whether only the part that changes is asked for.
    pub(super) is_fragment: bool,
}

/// What is in the cookie. The name of the first field says what the box is for: no other sealed value of ours has it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    console_key: String,
    csrf: String,
    until: DateTime<Utc>,
}

/// Why there is no session.
pub(super) enum Absent {
    /// Nobody is logged in (any more).
    LoggedOut,
    /// It cannot be told at the moment.
    Problem(Problem),
}

impl From<Problem> for Absent {
    fn from(problem: Problem) -> Absent {
        Absent::Problem(problem)
    }
}

impl Session {
    /// The session of a request.
    pub(super) async fn of(parts: &Parts, state: &ApiState) -> Result<Session, Absent> {
        let kept = cookie_of(&parts.headers).and_then(|text| open(state, text));
        let kept = kept.ok_or(Absent::LoggedOut)?;
        let now = now(state).await?;
        if kept.until <= now {
            return Err(Absent::LoggedOut);
        }
        let door = parts.extensions.get::<Door>().cloned();
        let caller = parts.extensions.get::<Caller>().cloned();
        let (Some(door), Some(caller)) = (door, caller) else { return Err(Absent::LoggedOut) };
        let operator = Identity::of_key(&kept.console_key, state, &caller.standing).await;
        let operator = operator.map_err(|problem| {
            let is_no_key = problem.code() == Code::AdminKeyRequired;
            if is_no_key { Absent::LoggedOut } else { Absent::Problem(problem) }
        })?;
        let here = parts.uri.path_and_query().map_or("/console", |it| it.as_str()).to_owned();
        let is_fragment = parts.extensions.get::<Fragment>().is_some();
        let visit = door.visit(operator, caller);
        Ok(Session { visit, csrf: kept.csrf, now, here, is_fragment })
    }

    /// The tag of the thing that somebody has chosen on a list; empty if nothing is chosen, or it is not there.
    pub(super) async fn tag_of(&self, things: &str, of: Option<&str>) -> Result<String, Refused> {
        match of.filter(|of| !of.is_empty()) {
            Some(of) => self.visit.tag(&format!("{things}{}", segment(of))).await,
            None => Ok(String::new()),
        }
    }

    /// Whether a form carries this session's word.
    pub(super) fn is_own(&self, given: &str) -> bool {
        same(given, &self.csrf)
    }
}

impl FromRequestParts<ApiState> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Session, Response> {
        Session::of(parts, state).await.map_err(|absent| match absent {
            Absent::LoggedOut => {
                login::again(parts.uri.path_and_query().map_or("/console", |it| it.as_str()))
            }
            Absent::Problem(problem) => Refused::from(problem).into_response(),
        })
    }
}

/// Two words, compared by their hashes: neither length nor content shows in the time.
pub(super) fn same(one: &str, other: &str) -> bool {
    Digest::of(one.as_bytes()) == Digest::of(other.as_bytes())
}

/// The cookie that opens a session with a key.
pub(super) async fn cookie(state: &ApiState, key: &SecretString) -> Result<HeaderValue, Problem> {
    let lifetime = TimeDelta::from_std(LIFETIME).unwrap_or_default();
    let until = now(state).await? + lifetime;
    let kept = Kept {
        console_key: key.expose_secret().to_owned(),
        csrf: Token::generate(&mut rand::rng()).expose().to_owned(),
        until,
    };
    let sealed = state.engine().sealer().seal(&kept).map_err(Problem::internal)?;
    let text = URL_SAFE_NO_PAD.encode(sealed.as_bytes());
    Ok(set_cookie(COOKIE_NAME, &text, "/console", LIFETIME, state.config().is_https()))
}

/// The cookie that makes the browser forget the other one.
pub(super) fn closing_cookie(state: &ApiState) -> HeaderValue {
    set_cookie(COOKIE_NAME, "", "/console", Duration::ZERO, state.config().is_https())
}

pub(super) fn set_cookie(
    name: &str,
    text: &str,
    path: &str,
    lifetime: Duration,
    is_https: bool,
) -> HeaderValue {
    let (secure, secs) = (if is_https { "; Secure" } else { "" }, lifetime.as_secs());
    let text =
        format!("{name}={text}; Path={path}; Max-Age={secs}; HttpOnly; SameSite=Strict{secure}");
    let mut value =
        HeaderValue::from_str(&text).expect("names and texts are of a cookie's letters");
    value.set_sensitive(true);
    value
}

/// A cookie's text by its name.
pub(super) fn named<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|header| header.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, text)| text)
}

fn cookie_of(headers: &HeaderMap) -> Option<&str> {
    named(headers, COOKIE_NAME).filter(|text| text.len() <= COOKIE_CHARS_MAX)
}

fn open(state: &ApiState, text: &str) -> Option<Kept> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let sealed = Sealed::<Kept>::from_bytes(bytes).ok()?;
    state.engine().sealer().open(&sealed).ok()
}

async fn now(state: &ApiState) -> Result<DateTime<Utc>, Problem> {
    Ok(state.engine().now().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_closed_to_scripts_and_to_other_sites() {
        let text = |https| {
            let cookie = set_cookie(COOKIE_NAME, "x", "/console", LIFETIME, https);
            cookie.to_str().unwrap().to_owned()
        };
        let plain = "trunkline_console=x; Path=/console; Max-Age=43200; HttpOnly; SameSite=Strict";
        assert_eq!(text(false), plain);
        assert_eq!(text(true), format!("{plain}; Secure"));
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=1; trunkline_console=abc".parse().unwrap());
        assert_eq!(cookie_of(&headers), Some("abc"));
        assert_eq!(named(&headers, "console"), None);
    }
}
