//! How often one may ask for a demo, and try a code that was never sent.

use std::time::Duration;

use domain::{
    Digest, codes,
    limits::{self, Hit},
    switches::{self, On, Switch},
};
use engine::Tx;

use crate::{
    metrics,
    problem::{Code, Problem},
    state::ApiState,
};

const PER_IP: &str = "demo.signup_per_ip";
const PER_PHONE: &str = "demo.signup_per_phone";
const UNKNOWN_CODE: &str = "demo.unknown_code";

/// When to come back while demos are disabled, where nobody said for how long, and at the latest: an hour later it may have
/// been turned off early.
const DISABLED_FOR: Duration = Duration::from_mins(5);
const DISABLED_FOR_MAX: Duration = Duration::from_hours(1);

/// `Some`: operators let nobody sign up at the moment. Read in the sign-up's own transaction, so it holds from the commit of
/// the switch on.
pub(super) async fn refuse_when_disabled(tx: &mut Tx) -> Result<Option<Problem>, Problem> {
    let on = switches::is_on(tx, Switch::DemoDisabled).await?;
    Ok(on.map(|On { left }| {
        let wait = left.map_or(DISABLED_FOR, |left| left.min(DISABLED_FOR_MAX));
        // Rounded up: who comes back a moment early would be refused again.
        let secs = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Problem::new(Code::DemoDisabled, "demos that run go on; please sign up later")
            .retry_after(Duration::from_secs(secs.max(1)))
    }))
}

/// Counts a sign-up from this address, then one with this phone. `Some`: there were too many; commit it all the same.
pub(super) async fn refuse_signup(
    tx: &mut Tx,
    state: &ApiState,
    ip: &Digest,
    phone: &Digest,
) -> Result<Option<Problem>, Problem> {
    let demo = &state.config().demo;
    // The address first: whoever is over its limit must not use up a phone's.
    for (scope, key, max) in [(PER_IP, ip, demo.per_ip_max), (PER_PHONE, phone, demo.per_phone_max)]
    {
        if let Hit::Refused { retry_after } = limits::hit(tx, scope, key, max, demo.window).await? {
            metrics::rate_limited(scope);
            return Ok(Some(too_many(retry_after)));
        }
    }
    Ok(None)
}

/// Counts an attempt where no code was sent: the answers are those that a wrong code would have had, so that nobody learns
/// whose phone has a demo. Says how many attempts remain; `None` when there are no more.
pub(super) async fn unknown_code(tx: &mut Tx, key: &Digest) -> Result<Option<u32>, Problem> {
    let max = u32::from(codes::ATTEMPTS_MAX.unsigned_abs());
    match limits::hit(tx, UNKNOWN_CODE, key, max, codes::LIFETIME).await? {
        Hit::Allowed { remaining, .. } => Ok(Some(remaining)),
        Hit::Refused { .. } => Ok(None),
    }
}

pub(crate) fn too_many(retry_after: Duration) -> Problem {
    Problem::new(Code::RateLimited, format!("please come back in {} s", retry_after.as_secs()))
        .retry_after(retry_after)
}
