//! The `OpenAPI` document of all routes. It is made of the table of routes, docs/http.md and what routes read, and held against
//! all three by tests; here it is only handed out.

use axum::http::{HeaderValue, header::CONTENT_TYPE};

const DOCUMENT: &str = include_str!("../../docs/openapi.json");

/// `GET /v1/openapi.json`.
pub(crate) async fn document() -> ([(axum::http::HeaderName, HeaderValue); 1], &'static str) {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], DOCUMENT)
}
