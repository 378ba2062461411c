//! Gates: what a job has to pass before it may run. Said by the workflow, kept with the job, asked when a worker has room.

mod breaker; // when a scope is left alone, and how it comes back
mod by_args; // those of jobs that are enqueued by name
mod decide; // who may run now, and when the others

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub(crate) use self::{
    breaker::{Breaker, News},
    by_args::GatesOf,
    decide::{Candidate, Plan, Standing, decide, slot},
};

/// Gates of one job. Each is a row to lock; a job that needs more has several reasons to be several jobs.
pub const GATES_MAX: usize = 4;

/// Starts that a rate may save up.
const BURST_MAX: u32 = 10_000;

/// Between two starts of a rate. Shorter ones ask for more starts than one row can be asked for; longer ones are schedules.
const EVERY: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_hours(24);

/// Names of scopes are labels of metrics and stand in the clear: short and plain.
const SCOPE_CHARS_MAX: usize = 100;

/// What a job has to pass before it may run, all at once. Keys are stored as hashes, scopes in the clear.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Gates(Vec<Gate>);

/// One of them, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "snake_case")]
pub(crate) enum Gate {
    AtOnce { gate: Uuid, scope: String, max: u32 },
    Rate { gate: Uuid, scope: String, every_us: u64, burst: u32 },
    Breaker { gate: Uuid, scope: String },
}

impl Gates {
    /// Nothing keeps it.
    pub const fn none() -> Gates {
        Gates(Vec::new())
    }

    /// At most `max` jobs with this scope and key run at once, in the whole fleet; an empty key stands for the whole scope.
    /// Exact, also while workers die: a dead worker's permit is kept until its job is taken over.
    #[must_use]
    pub fn at_once(mut self, scope: &str, key: &str, max: u32) -> Gates {
        let gate = gate_id("permit", scope, key);
        self.0.push(Gate::AtOnce { gate, scope: scope.to_owned(), max });
        self
    }

    /// Jobs with this scope and key start at least `every` apart; up to `burst` starts (1: none) are saved up while
    /// nothing happens. Every attempt is a start.
    #[must_use]
    pub fn rate(mut self, scope: &str, key: &str, every: Duration, burst: u32) -> Gates {
        let every_us = u64::try_from(every.as_micros()).unwrap_or(u64::MAX);
        let gate = gate_id("rate", scope, key);
        self.0.push(Gate::Rate { gate, scope: scope.to_owned(), every_us, burst });
        self
    }

    /// Shares a breaker with all jobs of this scope: when attempts fail one after the other, all are held back for a while,
    /// then a few are let through, then more and more.
    #[must_use]
    pub fn breaker(mut self, scope: &str) -> Gates {
        let gate = breaker_gate(scope);
        self.0.push(Gate::Breaker { gate, scope: scope.to_owned() });
        self
    }

    /// Whether nothing keeps the job.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn as_slice(&self) -> &[Gate] {
        &self.0
    }

    /// What is wrong with them, if anything.
    pub(crate) fn fault(&self) -> Option<String> {
        if self.0.len() > GATES_MAX {
            return Some(format!("more than {GATES_MAX} gates"));
        }
        let twice = |(place, gate): (usize, &Gate)| {
            let before = self.0.iter().take(place).any(|other| other.id() == gate.id());
            before.then(|| format!("{}: the same gate twice", gate.scope()))
        };
        self.0.iter().find_map(Gate::fault).or_else(|| self.0.iter().enumerate().find_map(twice))
    }

    /// The lane in which jobs of a kind with these gates stand: those that are kept by the same thing stand together, so
    /// that one look at the first tells of all.
    pub(crate) fn lane(&self, kind: &str) -> Option<Uuid> {
        let first = self.0.first()?;
        Some(hashed(&["lane", kind, &first.id().to_string()]))
    }
}

