//! What a failed request is known to mean. Facts only: what to do about them is not said here.

use std::time::Duration;

use chrono::DateTime;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use crate::transport::{Departure, departure};

/// No provider means more than a day by `Retry-After`; a larger value is a mistake, and must not
/// park work for years.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// Why a request had no usable answer. Holds no phone number, no text and no URL.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It never left: no connection. Nothing happened at Twilio.
    #[error("Twilio could not be reached")]
    NotSent(#[source] reqwest::Error),
    /// It left, or may have, and no answer came. Twilio may have acted on it.
    #[error("no answer from Twilio; the request may have been taken")]
    Unknown(#[source] reqwest::Error),
    /// Too many requests. Twilio did not act on this one.
    #[error("Twilio limits our rate")]
    RateLimited {
        /// How long Twilio asks us to wait, where it does.
        retry_after: Option<Duration>,
    },
    /// Twilio failed (5xx). It may have acted on the request nevertheless.
    #[error("Twilio failed with status {status}")]
    ServerError {
        /// The HTTP status, 500–599.
        status: u16,
    },
    /// Twilio understood and refused. It did not act on the request.
    #[error("Twilio refused with status {status}, code {}", code_text(*code))]
    Rejected {
        /// The HTTP status, 400–499.
        status: u16,
        /// Twilio's error code, where the answer held one.
        code: Option<u32>,
        /// Whose problem it is.
        class: RejectedClass,
    },
    /// An answer that makes no sense. With a status of 2xx Twilio has acted on the request.
    #[error("an answer from Twilio, status {status}, could not be read")]
    Unreadable {
        /// The HTTP status.
        status: u16,
    },
}

/// Whose problem a refusal, or a failed delivery, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectedClass {
    /// The number cannot be reached by us, now or later.
    Recipient,
    /// The person has opted out of our messages.
    OptedOut,
    /// The text itself: empty, too long, or filtered by a carrier.
    Content,
    /// Our sender, callback or other configuration.
    Config,
    /// The whole account: credentials, suspension, balance. Everything else will fail as well.
    Account,
    /// The sender's queue at Twilio is full for hours.
    QueueFull,
    /// Somebody else has the number that was to be bought; another one may be had.
    NumberTaken,
    /// No number of this kind can be had there now.
    NoNumbers,
    /// The network did not deliver this time (phone off, cause unknown). Told by callbacks only.
    Undelivered,
    /// A code we do not know. Twilio adds them without notice.
    Other,
}

impl RejectedClass {
    /// The table of Twilio's error codes, for answers and for callbacks' `ErrorCode` alike.
    /// Source: <https://www.twilio.com/docs/api/errors>.
    pub const fn of(code: u32) -> Self {
        match code {
            // Invalid, unreachable, unroutable, region off, short code, no mobile, own number; then
            // by callback: blocked, unknown, landline or unreachable carrier.
            21211 | 21214 | 21217 | 21265 | 21408 | 21612 | 21614 | 21635 | 30004..=30006 => {
                Self::Recipient
            }
            21610 => Self::OptedOut,
            21602 | 21617 | 30007 => Self::Content,
            // Sender invalid, not ours, missing; trial; callback; messaging service; not found;
            // by callback: sender not registered.
            // Then: numbers cannot be bought on trial, or need an address or papers.
            20404 | 21212 | 21603 | 21604 | 21606 | 21608 | 21609 | 21622 | 21703 | 21705
            | 30034 | 21404 | 21615 | 21631 | 21649 | 21650 => Self::Config,
            20003 | 20005 | 20006 | 21607 | 30002 => Self::Account,
            21611 | 30001 => Self::QueueFull,
            21421 | 21422 => Self::NumberTaken,
            21452 => Self::NoNumbers,
            30003 | 30008 | 30500 => Self::Undelivered,
            _ => Self::Other,
        }
    }
}

/// The code that says "too many requests", whatever the status it comes with.
const CODE_RATE_LIMITED: u32 = 20429;

impl Error {
    /// From a request without an answer.
    pub(super) fn of_transport(error: reqwest::Error) -> Self {
        // The URL names the account, and a phone number when messages are listed.
        let departed = departure(&error);
        let error = error.without_url();
        match departed {
            Departure::NotSent => Self::NotSent(error),
            Departure::Unknown => Self::Unknown(error),
        }
    }

    /// From an answer that is no success. The status decides first, then Twilio's code.
    pub(super) fn of_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let code = serde_json::from_slice::<WireError>(body).ok().and_then(|wire| wire.code);
        if status == StatusCode::TOO_MANY_REQUESTS || code == Some(CODE_RATE_LIMITED) {
            return Self::RateLimited { retry_after: retry_after(headers) };
        }
        if status.is_server_error() {
            return Self::ServerError { status: status.as_u16() };
        }
        if !status.is_client_error() {
            return Self::Unreadable { status: status.as_u16() };
        }
        let class = match code {
            Some(code) => RejectedClass::of(code),
            None if status == StatusCode::UNAUTHORIZED => RejectedClass::Account,
            None => RejectedClass::Other,
        };
        Self::Rejected { status: status.as_u16(), code, class }
    }
}

