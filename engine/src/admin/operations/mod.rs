//! Operations on many jobs: what matched is frozen, looked at, started with the number that was seen, worked off in batches,
//! and taken back where that can be.
//!
//! The records and their moves are here. Who carries them out is a workflow of the application's, whose job has the
//! operation's id: it asks for one batch after the other, each in one transaction with its own checkpoint.

mod decide; // what operators say about one
mod freeze; // which jobs it is about
mod take_back; // what was done
mod views; // how they are shown
mod work; // a batch

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::{
    freeze::{FreezePage, OPERATION_JOBS_MAX},
    take_back::UndoReason,
    views::{OperationDetail, OperationView, Refused},
    work::{Batch, CanaryLook, OperationPlan},
};
use super::{cancel::CancelMode, views::JobFilter};
use crate::{
    error::{Error, Refusal},
    job::JobId,
    state::State,
    store::{self, operations::OperationRow},
    tx::Tx,
};

/// Of a reason that does not come from us, so much is kept with a job.
const WHY_CHARS_MAX: usize = 200;

/// What is done to each job: what the order about one job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BulkDeed {
    /// Try it again from where it stopped.
    Retry,
    /// A new job with the same arguments: for those that took back what they did.
    Redrive,
    /// Run it now instead of later.
    RunNow,
    /// Cancel it.
    Cancel,
}

impl BulkDeed {
    /// All of them.
    pub const ALL: [BulkDeed; 4] =
        [BulkDeed::Retry, BulkDeed::Redrive, BulkDeed::RunNow, BulkDeed::Cancel];

    /// The word in the database and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            BulkDeed::Retry => "retry",
            BulkDeed::Redrive => "redrive",
            BulkDeed::RunNow => "run_now",
            BulkDeed::Cancel => "cancel",
        }
    }

    /// The states of jobs that this can be done to.
    pub const fn fits(self) -> &'static [State] {
        match self {
            BulkDeed::Retry => &[State::Failed, State::Cancelled, State::Parked],
            BulkDeed::Redrive => &[State::Failed, State::Cancelled],
            BulkDeed::RunNow => &[State::Scheduled],
            BulkDeed::Cancel => {
                &[State::Scheduled, State::Ready, State::Running, State::Waiting, State::Parked]
            }
        }
    }

    /// Whether its jobs run afterwards, so that it can be seen how they fare.
    pub const fn makes_run(self) -> bool {
        !matches!(self, BulkDeed::Cancel)
    }

    /// The CHECK admits no other words.
    fn of(word: &str) -> BulkDeed {
        BulkDeed::ALL.into_iter().find(|deed| deed.as_str() == word).unwrap_or(BulkDeed::Cancel)
    }
}

/// The first few, on whose fate the rest depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// So many; 0: no such gate. At most 1,000.
    pub jobs: u16,
    /// If more of them than this are refused, fail again or are parked, the operation stops.
    pub bad_max: u16,
    /// They have this long to end; if they have not, it stops, too. 1 s to a day.
    pub patience: Duration,
}

/// An operation as it is asked for.
#[derive(Debug, Clone)]
pub struct NewOperation {
    /// Its id, and that of the job that will carry it out.
    pub id: JobId,
    /// What is done to each job.
    pub deed: BulkDeed,
    /// How they are cancelled: gracefully or with undo. Whom to terminate is decided one by one.
    pub mode: CancelMode,
    /// Which jobs. Needs a state that fits the deed.
    pub filter: JobFilter,
    /// On whose fate the rest depends.
    pub canary: Canary,
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationState {
    /// What matches is being written down.
    Freezing,
    /// It waits for somebody who has seen how many there are.
    Frozen,
    /// Jobs are being worked off.
    Working,
    /// Too many of the first fared badly, or its run did not come to its end.
    Stopped,
    /// All were seen to.
    Done,
    /// Somebody ended it, or nobody began it.
    Cancelled,
    /// What was done is being taken back.
    Undoing,
    /// That is over.
    Undone,
}

impl OperationState {
    /// All of them.
    pub const ALL: [OperationState; 8] = [
        OperationState::Freezing,
        OperationState::Frozen,
        OperationState::Working,
        OperationState::Stopped,
        OperationState::Done,
        OperationState::Cancelled,
        OperationState::Undoing,
        OperationState::Undone,
    ];

