//! This API's metrics: every name once, with its unit. All are this process's. Labels are bounded: methods and routes come
//! from the table of routes, results and limits from the lists below.

use std::time::Duration;

use domain::calls::answers::Outcome;
use metrics::{counter, histogram};

/// From a request's head to its answer, in seconds, by method, route and status.
pub const REQUEST_TIME: &str = "http_server_request_duration_seconds";
/// Webhooks that came in, by provider and result.
pub const WEBHOOKS: &str = "webhooks_received_total";
/// Calls that came in, by who took them or why nobody did.
pub const CALLS_ANSWERED: &str = "calls_answered_total";
/// Demo sign-ups that were asked for, by outcome.
pub const SIGNUPS: &str = "demo_signups_total";
/// Requests that were refused because there were too many, by limit.
pub const RATE_LIMITED: &str = "rate_limited_total";

/// Keys of operators that were tried and are none, by the door at which they were.
pub const WRONG_KEYS: &str = "operator_wrong_keys_total";

/// News of calls' audio streams, by event.
pub const STREAMS: &str = "voice_stream_events_total";

/// All of them.
pub const NAMES: [&str; 7] =
    [REQUEST_TIME, WEBHOOKS, CALLS_ANSWERED, SIGNUPS, RATE_LIMITED, WRONG_KEYS, STREAMS];

/// What became of a webhook.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Webhook {
    Accepted,
    Repeated,
    BadSignature,
    Malformed,
    TenantClosed,
    NobodysNumber,
}

/// Where an operator's key is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Door {
    Api,
    Console,
}

/// What became of a request for a demo.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signup {
    Accepted,
    AlreadyOpen,
    RateLimited,
    Disabled,
}

pub(crate) fn request(method: &'static str, route: &str, status: u16, time: Duration) {
    let (route, status) = (route.to_owned(), status.to_string());
    histogram!(REQUEST_TIME, "method" => method, "route" => route, "status" => status)
        .record(time.as_secs_f64());
}

pub(crate) fn webhook(provider: &'static str, result: Webhook) {
    let result = match result {
        Webhook::Accepted => "accepted",
        Webhook::Repeated => "repeated",
        Webhook::BadSignature => "bad_signature",
        Webhook::Malformed => "malformed",
        Webhook::TenantClosed => "tenant_closed",
        Webhook::NobodysNumber => "nobodys_number",
    };
    counter!(WEBHOOKS, "provider" => provider, "result" => result).increment(1);
}

pub(crate) fn call_answered(outcome: Outcome) {
    counter!(CALLS_ANSWERED, "outcome" => outcome.as_str()).increment(1);
}

pub(crate) fn signup(outcome: Signup) {
    let outcome = match outcome {
        Signup::Accepted => "accepted",
        Signup::AlreadyOpen => "already_open",
        Signup::RateLimited => "rate_limited",
        Signup::Disabled => "disabled",
    };
    counter!(SIGNUPS, "outcome" => outcome).increment(1);
}

pub(crate) fn rate_limited(limit: &'static str) {
    counter!(RATE_LIMITED, "limit" => limit).increment(1);
}

pub(crate) fn wrong_key(door: Door) {
    let door = match door {
        Door::Api => "api",
        Door::Console => "console",
    };
    counter!(WRONG_KEYS, "door" => door).increment(1);
}

pub(crate) fn stream(event: &'static str) {
    counter!(STREAMS, "event" => event).increment(1);
}