/// The part of Twilio's error body that is safe to keep: its `message` quotes phone numbers.
#[derive(Deserialize)]
struct WireError {
    code: Option<u32>,
}

fn code_text(code: Option<u32>) -> String {
    code.map_or_else(|| "none".to_owned(), |code| code.to_string())
}

/// `Retry-After` in seconds, or as a date, which is measured against the answer's own `Date`: the
/// two clocks then are the same one.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let date = |text| DateTime::parse_from_rfc2822(text).ok();
    let wish = text(header::RETRY_AFTER)?;
    let wait = if let Ok(secs) = wish.parse() {
        Duration::from_secs(secs)
    } else {
        let now = text(header::DATE).and_then(date)?;
        (date(wish)? - now).to_std().unwrap_or(Duration::ZERO) // the moment has passed
    };
    Some(wait.min(RETRY_AFTER_MAX))
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

    fn waits(headers: &[(&'static str, &str)]) -> Option<u64> {
        let Error::RateLimited { retry_after } = answer(429, headers, "") else {
            panic!("429 is not a rate limit")
        };
        retry_after.map(|wait| wait.as_secs())
    }

    #[test]
    fn each_code_of_the_table_has_its_class() {
        use RejectedClass as Class;
        let table: &[(Class, &[u32])] = &[
            (Class::Recipient, &[21211, 21214, 21217, 21612, 21614, 21408, 21265, 21635]),
            (Class::Recipient, &[30004, 30005, 30006]),
            (Class::OptedOut, &[21610]),
            (Class::Content, &[21602, 21617, 30007]),
            (Class::Config, &[21606, 21212, 21603, 21604, 21608, 21609, 21622, 21703, 21705]),
            (Class::Config, &[20404, 30034, 21404, 21615, 21631, 21649, 21650]),
            (Class::NumberTaken, &[21421, 21422]),
            (Class::NoNumbers, &[21452]),
            (Class::Account, &[20003, 20005, 20006, 30002, 21607]),
            (Class::QueueFull, &[21611, 30001]),
            (Class::Undelivered, &[30003, 30008, 30500]),
            (Class::Other, &[0, 1, 20001, 21213, 29999, 99999]),
        ];
        for (class, codes) in table {
            for code in *codes {
                assert_eq!(RejectedClass::of(*code), *class, "{code}");
            }
        }
    }

    #[test]
    fn a_refusal_carries_code_and_class_but_not_twilios_words() {
        let body = r#"{"code":21211,"message":"+4367712345678 is not valid","status":400}"#;
        let error = answer(400, &[], body);
        let Error::Rejected { status: 400, code: Some(21211), class: RejectedClass::Recipient } =
            error
        else {
            panic!("{error:?}")
        };
        assert!(!format!("{error} {error:?}").contains("43677"));
        assert_eq!(error.to_string(), "Twilio refused with status 400, code 21211");
    }

    #[test]
    fn an_unknown_or_unreadable_refusal_is_still_a_refusal() {
        for body in ["", "<html>", "[]", r#"{"code":"x"}"#, r#"{"code":77777}"#] {
            let error = answer(404, &[], body);
            assert!(matches!(error, Error::Rejected { class: RejectedClass::Other, .. }), "{body}");
        }
        let error = answer(401, &[], "");
        assert!(matches!(error, Error::Rejected { class: RejectedClass::Account, .. }));
    }

    #[test]
    fn a_status_of_5xx_is_a_failure_whatever_the_body() {
        for body in ["", "<html>", r#"{"code":21211}"#] {
            assert!(matches!(answer(503, &[], body), Error::ServerError { status: 503 }));
        }
    }

    #[test]
    fn neither_success_nor_error_is_unreadable() {
        assert!(matches!(answer(301, &[], ""), Error::Unreadable { status: 301 }));
    }

    #[test]
    fn the_code_for_rate_limits_counts_with_any_status() {
        assert!(matches!(answer(400, &[], r#"{"code":20429}"#), Error::RateLimited { .. }));
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        assert_eq!(waits(&[]), None);
        assert_eq!(waits(&[("retry-after", "7")]), Some(7));
        assert_eq!(waits(&[("retry-after", "soon")]), None);
        assert_eq!(waits(&[("retry-after", "-1")]), None);
        assert_eq!(waits(&[("retry-after", "18446744073709551615")]), Some(24 * 60 * 60));

        let date = ("date", "Fri, 21 Nov 2025 10:00:00 GMT");
        assert_eq!(waits(&[date, ("retry-after", "Fri, 21 Nov 2025 10:01:30 GMT")]), Some(90));
        assert_eq!(waits(&[date, ("retry-after", "Fri, 21 Nov 2025 09:00:00 GMT")]), Some(0));
        assert_eq!(waits(&[("retry-after", "Fri, 21 Nov 2025 10:01:30 GMT")]), None);
    }
}
