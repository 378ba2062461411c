//! How long providers take, and what comes of it. All are this process's. Labels are bounded: who is called, what for and the
//! outcome are words of the lists below; an id, a number or an address is none of them.

use std::time::Instant;

use metrics::histogram;
use reqwest::Method;

/// From a request's departure to the last byte of its answer, in seconds, by provider, operation and outcome.
pub const REQUEST_TIME: &str = "provider_request_seconds";

/// All of them.
pub const NAMES: [&str; 1] = [REQUEST_TIME];

/// What nobody has named.
const OTHER: &str = "other";

/// Parts of paths that say what a request is about, with the words for it when something is read, written or deleted.
/// `https://www.twilio.com/docs/usage/api`, `https://docs.stripe.com/api`, `https://platform.openai.com/docs/api-reference`.
const OPERATIONS: [(&str, [&str; 3]); 13] = [
    ("Messages", ["read_messages", "send_message", "delete_message"]),
    ("Calls", ["read_calls", "place_call", "delete_call"]),
    ("Recordings", ["read_recordings", OTHER, "delete_recording"]),
    ("AvailablePhoneNumbers", ["search_numbers", OTHER, OTHER]),
    ("IncomingPhoneNumbers", ["read_numbers", "write_number", "release_number"]),
    ("customers", ["read_customers", "write_customer", "delete_customer"]),
    ("subscriptions", ["read_subscriptions", "write_subscription", "cancel_subscription"]),
    ("invoices", ["read_invoices", "write_invoice", OTHER]),
    ("refunds", [OTHER, "refund", OTHER]),
    ("prices", ["read_prices", OTHER, OTHER]),
    ("events", ["read_events", OTHER, OTHER]),
    ("meter_events", [OTHER, "report_usage", OTHER]),
    ("chat", [OTHER, "answer_text", OTHER]),
];

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was done.
    Ok,
    /// They do not want it: 4xx, or an address that has moved.
    Refused,
    /// There were too many, or the credit is used up: 429.
    RateLimited,
    /// They failed (5xx), or broke off.
    Failed,
    /// They did not answer in time.
    TimedOut,
    /// There was no connection: refused, not found, TLS, or too slow.
    Unreachable,
    /// We did not wait for the answer.
    GivenUp,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Refused => "refused",
            Outcome::RateLimited => "rate_limited",
            Outcome::Failed => "failed",
            Outcome::TimedOut => "timed_out",
            Outcome::Unreachable => "unreachable",
            Outcome::GivenUp => "given_up",
        }
    }
}

/// A request that is under way. Dropped without an end, it was given up.
pub(crate) struct Timed {
    provider: &'static str,
    operation: &'static str,
    began: Instant,
    outcome: Outcome,
}

impl Timed {
    pub(crate) fn begin(provider: &'static str, method: &Method, path: &str) -> Timed {
        let operation = operation(method, path);
        Timed { provider, operation, began: Instant::now(), outcome: Outcome::GivenUp }
    }

    pub(crate) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        let (provider, operation) = (self.provider, self.operation);
        let outcome = self.outcome.as_str();
        let labels = [("provider", provider), ("operation", operation), ("outcome", outcome)];
        histogram!(REQUEST_TIME, &labels).record(self.began.elapsed().as_secs_f64());
    }
}

/// The last part of the path that has words: what stands behind it is an id.
fn operation(method: &Method, path: &str) -> &'static str {
    let words = |part: &str| {
        let part = part.strip_suffix(".json").unwrap_or(part);
        OPERATIONS.iter().find(|(name, _)| *name == part).map(|(_, words)| words)
    };
    let Some([read, write, delete]) = path.split('/').rev().find_map(words) else { return OTHER };
    match *method {
        Method::GET => read,
        Method::POST => write,
        Method::DELETE => delete,
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_named_by_what_it_is_about_and_never_by_an_id() {
        let account = "/2010-04-01/Accounts/AC00000000000000000000000000000001";
        for (method, rest, word) in [
            (Method::POST, "Messages.json", "send_message"),
            (Method::GET, "Messages/SM1.json", "read_messages"),
            (Method::POST, "Calls.json", "place_call"),
            (Method::GET, "AvailablePhoneNumbers/AT/Mobile.json", "search_numbers"),
            (Method::POST, "IncomingPhoneNumbers/PN1.json", "write_number"),
            (Method::DELETE, "Recordings/RE1.json", "delete_recording"),
            (Method::PUT, "Messages/SM1.json", OTHER),
            (Method::GET, "Unheard/of.json", OTHER),
        ] {
            assert_eq!(operation(&method, &format!("{account}/{rest}")), word, "{rest}");
        }
        assert_eq!(operation(&Method::POST, "/v1/subscriptions/sub_1"), "write_subscription");
        assert_eq!(operation(&Method::POST, "/v1/billing/meter_events"), "report_usage");
        assert_eq!(operation(&Method::POST, "/v1/invoices/in_1/void"), "write_invoice");
        assert_eq!(operation(&Method::POST, "/v1/chat/completions"), "answer_text");
    }
}
