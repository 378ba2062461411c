//! Five mistakes that engines of this kind are known for, in a build of their own: a suite that does not notice them proves
//! nothing. One is chosen when the program starts.

use std::sync::OnceLock;

use chrono::{DateTime, Utc};

/// A mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A worker's write counts, whoever has the job by now.
    NoFencing,
    /// Callers are answered before their operations are committed.
    AckBeforeCommit,
    /// The process's clock decides instead of the database's.
    LocalClock,
    /// A unique key is looked for, and then taken.
    UniqueBySelect,
    /// Heartbeats wait for connections behind everything else.
    HeartbeatOnSharedPool,
}

impl Bug {
    const fn word(self) -> &'static str {
        match self {
            Bug::NoFencing => "no_fencing",
            Bug::AckBeforeCommit => "ack_before_commit",
            Bug::LocalClock => "local_clock",
            Bug::UniqueBySelect => "unique_by_select",
            Bug::HeartbeatOnSharedPool => "heartbeat_on_shared_pool",
        }
    }
}

/// Whether this is the mistake that `TRUNKLINE_PLANTED` names.
#[expect(clippy::disallowed_methods, reason = "no program that is built for use has this file")]
pub(crate) fn is(bug: Bug) -> bool {
    static CHOSEN: OnceLock<Option<String>> = OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| std::env::var("TRUNKLINE_PLANTED").ok());
    chosen.as_deref() == Some(bug.word())
}

/// The process's clock, if it is the one that decides.
#[expect(clippy::disallowed_methods, reason = "this is the mistake")]
pub(crate) fn clock() -> Option<DateTime<Utc>> {
    is(Bug::LocalClock).then(Utc::now)
}
