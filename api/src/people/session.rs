//! The cookie, and what it opens.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header::COOKIE, request::Parts},
};
use domain::{
    sessions::{self, Session},
    tenants::Admission,
    token::Token,
};

use crate::{
    problem::{Code, Problem},
    state::ApiState,
};

const COOKIE_NAME: &str = "trunkline_session";

/// A working day with its lunch break; who leaves the browser open overnight logs in again.
pub(super) const LIFETIME: Duration = Duration::from_hours(12);

/// Somebody is logged in and their tenant may use the product; the password may still be the temporary one.
pub(crate) struct SignedIn(pub(crate) Session);

/// As [`SignedIn`], with a password of their own.
pub(crate) struct OwnPassword(pub(crate) Session);

impl FromRequestParts<ApiState> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<SignedIn, Problem> {
        let absent = || Problem::new(Code::TenantContextRequired, "");
        let token = token_of(&parts.headers).ok_or_else(absent)?;
        let mut tx = state.begin().await?;
        let session = sessions::find(&mut tx, &token.digest()).await?.ok_or_else(absent)?;
        admit(session.admission)?;
        Ok(SignedIn(session))
    }
}

impl FromRequestParts<ApiState> for OwnPassword {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &ApiState,
    ) -> Result<OwnPassword, Problem> {
        let SignedIn(session) = SignedIn::from_request_parts(parts, state).await?;
        if session.must_change_password {
            return Err(Problem::new(
                Code::MustChangePassword,
                "POST /api/auth/change-password first",
            ));
        }
        Ok(OwnPassword(session))
    }
}

/// Whether people of a tenant may come in.
pub(super) fn admit(admission: Admission) -> Result<(), Problem> {
    match admission {
        Admission::Open => Ok(()),
        Admission::Expired => Err(Problem::new(Code::DemoExpired, "")),
        Admission::Closed => Err(Problem::new(Code::TenantClosed, "")),
    }
}

/// The session's token, if the request has one.
pub(super) fn token_of(headers: &HeaderMap) -> Option<Token> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let ours = cookies
        .flat_map(|header| header.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME);
    ours.and_then(|(_, value)| Token::parse(value).ok())
}

/// The cookie that opens a session.
pub(super) fn open_cookie(token: &Token, is_https: bool) -> HeaderValue {
    cookie(token.expose(), LIFETIME, is_https)
}

/// The cookie that makes the browser forget the other one.
pub(super) fn closing_cookie(is_https: bool) -> HeaderValue {
    cookie("", Duration::ZERO, is_https)
}

fn cookie(value: &str, lifetime: Duration, is_https: bool) -> HeaderValue {
    let secure = if is_https { "; Secure" } else { "" };
    let secs = lifetime.as_secs();
    let text =
        format!("{COOKIE_NAME}={value}; Path=/; Max-Age={secs}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::from_str(&text).expect("a token is hexadecimal");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_among_other_cookies() {
        let token = Token::generate(&mut rand::rng());
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "theme=dark; other=1".parse().unwrap());
        assert!(token_of(&headers).is_none());
        headers.append(COOKIE, format!("a=b; {COOKIE_NAME}={}", token.expose()).parse().unwrap());
        assert_eq!(token_of(&headers).unwrap().digest(), token.digest());
    }

    #[test]
    fn the_cookie_is_closed_to_scripts_and_bound_to_https_where_there_is_any() {
        let token = Token::generate(&mut rand::rng());
        let text = |https| open_cookie(&token, https).to_str().unwrap().to_owned();
        assert!(text(false).ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"));
        assert!(text(true).ends_with("; SameSite=Lax; Secure"));
        assert!(closing_cookie(false).to_str().unwrap().contains("=; Path=/; Max-Age=0;"));
    }
}
