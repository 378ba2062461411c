//! What the engine can answer instead of doing what it was asked.

use crate::{
    json::JsonFault,
    sealed::{OpenError, SealError},
    store::db::DbError,
};

/// Why the engine did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is at fault; the same call may work later.
    #[error("the database could not carry out a statement")]
    Database(#[from] sqlx::Error),
    /// No answer from the database in time.
    #[error("the database did not answer in time")]
    TimedOut,
    /// Nothing with that name was registered.
    #[error("no such kind or queue: {name}")]
    UnknownName {
        /// The name that was asked for.
        name: String,
    },
    /// Arguments or a payload that the database cannot hold.
    #[error("the JSON cannot be stored: {0}")]
    BadJson(JsonFault),
    /// A value that cannot be written as JSON.
    #[error("a value cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// A value that cannot be encrypted.
    #[error("a value cannot be sealed")]
    Seal(#[source] SealError),
    /// A sealed value that cannot be read.
    #[error("a sealed value cannot be opened")]
    Open(#[source] OpenError),
    /// The job is not where it would have to be for this.
    #[error("the job is {state}, so it cannot be {wanted}")]
    WrongState {
        /// Where it is.
        state: crate::state::State,
        /// What was asked: `retried`, `cancelled`.
        wanted: &'static str,
    },
    /// An operator's decision that does not fit where the run stands.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such job.
    #[error("there is no such job")]
    NoSuchJob,
    /// There is nothing of this name to be steered.
    #[error("there is no {what} of this name")]
    Absent {
        /// `queue`, `schedule`, `worker`.
        what: &'static str,
    },
    /// A schedule that can never fire, or a time zone that does not exist.
    #[error("the schedule {name} is not valid: {why}")]
    BadSchedule {
        /// Which one.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Gates that nothing can pass, or too many of them.
    #[error("the gates of the job cannot be used: {why}")]
    BadGates {
        /// What is wrong with them.
        why: String,
    },
    /// A pooler stands in between that forgets prepared statements.
    #[error(
        "the pooler before the database loses prepared statements ({words}). Give it session mode, use PgBouncer 1.21 or \
         later with max_prepared_statements above 0, or go to the database directly"
    )]
    Pooler {
        /// What was answered.
        words: String,
    },
    /// The process is stopping.
    #[error("the engine is stopping")]
    Stopping,
}

/// Why an operator's decision was not carried out. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The audit could not hold who asks, or why.
    #[error("an operator has a name of 1 to 200 characters and a reason of 1 to 500")]
    BadOperator,
    /// Nobody may decide this without saying why.
    #[error("this needs a reason")]
    NeedsReason,
    /// It is not parked, or it was parked again since.
    #[error("the run does not stand there any more: look again")]
    MovedOn,
    /// The answer is about an entry of the ledger, and the run stands at none.
    #[error("the run does not stand at an entry of its ledger that this could be said of")]
    NoEntry,
    /// The answer is about taking back, and the run goes forward.
    #[error("the run is not taking back what it did")]
    NotUndoing,
    /// The answer is about an unknown outcome, and this one is known.
    #[error("what became of the entry is known")]
    OutcomeIsKnown,
    /// To be resumed forward, a run has to go backwards.
    #[error("the run is going forward: try it again")]
    GoingForward,
    /// Something is taken back already, so the body cannot go on as if it stood.
    #[error("{entry} is taken back or decided about already, so the run cannot go on forward")]
    IsUndone {
        /// The first such entry.
        entry: String,
    },
    /// What was typed in is not what the code expects.
    #[error("the value does not fit {name}")]
    DoesNotFit {
        /// The kind, effect or change.
        name: String,
    },
    /// A run that was undone has nothing to go on from.
    #[error("what the run did has been taken back: it can be tried again from scratch only")]
    Undone,
    /// What was done by whoever enqueued it has been taken back, and only they can do it again.
    #[error("the job was born with a deed: whoever enqueued it has to do so again")]
    BornWithDeed,
    /// Another job has its unique key by now.
    #[error("the job {by} has its unique key")]
    KeyTaken {
        /// Which.
        by: crate::job::JobId,
    },
    /// The run has recorded nothing under this name.
    #[error("the run has recorded no such step")]
    NoSuchStep,
    /// Deeds are never repeated by going back.
    #[error("this is a deed, which is not done again: name a step")]
    IsADeed,
    /// A step inside a branch is decided by the end of its group.
    #[error("the step is inside a branch: name the group")]
    InABranch,
    /// Something was done after the step from which the run is to go on.
    #[error("done since, and not to be done again: {entries}; to go on nevertheless, say so")]
    Stands {
        /// Keys of deeds and transactions, the first twenty.
        entries: String,
    },
    /// Nobody knows whether a deed happened, so nobody can go on from after it.
    #[error("nobody knows what became of {entry}")]
    OutcomeIsUnknown {
        /// Its key.
        entry: String,
    },
    /// The end of a child is to be awaited, and it has not come to it.
    #[error("the child {child} has not ended")]
    ChildLives {
        /// Which.
        child: crate::job::JobId,
    },
    /// A job waits before its gates, which depend on its arguments.
    #[error("with these arguments the job would have other gates: cancel it and enqueue another")]
    GatesDiffer,
    /// What is to be done to many jobs is not for jobs in this state, or not for many at once.
    #[error("{deed} is not for many jobs in this state")]
    StateDoesNotFit {
        /// What was to be done.
        deed: &'static str,
    },
    /// Whoever starts an operation has seen another number of jobs.
    #[error("{matched} jobs match, not {expected}: look again")]
    OtherCount {
        /// So many.
        matched: i64,
        /// So many were expected.
        expected: i64,
    },
    /// The operation is not where it would have to be for this.
    #[error("the operation is {state}, so it cannot be {wanted}")]
    OperationStands {
        /// Where it is.
        state: &'static str,
        /// What was asked: `started`, `cancelled`, `undone`.
        wanted: &'static str,
    },
    /// There is nothing to take back.
    #[error("no job of the operation is done and not taken back")]
    NothingDone,
    /// What a run did is being taken back, and only force can stop that.
    #[error("the run is taking back what it did, and that can only be ended by force")]
    Shielded,
}

impl Error {
    /// Whether the same call may work later.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Error::Database(_) | Error::TimedOut | Error::Stopping)
    }
}

impl From<DbError> for Error {
    fn from(error: DbError) -> Error {
        match error {
            DbError::Sql(error) => Error::Database(error),
            DbError::TimedOut => Error::TimedOut,
        }
    }
}
