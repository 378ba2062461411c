//! Who may call.

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::ExposeSecret;

use super::{options::Options, refusal::Refusal};

/// Checks HTTP Basic credentials, then that the path names the account they belong to.
pub(super) fn check(
    options: &Options,
    headers: &HeaderMap,
    account_sid: &str,
) -> Result<(), Refusal> {
    let expected = format!("{}:{}", options.account_sid, options.auth_token.expose_secret());
    let credentials = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|encoded| STANDARD.decode(encoded).ok());
    if credentials.as_deref() != Some(expected.as_bytes()) {
        return Err(Refusal::unauthenticated());
    }
    if account_sid == options.account_sid { Ok(()) } else { Err(Refusal::not_found()) }
}
