//! Twilio's error bodies.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// An answer that is no success, in Twilio's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    code: u32,
    message: &'static str,
}

impl Refusal {
    /// A refused request, 400.
    pub(super) const fn of(code: u32, message: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message }
    }

    pub(super) const fn opted_out() -> Self {
        Self::of(21610, "the recipient has opted out")
    }

    pub(super) const fn unauthenticated() -> Self {
        Self { status: StatusCode::UNAUTHORIZED, code: 20003, message: "Authenticate" }
    }

    pub(super) const fn not_found() -> Self {
        Self { status: StatusCode::NOT_FOUND, code: 20404, message: "no such resource" }
    }

    pub(super) const fn rate_limited() -> Self {
        Self { status: StatusCode::TOO_MANY_REQUESTS, code: 20429, message: "Too Many Requests" }
    }

    pub(super) const fn failed() -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self { status, code: 20500, message: "Internal Server Error" }
    }

    #[cfg(test)]
    pub(super) const fn code(self) -> u32 {
        self.code
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status.as_u16(),
        });
        let answer = (self.status, Json(body));
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            return ([(header::RETRY_AFTER, "1")], answer).into_response();
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = "Basic realm=\"Twilio API\"";
            return ([(header::WWW_AUTHENTICATE, challenge)], answer).into_response();
        }
        answer.into_response()
    }
}
