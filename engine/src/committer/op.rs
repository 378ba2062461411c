//! What a process has to say about jobs.

use serde_json::Value;
use uuid::Uuid;

use crate::{
    inbox::InboxEntry,
    store::{
        Fence,
        checkpoints::CheckpointRow,
        effects::{IntentRow, SettleRow},
        failures::FailureRow,
        jobs::JobRow,
        leases::{FinishRow, SuspendRow},
        progress::ProgressRow,
    },
};

/// One thing to write. Within a flush they are written in the order of these variants, so that a job's checkpoint comes
/// before its end; across flushes in the order in which they were handed over.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// The beginning of a deed.
    Begin(IntentRow),
    /// A child, with its place in the ledger.
    Spawn(Box<(IntentRow, JobRow)>),
    /// A step's output.
    Checkpoint(CheckpointRow),
    /// What became of a deed.
    Settle(SettleRow),
    /// A failed attempt. Never fenced: too late, it is dropped.
    Fail(FailureRow),
    /// How far a run is. Never fenced: too late, it is dropped.
    Progress(ProgressRow),
    /// From here on backwards, or forward again.
    Turn(Fence, i16),
    /// Back to ready, unharmed.
    Release(Fence),
    /// To sleep, to wait, to be parked.
    Suspend(SuspendRow),
    /// The end.
    Finish(Box<Finish>),
    /// New jobs without unique keys.
    Enqueue(Vec<JobRow>),
    /// What came in, and the job that is made of it if it is new.
    Receive(Box<(InboxEntry, JobRow)>),
    /// Jobs that have a new signal: look whether they wait for it.
    Look(Vec<Uuid>),
}

impl Op {
    /// By whose lease it is guarded.
    pub(crate) fn job_id(&self) -> Option<Uuid> {
        let fence = match self {
            Op::Begin(row) => row.fence,
            Op::Spawn(pair) => pair.0.fence,
            Op::Checkpoint(row) => row.fence,
            Op::Settle(row) => row.fence,
            Op::Fail(row) => row.fence,
            Op::Progress(row) => row.fence,
            Op::Turn(fence, _) | Op::Release(fence) => *fence,
            Op::Suspend(row) => row.fence,
            Op::Finish(finish) => finish.row.fence,
            Op::Enqueue(_) | Op::Receive(_) | Op::Look(_) => return None,
        };
        Some(fence.job_id)
    }
}

/// The end of a job, and whom it concerns.
#[derive(Debug, Clone)]
pub(crate) struct Finish {
    pub(crate) row: FinishRow,
    pub(crate) unique_key: Option<Vec<u8>>,
    /// Who waits for it, and what they are told.
    pub(crate) tells: Option<(Uuid, Value)>,
    /// Whether it may have been sent signals that it did not take.
    pub(crate) may_have_signals: bool,
    /// Whether it may have said how far it is.
    pub(crate) may_have_progress: bool,
}
