//! Who is the outside clock: whoever has its key, as a bearer token. Without a key configured nobody is.

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{
    bearer,
    problem::{Code, Problem},
    state::ApiState,
};

/// The outside clock asks.
pub(crate) struct Clock;

impl FromRequestParts<ApiState> for Clock {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Clock, Problem> {
        match bearer::token(&parts.headers) {
            Some(key) if state.is_cron_secret(key) => Ok(Clock),
            Some(_) => {
                tracing::warn!("a wrong key of the outside clock was tried");
                Err(Problem::new(Code::CronSecretRequired, "this is not the key"))
            }
            None => Err(Problem::new(Code::CronSecretRequired, "")),
        }
    }
}
