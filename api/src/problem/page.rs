//! A problem as a response.

use std::time::Duration;

use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use tracing::error;

use super::{Code, Problem};

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.render(None);
        response.extensions_mut().insert(self);
        response
    }
}

/// The last word on an error's body: it gets the request id, and what axum itself refused becomes a problem too. A fault of
/// ours is logged here, once. Says which problem it was.
pub(crate) fn finish(response: Response, request_id: &str) -> (Response, Option<Code>) {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return (response, None);
    }
    let problem = match response.extensions().get::<Problem>() {
        Some(problem) => problem.clone(),
        None if is_speaking(&response) => return (response, None),
        None => Problem::new(code_of(status), ""),
    };
    if let Some(cause) = problem.cause_chain() {
        error!(problem = problem.code().as_str(), "a request failed: {cause}");
    }
    let (mut old, _) = response.into_parts();
    let mut new = problem.render(Some(request_id));
    // Headers of the first response stay (`Allow`), except those about its body.
    old.headers.remove(CONTENT_LENGTH);
    old.headers.remove(CONTENT_TYPE);
    for (name, value) in &old.headers {
        if !new.headers().contains_key(name) {
            new.headers_mut().append(name.clone(), value.clone());
        }
    }
    (new, Some(problem.code()))
}

/// Probes answer 503 with a JSON body of their own, the console with a page.
fn is_speaking(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json") || kind.starts_with("text/html"))
}

/// For refusals that are not ours: axum's own extractors and its routing.
fn code_of(status: StatusCode) -> Code {
    match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        status if status.is_client_error() => Code::BadRequest,
        _ => Code::Internal,
    }
}

impl Problem {
    fn render(&self, request_id: Option<&str>) -> Response {
        let inner = &self.0;
        let mut body = Map::new();
        let word = inner.code.as_str();
        body.insert("type".to_owned(), format!("/problems/{word}").into());
        body.insert("title".to_owned(), inner.code.title().into());
        body.insert("status".to_owned(), inner.code.status().as_u16().into());
        body.insert("code".to_owned(), word.into());
        if let Some(id) = request_id {
            body.insert("instance".to_owned(), id.into());
        }
        body.insert("detail".to_owned(), self.detail(request_id).into());
        if !inner.errors.is_empty() {
            body.insert("errors".to_owned(), json!(inner.errors));
        }
        body.extend(inner.members.clone());
        let mut response = Response::new(Body::from(Value::Object(body).to_string()));
        *response.status_mut() = inner.code.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        if inner.code.status() == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(after) = inner.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(after)));
        }
        response
    }

    fn detail(&self, request_id: Option<&str>) -> String {
        match (self.0.code, request_id) {
            (Code::Internal, Some(id)) => format!("reference {id}"),
            _ if self.0.detail.is_empty() => self.0.code.title().to_owned(),
            _ => self.0.detail.to_string(),
        }
    }
}

/// Rounded up: who comes back a moment early would be refused again.
fn whole_seconds(after: Duration) -> u64 {
    (after.as_secs() + u64::from(after.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, http::header::ALLOW};

    use super::*;
    use crate::problem::FieldError;

    async fn finished(response: Response) -> (Response, Value) {
        let (response, _) = finish(response, "r-1");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 10_000).await.unwrap();
        (Response::from_parts(parts, Body::empty()), serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn a_problem_carries_its_code_its_fields_and_the_request_id() {
        let errors = vec![FieldError { pointer: "/a".to_owned(), detail: "is missing".to_owned() }];
        let problem = Problem::fields(Code::InvalidFields, errors).with("more", 1);
        let (response, body) = finished(problem.into_response()).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
        assert_eq!(
            body,
            json!({
                "type": "/problems/invalid_fields", "title": "Some fields cannot be used", "status": 422,
                "code": "invalid_fields", "detail": "/a is missing", "instance": "r-1",
                "errors": [{"pointer": "/a", "detail": "is missing"}], "more": 1,
            })
        );
    }

    #[tokio::test]
    async fn a_fault_of_ours_shows_the_reference_and_nothing_else() {
        let problem = Problem::internal(std::io::Error::other("the secret"));
        let (response, body) = finished(problem.into_response()).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(body["detail"], "reference r-1");
        assert!(!body.to_string().contains("secret"));
    }

    #[tokio::test]
    async fn what_axum_refuses_becomes_a_problem_and_keeps_its_headers() {
        let refused = (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "POST")], "no").into_response();
        let (response, body) = finished(refused).await;
        assert_eq!(response.headers()[ALLOW], "POST");
        assert_eq!(body["code"], "method_not_allowed");
    }

    #[tokio::test]
    async fn a_wait_is_told_in_whole_seconds() {
        let problem = Problem::new(Code::RateLimited, "").retry_after(Duration::from_millis(1_200));
        let (response, _) = finished(problem.into_response()).await;
        assert_eq!(response.headers()[RETRY_AFTER], "2");
    }
}
