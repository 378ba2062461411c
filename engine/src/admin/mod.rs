//! What operators ask of the engine: look at jobs, cancel them, try them again, answer those that are parked. Whatever
//! changes something takes an [`Operator`] and leaves a row in the audit, in the same transaction.

mod answer; // to parked runs
mod audit; // who did what, and why
mod cancel; // in three ways
mod dead; // letters
mod edit; // other arguments
mod fork; // a new run from a step of a finished one
mod inbox; // what providers posted
mod input; // what an operator types in
mod links; // so that a change of the record shows
mod look; // jobs, read
mod operations; // on many jobs
mod operator; // who asks
mod origin; // of a job that is made of another
mod parked; // why a run waits for a person
mod plan; // what an undo would do
mod redrive; // dead letters, again
mod steer; // try again
mod views; // how jobs are shown

pub use self::{
    answer::Answer,
    audit::AuditEntry,
    cancel::CancelMode,
    dead::{DeadCount, DeadFilter, DeadGroup, DeadLetter, GROUPED_MAX},
    inbox::{InboxCount, InboxCursor, InboxFilter, Kept},
    links::{LINKS_AT_ONCE, Noted, Stretch, Verified, WAITING_MAX, gone, last_id},
    look::PAGE_MAX,
    operations::{
        Batch, BulkDeed, Canary, CanaryLook, FreezePage, NewOperation, OPERATION_JOBS_MAX,
        OperationDetail, OperationPlan, OperationState, OperationView, Refused, UndoReason,
    },
    operator::Operator,
    parked::{ParkedFilter, ParkedRun},
    plan::{UndoDeed, UndoStep},
    redrive::RedriveFrom,
    views::{DeedView, JobDetail, JobFilter, JobSummary, ProgressView, StepView},
};
pub(crate) use self::{
    audit::{Action, record_about},
    cancel::{cancel_in, enforce, keeps_its_deeds},
};
