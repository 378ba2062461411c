//! Named checks: who watches something notes here whether it is well.

use std::{
    collections::BTreeMap,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

/// The checks of a process. Cheap to clone.
#[derive(Clone)]
pub struct Probes {
    checks: Arc<RwLock<BTreeMap<&'static str, Note>>>,
    draining: CancellationToken,
}

/// The writing end of one check.
#[derive(Clone)]
pub struct Check {
    name: &'static str,
    probes: Probes,
}

/// What a check says at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckState {
    /// Its name.
    pub name: &'static str,
    /// Why it is not well; `None` when it is.
    pub failing: Option<String>,
}

struct Note {
    failing: Option<String>,
    at: Instant,
    /// How long a note is believed; a watcher that hangs is a failure too.
    fresh_for: Option<Duration>,
}

impl Probes {
    /// No checks yet. `draining` is the lifecycle's token: from then on the process is not ready.
    pub fn new(draining: CancellationToken) -> Self {
        Self { checks: Arc::default(), draining }
    }

    /// Adds a check whose last note counts until the next. It fails until somebody says otherwise.
    pub fn check(&self, name: &'static str) -> Check {
        self.add(name, None)
    }

    /// Adds a check that fails again when nobody has noted anything for so long.
    pub fn check_fresh(&self, name: &'static str, fresh_for: Duration) -> Check {
        self.add(name, Some(fresh_for))
    }

    /// Whether the process was asked to stop.
    pub fn draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// All checks, by name.
    pub fn states(&self) -> Vec<CheckState> {
        let checks = self.checks.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        checks.iter().map(|(name, note)| CheckState { name, failing: note.failing() }).collect()
    }

    /// Whether the process may be given work.
    pub fn ready(&self) -> bool {
        !self.draining() && self.states().iter().all(|state| state.failing.is_none())
    }

    fn add(&self, name: &'static str, fresh_for: Option<Duration>) -> Check {
        let check = Check { name, probes: self.clone() };
        self.note(name, |note| note.fresh_for = fresh_for);
        check
    }

    fn note(&self, name: &'static str, change: impl FnOnce(&mut Note)) {
        let mut checks = self.checks.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        change(checks.entry(name).or_insert_with(Note::unknown));
    }
}

impl Check {
    /// It is well.
    pub fn pass(&self) {
        self.set(None);
    }

    /// It is not; the reason is shown to whoever asks, so it holds no secrets.
    pub fn fail(&self, reason: impl Into<String>) {
        self.set(Some(reason.into()));
    }

    /// Notes the result of a look at the thing.
    pub fn note<E: std::fmt::Display>(&self, result: &Result<(), E>) {
        self.set(result.as_ref().err().map(ToString::to_string));
    }

    fn set(&self, failing: Option<String>) {
        self.probes.note(self.name, |note| {
            note.failing = failing;
            note.at = Instant::now();
        });
    }
}

impl Note {
    fn unknown() -> Self {
        Self { failing: Some("not checked yet".to_owned()), at: Instant::now(), fresh_for: None }
    }

    fn failing(&self) -> Option<String> {
        let age = self.at.elapsed();
        match self.fresh_for {
            Some(limit) if age > limit => Some(format!("last checked {} s ago", age.as_secs())),
            Some(_) | None => self.failing.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_when_every_check_has_passed_and_it_does_not_drain() {
        let drain = CancellationToken::new();
        let probes = Probes::new(drain.clone());
        let database = probes.check("database");
        assert!(!probes.ready(), "an unchecked database is not a good one");
        database.pass();
        assert!(probes.ready());
        database.note(&Err("refused"));
        assert_eq!(probes.states()[0].failing.as_deref(), Some("refused"));
        database.pass();
        drain.cancel();
        assert!(!probes.ready());
    }

    #[test]
    fn a_watcher_that_hangs_is_a_failure() {
        let probes = Probes::new(CancellationToken::new());
        probes.check_fresh("heartbeat", Duration::ZERO).pass();
        assert!(!probes.ready());
    }
}
