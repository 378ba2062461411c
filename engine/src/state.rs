//! Where a job can stand, and every legal move between.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Where a job stands. These are the words of the API too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Will be ready at a known instant: enqueued for later, or between two attempts.
    Scheduled,
    /// May run now.
    Ready,
    /// A worker has it.
    Running,
    /// Asleep, or waiting for a signal or a child.
    Waiting,
    /// A person must decide.
    Parked,
    /// Ended well.
    Succeeded,
    /// Ended badly; if it had done anything, that is undone.
    Failed,
    /// Ended because somebody asked.
    Cancelled,
}

impl State {
    /// All of them, in the order in which people read them.
    pub const ALL: [State; 8] = [
        State::Scheduled,
        State::Ready,
        State::Running,
        State::Waiting,
        State::Parked,
        State::Succeeded,
        State::Failed,
        State::Cancelled,
    ];

    /// The word in the database and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Scheduled => "scheduled",
            State::Ready => "ready",
            State::Running => "running",
            State::Waiting => "waiting",
            State::Parked => "parked",
            State::Succeeded => "succeeded",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen by itself.
    pub const fn is_final(self) -> bool {
        matches!(self, State::Succeeded | State::Failed | State::Cancelled)
    }

    /// Whether a job may go from here to there. The store's statements are guarded by the tables that stand for
    /// these states; a test walks both.
    pub const fn may_become(self, next: State) -> bool {
        match self {
            // Due, woken, answered by a person, or cancelled before anything was done; a job with gates comes before them.
            State::Scheduled | State::Parked => {
                matches!(next, State::Ready | State::Waiting | State::Cancelled)
            }
            // Before its gates it is claimed in the moment in which they let it.
            State::Waiting => matches!(next, State::Ready | State::Running | State::Cancelled),
            State::Ready => matches!(next, State::Running | State::Cancelled),
            // A running job can go anywhere; back to ready when it is interrupted or its worker dies.
            State::Running => !matches!(next, State::Running),
            // A finished child is taken back by its parent; a dead letter is tried again.
            State::Succeeded | State::Failed | State::Cancelled => {
                matches!(next, State::Ready | State::Waiting)
            }
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is none of the states.
#[derive(Debug, thiserror::Error)]
#[error(
    "no such state; known are: scheduled, ready, running, waiting, parked, succeeded, failed, cancelled"
)]
pub struct NoSuchState;

impl FromStr for State {
    type Err = NoSuchState;

    fn from_str(word: &str) -> Result<State, NoSuchState> {
        State::ALL.into_iter().find(|state| state.as_str() == word).ok_or(NoSuchState)
    }
}

/// Which way a run is going. Travels with its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Doing what its body says.
    Forward,
    /// Somebody asked to cancel; the next boundary notices.
    Cancelling,
    /// Taking back what it did, because it failed.
    UndoingFailed,
    /// Taking back what it did, because it was cancelled.
    UndoingCancelled,
}

impl Course {
    pub(crate) const fn code(self) -> i16 {
        match self {
            Course::Forward => 0,
            Course::Cancelling => 1,
            Course::UndoingFailed => 2,
            Course::UndoingCancelled => 3,
        }
    }

    /// The CHECK on `course` admits 0 to 3 only.
    pub(crate) const fn from_code(code: i16) -> Course {
        match code {
            1 => Course::Cancelling,
            2 => Course::UndoingFailed,
            3 => Course::UndoingCancelled,
            _ => Course::Forward,
        }
    }

    /// Whether the run is going backwards.
    pub const fn is_undoing(self) -> bool {
        matches!(self, Course::UndoingFailed | Course::UndoingCancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_read_back_from_its_word() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse::<State>().unwrap(), state);
        }
        assert!("done".parse::<State>().is_err());
    }

    #[test]
    fn a_finished_job_can_only_be_made_ready_or_put_before_its_gates_again() {
        for from in State::ALL.into_iter().filter(|state| state.is_final()) {
            for to in State::ALL {
                assert_eq!(from.may_become(to), matches!(to, State::Ready | State::Waiting));
            }
        }
    }

    #[test]
    fn only_a_job_that_is_ready_or_before_its_gates_starts_running() {
        for from in State::ALL {
            let starts = matches!(from, State::Ready | State::Waiting);
            assert_eq!(from.may_become(State::Running), starts);
        }
    }

    #[test]
    fn every_course_survives_its_code() {
        for course in
            [Course::Forward, Course::Cancelling, Course::UndoingFailed, Course::UndoingCancelled]
        {
            assert_eq!(Course::from_code(course.code()), course);
        }
    }
}
