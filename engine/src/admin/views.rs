//! Jobs as operators see them. What is sealed shows as `sealed`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    explain::Why,
    job::JobId,
    sealed,
    state::{Course, State},
    store::{
        search::FoundRow,
        timeline::{DeedRow, StepRow},
    },
};

/// Which jobs to list. A member that a later version knows and this one does not is no filter here: it would match more than
/// was meant.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this queue.
    pub queue: Option<String>,
    /// In this state.
    pub state: Option<State>,
    /// Of this tenant.
    pub tenant: Option<Uuid>,
    /// Made at this instant or later.
    pub since: Option<DateTime<Utc>>,
    /// Made before this instant.
    pub until: Option<DateTime<Utc>>,
    /// Failed with an error that reads so; a word with a digit in it is `#`. Of dead letters alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Made before this one: the last of the page before.
    #[serde(skip)]
    pub older_than: Option<JobId>,
}

/// A job as a list shows it.
#[derive(Debug, Clone, Serialize)]
pub struct JobSummary {
    /// Which.
    pub id: JobId,
    /// Which workflow.
    pub kind: String,
    /// Where it waits or waited.
    pub queue: String,
    /// Where it stands.
    pub state: State,
    /// Whether it is taking back what it did.
    pub compensating: bool,
    /// Failed tries of the whole body so far.
    pub attempt: i16,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it failed, or what it waits for.
    pub error: Option<String>,
}

/// A job with its whole story. What is sealed shows as `sealed`.
#[derive(Debug, Clone, Serialize)]
pub struct JobDetail {
    /// As in a list.
    #[serde(flatten)]
    pub summary: JobSummary,
    /// Its arguments.
    pub args: Value,
    /// What it ended with.
    pub output: Option<Value>,
    /// Whose work it is.
    pub tenant_id: Option<Uuid>,
    /// Which run started it.
    pub parent_id: Option<JobId>,
    /// The finished job of which an operator made this one.
    pub origin_id: Option<JobId>,
    /// How: `redrive` or `fork`.
    pub origin: Option<String>,
    /// When it comes back by itself.
    pub due: Option<DateTime<Utc>>,
    /// What it waits for.
    pub reason: Option<String>,
    /// How it is parked, if it is.
    pub parked: Option<Value>,
    /// How far it says it is, while it lives.
    pub progress: Option<ProgressView>,
    /// What happened, in order.
    pub steps: Vec<StepView>,
    /// Its undo ledger.
    pub effects: Vec<DeedView>,
    /// Why it is not running; `None` of a job that is over.
    pub explain: Option<Vec<Why>>,
}

/// One thing that happened in a run.
#[derive(Debug, Clone, Serialize)]
pub struct StepView {
    /// The step's key.
    pub name: String,
    /// `step`, `transaction`, `effect`, `change`, `child`, `wait`, `sleep`; for a failed attempt its phase.
    pub kind: String,
    /// `succeeded`, `failed`, or the state of a deed.
    pub state: String,
    /// Which try.
    pub attempt: i16,
    /// When it was begun, where that is known.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// What went wrong.
    pub error: Option<String>,
}

/// One entry of an undo ledger.
#[derive(Debug, Clone, Serialize)]
pub struct DeedView {
    /// The step's key.
    pub key: String,
    /// `effect`, `change` or `child`.
    pub form: String,
    /// Its registered name.
    pub name: String,
    /// Where it stands.
    pub state: String,
    /// What it was asked to do.
    pub input: Value,
    /// What it yielded.
    pub output: Option<Value>,
    /// When it was begun.
    pub started_at: DateTime<Utc>,
    /// When it was done.
    pub finished_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    pub undone_at: Option<DateTime<Utc>>,
}

/// How far a run says it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProgressView {
    /// So much is done.
    pub done: i64,
    /// Of so much, where that is known.
    pub total: Option<i64>,
    /// A line for people.
    pub note: String,
    /// When it said so.
    pub said_at: DateTime<Utc>,
}

impl From<StepRow> for StepView {
    fn from(step: StepRow) -> StepView {
        StepView {
            name: step.name,
            kind: step.kind,
            state: step.state,
            attempt: step.attempt,
            started_at: step.started_at,
            finished_at: step.finished_at,
            error: step.error,
        }
    }
}

impl From<DeedRow> for DeedView {
    fn from(deed: DeedRow) -> DeedView {
        DeedView {
            key: deed.key,
            form: deed.form,
            name: deed.name,
            state: deed.state,
            input: sealed::redact(&deed.input),
            output: deed.output.as_ref().map(sealed::redact),
            started_at: deed.started_at,
            finished_at: deed.finished_at,
            undone_at: deed.undone_at,
        }
    }
}

pub(super) fn summary(row: &FoundRow) -> JobSummary {
    JobSummary {
        id: row.job_id.into(),
        kind: row.kind.clone(),
        queue: row.queue.clone(),
        state: state_of(row),
        compensating: Course::from_code(row.course).is_undoing(),
        attempt: row.attempt,
        created_at: row.created_at,
        finished_at: row.finished_at,
        error: row
            .error
            .as_ref()
            .and_then(|error| error.get("message")?.as_str().map(ToOwned::to_owned))
            .or_else(|| row.reason.clone()),
    }
}

/// The CHECKs admit no other words.
pub(super) fn state_of(row: &FoundRow) -> State {
    row.state.parse().unwrap_or(State::Parked)
}
