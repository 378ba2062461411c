//! How requests leave and answers are judged. It stands below `async-openai`, because that crate tells neither `Retry-After` nor
//! whether anybody was reached, and writes an answer that it cannot read into the log: what people say does not belong there.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use async_openai::{
    error::OpenAIError, middleware::HttpRequestFactory, types::chat::CreateChatCompletionResponse,
};
use http::{HeaderMap, StatusCode, header};
use reqwest::Response;
use serde::Deserialize;
use tower::Service;

use super::Error;
use crate::exchange::{self, Answer};

/// An answer of a few hundred words has a few kilobytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Longer wishes are a mistake.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// Sends one request, and judges what comes back before anybody else reads it.
#[derive(Clone)]
pub(super) struct Transport(pub(super) reqwest::Client);

impl Service<HttpRequestFactory> for Transport {
    type Response = Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, OpenAIError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let http = self.0.clone();
        Box::pin(async move {
            let request = factory.build().await?;
            send(&http, request).await.map_err(|error| OpenAIError::Boxed(Box::new(error)))
        })
    }
}

async fn send(http: &reqwest::Client, request: reqwest::Request) -> Result<Response, Error> {
    let answered = exchange::execute("openai", http, request, ANSWER_BYTES_MAX).await;
    let answered = answered.map_err(|error| Error::NoAnswer(error.without_url()))?;
    let Answer { status, headers, body } = answered;
    if !status.is_success() {
        return Err(refusal(status, &headers, &body.unwrap_or_default()));
    }
    let body = body.ok_or(Error::Unreadable)?;
    serde_json::from_slice::<CreateChatCompletionResponse>(&body).map_err(|_| Error::Unreadable)?;
    Ok(Response::from(http::Response::new(body)))
}

fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    if status == StatusCode::TOO_MANY_REQUESTS {
        let wire = serde_json::from_slice::<WireError>(body).ok();
        let kind = wire.and_then(|wire| wire.error.code.or(wire.error.kind));
        if kind.as_deref() == Some("insufficient_quota") {
            return Error::NoCredit;
        }
        return Error::RateLimited { retry_after: retry_after(headers) };
    }
    let status = status.as_u16();
    if status >= 500 { Error::ServerError { status } } else { Error::Rejected { status } }
}

/// In whole seconds; OpenAI sends no dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let secs = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(secs).min(RETRY_AFTER_MAX))
}

/// The part of OpenAI's error body that is safe to keep: its `message` quotes what was asked.
#[derive(Deserialize)]
struct WireError {
    error: WireCause,
}

#[derive(Deserialize)]
struct WireCause {
    code: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, wish: Option<&str>, body: &str) -> Error {
        let mut headers = HeaderMap::new();
        if let Some(wish) = wish {
            headers.insert(header::RETRY_AFTER, wish.parse().unwrap());
        }
        refusal(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    #[test]
    fn waiting_helps_against_a_rate_and_not_against_an_empty_purse() {
        let waits = |wish| {
            let Error::RateLimited { retry_after } = judge(429, wish, "{}") else {
                panic!("429 is not a rate limit")
            };
            retry_after.map(|wait| wait.as_secs())
        };
        assert_eq!(waits(Some("7")), Some(7));
        assert_eq!(waits(Some("soon")), None);
        assert_eq!(waits(Some("999999999")), Some(3600));
        let empty = r#"{"error":{"message":"+4366","type":"insufficient_quota","code":null}}"#;
        assert!(matches!(judge(429, None, empty), Error::NoCredit));
    }

    #[test]
    fn a_refusal_keeps_the_status_and_nothing_that_was_said() {
        let error = judge(400, None, r#"{"error":{"message":"my knee hurts"}}"#);
        assert!(matches!(error, Error::Rejected { status: 400 }));
        assert!(!format!("{error} {error:?}").contains("knee"));
        assert!(matches!(judge(503, None, "<html>"), Error::ServerError { status: 503 }));
    }
}
