//! What a failed request is known to mean. Facts only: what to do about them is not said here.
//! Source: <https://docs.stripe.com/api/errors>, <https://docs.stripe.com/api/idempotent_requests>.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use crate::transport::{Departure, departure};

/// Stripe asks for seconds. A larger value is a mistake, and must not park work for years.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// Stripe's codes are words such as `card_declined`; what is longer is none.
const CODE_CHARS_MAX: usize = 64;

/// Why a request had no usable answer. Holds no name, no address and no URL.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It never left: no connection. Nothing happened at Stripe.
    #[error("Stripe could not be reached")]
    NotSent(#[source] reqwest::Error),
    /// It left, or may have, and no answer came. Stripe may have acted on it.
    #[error("no answer from Stripe; the request may have been taken")]
    Unknown(#[source] reqwest::Error),
    /// Too many requests, or somebody else holds the object. Stripe did not act on this one.
    #[error("Stripe limits our rate")]
    RateLimited {
        /// How long Stripe asks us to wait, where it does.
        retry_after: Option<Duration>,
    },
    /// Another request with the same idempotency key is under way: what becomes of it is not known yet.
    #[error("a request with the same key is under way at Stripe")]
    KeyInUse,
    /// The key was used with other parameters. Nothing was done now; something was done then.
    #[error("the key was used at Stripe for another request")]
    KeyMismatch,
    /// Stripe failed (5xx). It may have acted on the request nevertheless.
    #[error("Stripe failed with status {status}")]
    ServerError {
        /// The HTTP status, 500–599.
        status: u16,
        /// The answer is that of an earlier request with the same key, which is over: it will be the same again.
        replayed: bool,
    },
    /// Stripe understood and refused. It did not act on the request.
    #[error("Stripe refused with status {status}, code {}", code.as_deref().unwrap_or("none"))]
    Rejected {
        /// The HTTP status, 400–499.
        status: u16,
        /// Stripe's code, or the bank's for a card, where the answer held one.
        code: Option<String>,
        /// Whose problem it is.
        class: RejectedClass,
    },
    /// An answer that makes no sense. With a status of 2xx Stripe has acted on the request.
    #[error("an answer from Stripe, status {status}, could not be read")]
    Unreadable {
        /// The HTTP status.
        status: u16,
    },
}

/// Whose problem a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectedClass {
    /// The card or the bank behind it. The customer has to do something.
    Card,
    /// What was asked about is not there, or not any more.
    Missing,
    /// Our key is wrong, revoked, or may not do this.
    Credentials,
    /// The request itself.
    Request,
    /// Stripe says that it is worth repeating (`Stripe-Should-Retry`), or the state of the object is in the way (409).
    Passing,
}

/// The code under which a repeated meter event is known here. Stripe's second API calls it so
/// (<https://docs.stripe.com/api/v2/billing/meter-event/create>); the first gives no code, and only says it.
pub(super) const DUPLICATE_METER_EVENT: &str = "duplicate_meter_event";

/// How the first API says it.
const SAYS_DUPLICATE: &str = "event already exists with identifier";

impl Error {
    /// From a request without an answer.
    pub(super) fn of_transport(error: reqwest::Error) -> Self {
        let departed = departure(&error);
        // The URL may name a customer.
        let error = error.without_url();
        match departed {
            Departure::NotSent => Self::NotSent(error),
            Departure::Unknown => Self::Unknown(error),
        }
    }

    /// From an answer that is no success.
    pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let error = serde_json::from_slice::<WireBody>(body).map(|wire| wire.error);
        let WireError { kind, code, decline_code, message } = error.unwrap_or_default();
        let is_duplicate = message.is_some_and(|it| it.contains(SAYS_DUPLICATE));
        let known = is_duplicate.then(|| DUPLICATE_METER_EVENT.to_owned());
        let code = decline_code.or(code).filter(|code| is_code(code)).or(known);
        let is = |wanted: &str| code.as_deref() == Some(wanted);
        if kind.as_deref() == Some("idempotency_error") && status != StatusCode::CONFLICT {
            return Self::KeyMismatch;
        }
        if is("idempotency_key_in_use") {
            return Self::KeyInUse;
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Self::RateLimited { retry_after: retry_after(headers) };
        }
        if status.is_server_error() {
            let replayed = says(headers, "idempotent-replayed") == Some(true);
            return Self::ServerError { status: status.as_u16(), replayed };
        }
        if !status.is_client_error() {
            return Self::Unreadable { status: status.as_u16() };
        }
        let class = class(status, headers, kind.as_deref(), code.as_deref());
        Self::Rejected { status: status.as_u16(), code, class }
    }

    /// Whether what was asked about is not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Rejected { class: RejectedClass::Missing, .. })
    }

    /// Whether Stripe refused with this code.
    pub fn has_code(&self, wanted: &str) -> bool {
        matches!(self, Self::Rejected { code: Some(code), .. } if code == wanted)
    }
}

