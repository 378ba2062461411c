//! What operators ask of the engine: look at jobs, cancel them, try them again.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    committer::flush::child_signal,
    context::ChildEnd,
    engine::Engine,
    error::Error,
    job::JobId,
    sealed,
    state::{Course, State},
    store::{
        self,
        search::{Filter, FoundRow},
    },
    tx::Tx,
};

/// Jobs on one page of a list.
pub const PAGE_MAX: usize = 100;

/// Steps and deeds shown of one run.
const TIMELINE_MAX: i64 = 1000;

/// A job moves between tables; a look that falls between two of them is repeated.
const LOOKS_MAX: u32 = 10;

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this queue.
    pub queue: Option<String>,
    /// In this state.
    pub state: Option<State>,
    /// Of this tenant.
    pub tenant: Option<Uuid>,
    /// Made before this one: the last of the page before.
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
    /// When it comes back by itself.
    pub due: Option<DateTime<Utc>>,
    /// What it waits for.
    pub reason: Option<String>,
    /// What happened, in order.
    pub steps: Vec<StepView>,
    /// Its undo ledger.
    pub effects: Vec<DeedView>,
    /// Why it is not running; not built yet.
    pub explain: Option<Value>,
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

impl Engine {
    /// Lists jobs, newest first. At most [`PAGE_MAX`].
    pub async fn jobs(&self, filter: &JobFilter, limit: usize) -> Result<Vec<JobSummary>, Error> {
        let filter = Filter {
            job_id: None,
            kind: filter.kind.clone(),
            queue: filter.queue.clone(),
            state: filter.state,
            tenant_id: filter.tenant,
            older_than: filter.older_than.map(JobId::as_uuid),
        };
        let rows_max = i64::try_from(limit.clamp(1, PAGE_MAX)).unwrap_or(1);
        let rows = self
            .read(async |conn| store::search::jobs_search(conn, &filter, rows_max).await)
            .await?;
        Ok(rows.into_iter().map(|row| summary(&row)).collect())
    }

    /// One job with its story; `None` if there is none with this id (any more).
    pub async fn job(&self, id: JobId) -> Result<Option<JobDetail>, Error> {
        let filter = Filter { job_id: Some(id.as_uuid()), ..Filter::default() };
        let (found, steps, deeds) = self
            .read(async |conn| {
                let found = store::search::jobs_search(conn, &filter, 1).await?;
                let steps = store::timeline::steps_of(conn, id.as_uuid(), TIMELINE_MAX).await?;
                let deeds = store::timeline::deeds_of(conn, id.as_uuid(), TIMELINE_MAX).await?;
                Ok((found, steps, deeds))
            })
            .await?;
        let Some(row) = found.into_iter().next() else { return Ok(None) };
        Ok(Some(JobDetail {
            summary: summary(&row),
            args: sealed::redact(&row.args),
            output: row.output.as_ref().map(sealed::redact),
            tenant_id: row.tenant_id,
            parent_id: row.parent_id.map(JobId::from),
            due: row.due,
            reason: row.reason,
            steps: steps
                .into_iter()
                .map(|step| StepView {
                    name: step.name,
                    kind: step.kind,
                    state: step.state,
                    attempt: step.attempt,
                    started_at: step.started_at,
                    finished_at: step.finished_at,
                    error: step.error,
                })
                .collect(),
            effects: deeds
                .into_iter()
                .map(|deed| DeedView {
                    key: deed.key,
                    form: deed.form,
                    name: deed.name,
                    state: deed.state,
                    input: sealed::redact(&deed.input),
                    output: deed.output.as_ref().map(sealed::redact),
                    started_at: deed.started_at,
                    finished_at: deed.finished_at,
                    undone_at: deed.undone_at,
                })
                .collect(),
            explain: None,
        }))
    }

    /// The output of a job that has succeeded; `None` while it has not.
    pub async fn output(&self, id: JobId) -> Result<Option<Value>, Error> {
        let outcome =
            self.read(async |conn| store::outcomes::outcome_get(conn, id.as_uuid()).await).await?;
        Ok(outcome
            .filter(|outcome| outcome.state == State::Succeeded.as_str())
            .and_then(|outcome| outcome.output))
    }
}

impl Tx {
    /// Tries a job again now: one between two attempts, a parked one, or a dead letter, which goes on where it stopped.
    pub async fn retry(&mut self, id: JobId) -> Result<(), Error> {
        let job = id.as_uuid();
        let queue = match store::waits::wait_state(self, job).await?.as_deref() {
            Some("scheduled" | "parked") => store::waits::wait_release(self, job, None).await?,
            Some(_) => None,
            None => {
                let ended =
                    [State::Failed.as_str().to_owned(), State::Cancelled.as_str().to_owned()];
                store::outcomes::outcome_reopen(self, job, &ended, Course::Forward.code()).await?
            }
        };
        match queue {
            Some(queue) => {
                self.wake_mut().queue(queue);
                Ok(())
            }
            None => Err(self.cannot(id, "retried").await?),
        }
    }

    /// Cancels a job: at once if it has not begun, else at its next boundary, and then what it did is taken back.
    pub async fn cancel(&mut self, id: JobId) -> Result<(), Error> {
        if cancel_in(self, id).await? { Ok(()) } else { Err(self.cannot(id, "cancelled").await?) }
    }

    async fn cannot(&mut self, id: JobId, wanted: &'static str) -> Result<Error, Error> {
        let filter = Filter { job_id: Some(id.as_uuid()), ..Filter::default() };
        let found = store::search::jobs_search(self, &filter, 1).await?;
        Ok(match found.first() {
            None => Error::NoSuchJob,
            Some(row) => Error::WrongState { state: state_of(row), wanted },
        })
    }
}

/// Cancels wherever the job stands. False: it is finished, or was never there.
pub(crate) async fn cancel_in(tx: &mut Tx, id: JobId) -> Result<bool, Error> {
    let job = id.as_uuid();
    let Some(concerns) = store::cancel::concerns_of(tx, job).await? else { return Ok(false) };
    for _ in 0..LOOKS_MAX {
        if store::cancel::cancel_unstarted(tx, job).await? {
            if let Some(key) = concerns.unique_key {
                store::uniques::uniques_free(tx, &[key], &[job]).await?;
            }
            if let Some(parent) = concerns.parent_id {
                let end = ChildEnd { state: State::Cancelled, output: Value::Null, error: None };
                tx.signal(JobId::from(parent), &child_signal(id), &end, Some("unstarted")).await?;
            }
            return Ok(true);
        }
        if let Some(queue) = store::cancel::cancel_resting(tx, job).await? {
            tx.wake_mut().queue(queue);
            return Ok(true);
        }
        if store::cancel::cancel_running(tx, job).await? {
            return Ok(true);
        }
        if store::outcomes::outcome_get(tx, job).await?.is_some() {
            return Ok(false);
        }
        if store::waits::wait_state(tx, job).await?.is_some() {
            return Ok(true); // it is being undone already
        }
    }
    Err(Error::TimedOut)
}

fn summary(row: &FoundRow) -> JobSummary {
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
fn state_of(row: &FoundRow) -> State {
    row.state.parse().unwrap_or(State::Parked)
}
