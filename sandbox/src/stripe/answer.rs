//! What a request is answered with. Errors have Stripe's shape, <https://docs.stripe.com/api/errors>.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// A status and a body.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Value,
    /// It is that of an earlier request with the same key.
    pub(super) replayed: bool,
}

/// An answer that is no success.
pub(super) type Refused = Answer;

impl Answer {
    pub(super) fn of(body: Value) -> Self {
        Self { status: StatusCode::OK, body, replayed: false }
    }

    fn error(status: StatusCode, kind: &str, code: Option<&str>, message: &str) -> Self {
        let body = json!({ "error": { "type": kind, "code": code, "message": message } });
        Self { status, body, replayed: false }
    }

    pub(super) fn bad(message: &str) -> Self {
        Self::error(StatusCode::BAD_REQUEST, "invalid_request_error", None, message)
    }

    pub(super) fn code(code: &str, message: &str) -> Self {
        Self::error(StatusCode::BAD_REQUEST, "invalid_request_error", Some(code), message)
    }

    pub(super) fn missing(what: &str) -> Self {
        let message = format!("No such {what}");
        let kind = "invalid_request_error";
        Self::error(StatusCode::NOT_FOUND, kind, Some("resource_missing"), &message)
    }

    pub(super) fn card(code: &str) -> Self {
        let message = "The card cannot be charged.";
        Self::error(StatusCode::PAYMENT_REQUIRED, "card_error", Some(code), message)
    }

    pub(super) fn unauthenticated() -> Self {
        let message = "Invalid API Key provided";
        Self::error(StatusCode::UNAUTHORIZED, "invalid_request_error", None, message)
    }

    pub(super) fn rate_limited() -> Self {
        let (status, kind) = (StatusCode::TOO_MANY_REQUESTS, "invalid_request_error");
        Self::error(status, kind, Some("rate_limit"), "Too many requests")
    }

    pub(super) fn failed() -> Self {
        Self::error(StatusCode::INTERNAL_SERVER_ERROR, "api_error", None, "Something went wrong")
    }

    pub(super) fn key_in_use() -> Self {
        let (status, code) = (StatusCode::CONFLICT, Some("idempotency_key_in_use"));
        Self::error(status, "idempotency_error", code, "There is a request with this key")
    }

    pub(super) fn key_mismatch() -> Self {
        let message = "Keys can only be used with the parameters they were first used with";
        Self::error(StatusCode::BAD_REQUEST, "idempotency_error", None, message)
    }

    /// Whether the key keeps it: once execution has begun, so not if the request itself was at fault.
    pub(super) fn is_kept(&self) -> bool {
        self.status.is_success()
            || self.status.is_server_error()
            || self.status == StatusCode::PAYMENT_REQUIRED
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        let headers = response.headers_mut();
        if self.replayed {
            headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
