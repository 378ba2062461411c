//! Who is an operator: whoever has the key, as a bearer token or in a header of its own.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, request::Parts},
};
use tracing::warn;

use crate::{
    bearer,
    problem::{Code, Problem},
    state::ApiState,
};

const X_ADMIN_API_KEY: HeaderName = HeaderName::from_static("x-admin-api-key");

/// An operator asks.
pub(crate) struct Operator;

impl Operator {
    /// Who did it, for the audit. There is one key, so there is one name.
    pub(crate) const ACTOR: &str = "operator:admin-key";
}

impl FromRequestParts<ApiState> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Operator, Problem> {
        match given(&parts.headers) {
            Some(key) if state.is_admin_key(key) => Ok(Operator),
            Some(_) => {
                warn!("a wrong operator's key was tried");
                Err(Problem::new(Code::AdminKeyRequired, "this is not the key"))
            }
            None => Err(Problem::new(Code::AdminKeyRequired, "")),
        }
    }
}

fn given(headers: &HeaderMap) -> Option<&str> {
    let own = headers.get(X_ADMIN_API_KEY).and_then(|value| value.to_str().ok());
    own.or_else(|| bearer::token(headers))
}
