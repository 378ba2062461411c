//! What operators ask of the engine: look at jobs, cancel them, try them again, answer those that are parked. Whatever
//! changes something takes an [`Operator`] and leaves a row in the audit, in the same transaction.

mod answer; // to parked runs
mod audit; // who did what, and why
mod cancel; // in three ways
mod edit; // other arguments
mod input; // what an operator types in
mod look; // jobs, read
mod operator; // who asks
mod parked; // why a run waits for a person
mod plan; // what an undo would do
mod steer; // try again
mod views; // how jobs are shown

pub(crate) use self::cancel::{cancel_in, enforce, pass_on};
pub use self::{
    answer::Answer,
    audit::AuditEntry,
    cancel::CancelMode,
    look::PAGE_MAX,
    operator::Operator,
    parked::{ParkedFilter, ParkedRun},
    plan::{UndoDeed, UndoStep},
    views::{DeedView, JobDetail, JobFilter, JobSummary, ProgressView, StepView},
};
