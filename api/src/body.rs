//! A request's body, as many bytes as are allowed, for as long as is allowed.

use std::time::Duration;

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, header::CONTENT_TYPE},
};

use crate::problem::{Code, Problem};

/// A megabyte over a poor line takes a few seconds; who sends a byte a second is no client of ours.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

/// Reads the body. What fails here is its length: if the connection broke instead, nobody hears the answer.
pub(crate) async fn read(body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    match tokio::time::timeout(ARRIVES_WITHIN, to_bytes(body, bytes_max)).await {
        Ok(read) => read.map_err(|_| {
            Problem::new(Code::TooLarge, format!("at most {bytes_max} bytes are allowed"))
        }),
        Err(_) => Err(Problem::new(Code::SlowBody, "")),
    }
}

/// The media type without its parameters, in lower case; empty if there is none.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}