impl Gate {
    pub(crate) const fn id(&self) -> Uuid {
        match self {
            Gate::AtOnce { gate, .. } | Gate::Rate { gate, .. } | Gate::Breaker { gate, .. } => {
                *gate
            }
        }
    }

    pub(crate) fn scope(&self) -> &str {
        match self {
            Gate::AtOnce { scope, .. } | Gate::Rate { scope, .. } | Gate::Breaker { scope, .. } => {
                scope
            }
        }
    }

    /// The word in the database.
    pub(crate) const fn form(&self) -> &'static str {
        match self {
            Gate::AtOnce { .. } => "at_once",
            Gate::Rate { .. } => "rate",
            Gate::Breaker { .. } => "breaker",
        }
    }

    fn fault(&self) -> Option<String> {
        let scope = self.scope();
        if let Some(fault) = scope_fault(scope) {
            return Some(fault);
        }
        match self {
            Gate::AtOnce { max: 0, .. } => Some(format!("{scope}: none at once is never")),
            Gate::Rate { every_us, .. } if !EVERY.contains(&Duration::from_micros(*every_us)) => {
                Some(format!("{scope}: starts must be a millisecond to a day apart"))
            }
            Gate::Rate { burst, .. } if !(1..=BURST_MAX).contains(burst) => {
                Some(format!("{scope}: a burst is 1 to {BURST_MAX} starts"))
            }
            Gate::AtOnce { .. } | Gate::Rate { .. } | Gate::Breaker { .. } => None,
        }
    }
}

/// What is wrong with the name of a scope, if anything.
pub(crate) fn scope_fault(scope: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    let fits = !scope.is_empty() && scope.len() <= SCOPE_CHARS_MAX && scope.chars().all(plain);
    (!fits).then(|| format!("{scope:?} cannot be the name of a scope"))
}

/// The breaker of a scope.
pub(crate) fn breaker_gate(scope: &str) -> Uuid {
    gate_id("breaker", scope, "")
}

/// What is held and what is run at once with the same scope and key counts together.
pub(crate) fn permit_gate(scope: &str, key: &str) -> Uuid {
    gate_id("permit", scope, key)
}

fn gate_id(form: &str, scope: &str, key: &str) -> Uuid {
    hashed(&[form, scope, key])
}

fn hashed(parts: &[&str]) -> Uuid {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
        digest.update([0]);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.finalize()[..16]);
    Uuid::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_in_two_scopes_is_two_gates() {
        let one = Gates::none().at_once("mail", "a", 1);
        let other = Gates::none().at_once("fax", "a", 1);
        assert_ne!(one.0[0].id(), other.0[0].id());
        assert_ne!(gate_id("rate", "ab", "c"), gate_id("rate", "a", "bc"));
    }

    #[test]
    fn what_can_never_be_passed_is_refused() {
        assert!(Gates::none().at_once("mail", "", 0).fault().is_some());
        assert!(Gates::none().rate("mail", "", Duration::ZERO, 1).fault().is_some());
        assert!(Gates::none().rate("mail", "", Duration::from_secs(1), 0).fault().is_some());
        assert!(Gates::none().breaker("a scope with blanks").fault().is_some());
        let five = (0..5).fold(Gates::none(), |gates, n| gates.at_once("mail", &n.to_string(), 1));
        assert!(five.fault().is_some());
        assert!(Gates::none().breaker("mail").breaker("mail").fault().is_some());
        assert_eq!(Gates::none().rate("mail", "", Duration::from_secs(1), 1).fault(), None);
    }

    #[test]
    fn a_gate_is_stored_without_its_key() {
        let gates = Gates::none().at_once("mail", "alice", 2).breaker("mail");
        let stored = serde_json::to_string(&gates).unwrap();
        assert!(!stored.contains("alice") && stored.contains("mail"), "{stored}");
        assert_eq!(serde_json::from_str::<Gates>(&stored).unwrap(), gates);
    }
}
