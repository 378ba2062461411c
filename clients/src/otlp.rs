//! Whoever takes our spans: an OpenTelemetry collector, or a program that speaks like one (OTLP over HTTP, as protobuf).

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::http::{Client, body_read, client};

/// An answer is a few numbers, and perhaps a sentence.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answered in time, or nobody could be reached.
    #[error("there was no answer")]
    NoAnswer(#[source] reqwest::Error),
    /// It is not the moment (429, 502, 503, 504).
    #[error("it answered {status}: later")]
    Later {
        /// The HTTP status.
        status: u16,
    },
    /// It is refused, and would be again.
    #[error("it answered {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
}

impl Error {
    /// Whether sending it again may help, as the protocol says.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::NoAnswer(_) | Error::Later { .. } => true,
            Error::Refused { .. } => false,
        }
    }
}

/// Why there is no collector.
#[derive(Debug, thiserror::Error)]
pub enum BadCollector {
    /// A header of the configuration is none. Its value is not told.
    #[error("the header {0:?} cannot be sent")]
    Header(String),
    /// There are no certificate authorities to trust.
    #[error("no HTTP client can be made")]
    Client(#[source] reqwest::Error),
}

/// Takes batches of spans. Has connections of its own, so that no provider waits for it.
#[derive(Clone)]
pub struct Collector {
    http: Client,
    url: Url,
    headers: HeaderMap,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

impl Collector {
    /// Calls nobody yet. `url` is whole, `/v1/traces` included; `timeout` bounds one batch's request.
    ///
    /// # Errors
    ///
    /// [`BadCollector`] when the headers cannot be sent, or nothing is trusted.
    pub fn new(
        url: Url,
        headers: &[(String, SecretString)],
        timeout: Duration,
    ) -> Result<Collector, BadCollector> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let bad = || BadCollector::Header(name.clone());
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
            let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| bad())?;
            value.set_sensitive(true);
            map.append(key, value);
        }
        map.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let http = client(timeout).map_err(BadCollector::Client)?;
        Ok(Collector { http, url, headers: map })
    }

    /// Sends one batch, once. What is answered may say that a part of it was not taken.
    ///
    /// # Errors
    ///
    /// [`Error`] when it was not taken.
    pub async fn send(&self, batch: Vec<u8>) -> Result<Vec<u8>, Error> {
        let request = self.http.post(self.url.clone()).headers(self.headers.clone()).body(batch);
        let response =
            request.send().await.map_err(|error| Error::NoAnswer(error.without_url()))?;
        let status = response.status();
        match status {
            _ if status.is_success() => {
                Ok(body_read(response, ANSWER_BYTES_MAX).await.unwrap_or_default())
            }
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Err(Error::Later { status: status.as_u16() }),
            _ => Err(Error::Refused { status: status.as_u16() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_cannot_be_sent_is_named_and_its_value_is_not() {
        let url = Url::parse("http://127.0.0.1:4318/v1/traces").unwrap();
        let headers = [("x-key".to_owned(), SecretString::from("hunter2\n"))];
        let error = Collector::new(url, &headers, Duration::from_secs(1)).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(told.contains("x-key") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        assert!(Error::Later { status: 503 }.is_transient());
        assert!(!Error::Refused { status: 401 }.is_transient());
    }
}