    /// The word in the database and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            OperationState::Freezing => "freezing",
            OperationState::Frozen => "frozen",
            OperationState::Working => "working",
            OperationState::Stopped => "stopped",
            OperationState::Done => "done",
            OperationState::Cancelled => "cancelled",
            OperationState::Undoing => "undoing",
            OperationState::Undone => "undone",
        }
    }

    /// Whether nothing happens by itself any more.
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            OperationState::Stopped
                | OperationState::Done
                | OperationState::Cancelled
                | OperationState::Undone
        )
    }

    /// The CHECK admits no other words.
    fn of(word: &str) -> OperationState {
        let found = OperationState::ALL.into_iter().find(|state| state.as_str() == word);
        found.unwrap_or(OperationState::Stopped)
    }
}

/// An operation whose row this transaction holds.
struct Held {
    row: OperationRow,
    state: OperationState,
    deed: BulkDeed,
}

impl Tx {
    async fn hold_operation(&mut self, id: JobId) -> Result<Held, Error> {
        let absent = Error::Absent { what: "operation" };
        if !store::operations::operation_lock(self, id.as_uuid()).await? {
            return Err(absent);
        }
        let row = store::operations::operation_get(self, id.as_uuid()).await?.ok_or(absent)?;
        let (state, deed) = (OperationState::of(&row.state), BulkDeed::of(&row.deed));
        Ok(Held { row, state, deed })
    }

    async fn move_operation(
        &mut self,
        id: JobId,
        state: OperationState,
        why: Option<&str>,
    ) -> Result<(), Error> {
        let (word, is_over) = (state.as_str(), state.is_over());
        Ok(store::operations::operation_move(self, id.as_uuid(), word, why, is_over).await?)
    }
}

/// What keeps a job from being done, in words for people; `None`: the whole batch has to be tried again.
fn refusal(error: &Error) -> Option<String> {
    let is_of_the_job = matches!(
        error,
        Error::WrongState { .. } | Error::NoSuchJob | Error::Refused(_) | Error::UnknownName { .. }
    );
    is_of_the_job.then(|| line(&error.to_string()))
}

fn line(text: &str) -> String {
    text.chars().take(WHY_CHARS_MAX).collect()
}

fn wrong_stand(state: OperationState, wanted: &'static str) -> Error {
    Refusal::OperationStands { state: state.as_str(), wanted }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for deed in BulkDeed::ALL {
            assert_eq!(BulkDeed::of(deed.as_str()), deed);
            assert_eq!(serde_json::to_value(deed).unwrap(), deed.as_str());
        }
        for state in OperationState::ALL {
            assert_eq!(OperationState::of(state.as_str()), state);
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    #[test]
    fn what_is_over_cannot_be_cancelled_and_what_lives_cannot_be_redriven() {
        for state in State::ALL {
            assert!(!(state.is_final() && BulkDeed::Cancel.fits().contains(&state)), "{state}");
            assert!(state.is_final() || !BulkDeed::Redrive.fits().contains(&state), "{state}");
        }
        assert!(!BulkDeed::Retry.fits().contains(&State::Succeeded));
    }

    #[test]
    fn what_is_wrong_with_one_job_does_not_stop_the_others_and_a_lost_database_does() {
        assert!(refusal(&Error::NoSuchJob).is_some());
        assert!(refusal(&Refusal::Undone.into()).is_some());
        assert!(refusal(&Error::TimedOut).is_none());
        assert_eq!(line(&"ä".repeat(500)).chars().count(), WHY_CHARS_MAX);
    }
}