fn class(
    status: StatusCode,
    headers: &HeaderMap,
    kind: Option<&str>,
    code: Option<&str>,
) -> RejectedClass {
    if status == StatusCode::PAYMENT_REQUIRED || kind == Some("card_error") {
        return RejectedClass::Card;
    }
    match (says(headers, "stripe-should-retry"), status) {
        (Some(true), _) | (None, StatusCode::CONFLICT) => RejectedClass::Passing,
        (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => RejectedClass::Credentials,
        (_, StatusCode::NOT_FOUND) => RejectedClass::Missing,
        (_, StatusCode::BAD_REQUEST) if code == Some("resource_missing") => RejectedClass::Missing,
        _ => RejectedClass::Request,
    }
}

/// The part of Stripe's error body that is looked at. Its `message` quotes what was sent, and is not kept.
#[derive(Deserialize, Default)]
struct WireBody {
    #[serde(default)]
    error: WireError,
}

#[derive(Deserialize, Default)]
struct WireError {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    decline_code: Option<String>,
    message: Option<String>,
}

fn is_code(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    (1..=CODE_CHARS_MAX).contains(&text.len()) && text.bytes().all(plain)
}

fn says(headers: &HeaderMap, name: &str) -> Option<bool> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let secs = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(secs).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Error {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        Error::of_answer(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    fn class_of(status: u16, body: &str) -> Option<RejectedClass> {
        let Error::Rejected { class, .. } = answer(status, &[], body) else { return None };
        Some(class)
    }

    #[test]
    fn a_refusal_carries_code_and_class_but_not_stripes_words() {
        let body = r#"{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds",
            "message":"Anna Huber's card was declined"}}"#;
        let error = answer(402, &[], body);
        assert_eq!(class_of(402, body), Some(RejectedClass::Card));
        assert!(error.has_code("insufficient_funds"));
        assert!(!format!("{error} {error:?}").contains("Huber"));
    }

    #[test]
    fn each_kind_of_refusal_has_its_class() {
        let missing = r#"{"error":{"type":"invalid_request_error","code":"resource_missing"}}"#;
        assert_eq!(class_of(404, missing), Some(RejectedClass::Missing));
        assert_eq!(class_of(400, missing), Some(RejectedClass::Missing));
        assert_eq!(class_of(400, "{}"), Some(RejectedClass::Request));
        assert_eq!(class_of(401, ""), Some(RejectedClass::Credentials));
        assert_eq!(class_of(403, "<html>"), Some(RejectedClass::Credentials));
        assert_eq!(class_of(409, "{}"), Some(RejectedClass::Passing));
        let odd = r#"{"error":{"code":"Not A Code"}}"#;
        assert!(matches!(answer(400, &[], odd), Error::Rejected { code: None, .. }));
    }

    #[test]
    fn a_repeated_meter_event_is_known_by_stripes_words_or_by_its_code() {
        for error in [
            r#"{"message":"An event already exists with identifier t:1:talk_secs:61."}"#,
            r#"{"code":"duplicate_meter_event"}"#,
        ] {
            let error = answer(400, &[], &format!(r#"{{"error":{error}}}"#));
            assert!(error.has_code(DUPLICATE_METER_EVENT), "{error:?}");
            assert!(!format!("{error} {error:?}").contains("talk_secs"));
        }
    }

    #[test]
    fn what_happened_to_a_key_is_told_apart() {
        let mismatch =
            r#"{"error":{"type":"idempotency_error","message":"Keys for idempotent …"}}"#;
        assert!(matches!(answer(400, &[], mismatch), Error::KeyMismatch));
        let in_use = r#"{"error":{"type":"idempotency_error","code":"idempotency_key_in_use"}}"#;
        assert!(matches!(answer(409, &[], in_use), Error::KeyInUse));
        let replayed = [("idempotent-replayed", "true")];
        assert!(matches!(answer(500, &replayed, ""), Error::ServerError { replayed: true, .. }));
        assert!(matches!(answer(503, &[], ""), Error::ServerError { replayed: false, .. }));
    }

    #[test]
    fn stripes_own_word_on_repeating_goes_first() {
        let wish = |word| answer(400, &[("stripe-should-retry", word)], "{}");
        let passing =
            |error: Error| matches!(error, Error::Rejected { class: RejectedClass::Passing, .. });
        assert!(passing(wish("true")));
        assert!(!passing(wish("false")));
    }

    #[test]
    fn a_limit_says_when_to_come_back_and_never_in_years() {
        let after = |headers: &[_]| {
            let Error::RateLimited { retry_after } = answer(429, headers, "") else {
                panic!("429 is not a rate limit")
            };
            retry_after.map(|it| it.as_secs())
        };
        assert_eq!(after(&[]), None);
        assert_eq!(after(&[("retry-after", "3")]), Some(3));
        assert_eq!(after(&[("retry-after", "soon")]), None);
        assert_eq!(after(&[("retry-after", "99999999999")]), Some(24 * 60 * 60));
    }
}
