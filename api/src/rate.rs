//! How often somebody may ask, counted in the database: exact over all instances, and a restart forgets nothing. Every answer to
//! a counted request says how it stands, in `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers).

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use domain::limits::Hit;

use crate::{
    metrics,
    problem::{Code, Problem},
};

const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// So many in so long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// In the database and the metrics; one of a few.
    pub(crate) scope: &'static str,
    /// In the headers.
    pub(crate) policy: &'static str,
    pub(crate) max: u32,
    pub(crate) window: Duration,
}

/// How a request's limit stands: noted where it is counted, told with the answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing(Arc<OnceLock<(Limit, Hit)>>);

impl Standing {
    /// Notes how a count came out, which must be committed by now. An error: there were too many.
    pub(crate) fn judge(&self, limit: Limit, hit: Hit) -> Result<(), Problem> {
        // A request is counted against one limit of this kind; of two, the first is told.
        let _ = self.0.set((limit, hit));
        let Hit::Refused { retry_after } = hit else { return Ok(()) };
        metrics::rate_limited(limit.scope);
        let why = format!("at most {} in {} s", limit.max, limit.window.as_secs());
        Err(Problem::new(Code::RateLimited, why).retry_after(retry_after))
    }

    /// Tells it.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let Some((limit, hit)) = self.0.get() else { return };
        let (remaining, resets_in) = match hit {
            Hit::Allowed { remaining, resets_in } => (*remaining, whole_secs(*resets_in)),
            Hit::Refused { retry_after } => (0, whole_secs(*retry_after)),
        };
        let (name, max, window) = (limit.policy, limit.max, limit.window.as_secs());
        let said = [
            (RATE_LIMIT_POLICY, format!("\"{name}\";q={max};w={window}")),
            (RATE_LIMIT, format!("\"{name}\";r={remaining};t={resets_in}")),
        ];
        for (name, value) in said {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}

/// Rounded up: who comes back a moment early would be refused again.
fn whole_secs(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit =
        Limit { scope: "try", policy: "per-key", max: 3, window: Duration::from_mins(1) };

    fn told(hit: Hit) -> (Option<Code>, String, String) {
        let standing = Standing::default();
        let judged = standing.judge(LIMIT, hit).err().map(|problem| problem.code());
        let mut headers = HeaderMap::new();
        standing.tell(&mut headers);
        let text = |name: &HeaderName| headers[name].to_str().unwrap().to_owned();
        (judged, text(&RATE_LIMIT_POLICY), text(&RATE_LIMIT))
    }

    #[test]
    fn what_is_left_is_told_and_so_is_when_to_come_back() {
        let policy = "\"per-key\";q=3;w=60".to_owned();
        let allowed = Hit::Allowed { remaining: 2, resets_in: Duration::from_millis(59_100) };
        assert_eq!(told(allowed), (None, policy.clone(), "\"per-key\";r=2;t=60".to_owned()));
        let refused = Hit::Refused { retry_after: Duration::from_secs(7) };
        let limited = Some(Code::RateLimited);
        assert_eq!(told(refused), (limited, policy, "\"per-key\";r=0;t=7".to_owned()));
    }

    #[test]
    fn an_answer_to_what_was_not_counted_says_nothing() {
        let mut headers = HeaderMap::new();
        Standing::default().tell(&mut headers);
        assert!(headers.is_empty());
    }
}
