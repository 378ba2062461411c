//! Why a run is parked: what a person has to decide about.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a parked run waits for a person to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A deed could not be taken back, however often it was tried.
    UndoFailed,
    /// Nobody can tell whether a deed happened.
    UnknownOutcome,
    /// What is stored does not fit the code. Heals when the deploy is rolled back.
    Diverged,
    /// It has cost too many workers without getting any further.
    Poison,
    /// Its handler broke in every attempt, so that the body never had a say.
    GaveUp,
    /// It failed after its pivot: it is to be repaired forward, not undone.
    Pivot,
}

impl Cause {
    /// All of them.
    pub const ALL: [Cause; 6] = [
        Cause::UndoFailed,
        Cause::UnknownOutcome,
        Cause::Diverged,
        Cause::Poison,
        Cause::GaveUp,
        Cause::Pivot,
    ];

    /// The word in the database and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Cause::UndoFailed => "undo_failed",
            Cause::UnknownOutcome => "unknown_outcome",
            Cause::Diverged => "diverged",
            Cause::Poison => "poison",
            Cause::GaveUp => "gave_up",
            Cause::Pivot => "pivot",
        }
    }
}

/// The word is none of the causes.
#[derive(Debug, thiserror::Error)]
#[error("no such cause; known are: undo_failed, unknown_outcome, diverged, poison, gave_up, pivot")]
pub struct NoSuchCause;

impl FromStr for Cause {
    type Err = NoSuchCause;

    fn from_str(word: &str) -> Result<Cause, NoSuchCause> {
        Cause::ALL.into_iter().find(|cause| cause.as_str() == word).ok_or(NoSuchCause)
    }
}

/// A run leaves its worker until a person has decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parking {
    pub(crate) cause: Cause,
    /// The key of the step or entry at which it stands, where it stands at one.
    pub(crate) entry: Option<String>,
    /// For people.
    pub(crate) reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_read_back_from_its_word() {
        for cause in Cause::ALL {
            assert_eq!(cause.as_str().parse::<Cause>().unwrap(), cause);
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.as_str());
        }
        assert!("bad luck".parse::<Cause>().is_err());
        let text = NoSuchCause.to_string();
        assert!(Cause::ALL.iter().all(|cause| text.contains(cause.as_str())));
    }
}
