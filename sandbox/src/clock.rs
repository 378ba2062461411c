//! What time it is at a provider's.

use chrono::{DateTime, TimeDelta, Utc};

/// The wall clock, moved ahead by tests that have moved the database's.
#[derive(Clone, Copy, Default)]
pub(crate) struct Clock {
    pub(crate) ahead: TimeDelta,
}

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "a provider has a clock of its own; the database's is not reachable from here"
    )]
    pub(crate) fn now(self) -> DateTime<Utc> {
        let now = Utc::now();
        now.checked_add_signed(self.ahead).unwrap_or(now)
    }
}
