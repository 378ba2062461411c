//! A dead letter, or a cancelled job, tried again.

use serde_json::{Value, json};

use super::{
    audit::{Action, record},
    operator::Operator,
    origin,
};
use crate::{
    error::{Error, Refusal},
    job::JobId,
    state::{Course, State},
    store,
    tx::Tx,
};

/// Named in a refusal at most; the rest is in the job's ledger.
const STANDING_MAX: i64 = 20;

/// From where a job is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum RedriveFrom {
    /// From where it stopped: what it has done, it does not do again.
    #[default]
    Stop,
    /// From scratch: a new job with the same arguments. The old one stays as it is.
    Start,
    /// From this step: what was recorded from there on is set aside.
    Step {
        /// Its key: the name, `#n` for its n-th repeat.
        name: String,
        /// Deeds and transactions that stand after the step are kept and not done again, although what comes before them
        /// is. Without this word such a redrive is refused. A step that is itself a transaction runs a second time.
        despite_deeds: bool,
    },
}

impl Tx {
    /// Tries a job again that failed or was cancelled. Returns the job that now stands for it: a new one if from scratch.
    ///
    /// A run that has been undone can be tried again from scratch only. No redrive repeats a deed.
    pub async fn redrive(
        &mut self,
        id: JobId,
        from: &RedriveFrom,
        operator: &Operator,
    ) -> Result<JobId, Error> {
        operator.check()?;
        let (job, details) = match from {
            RedriveFrom::Stop => {
                self.reopen(id).await?;
                (id, json!({ "from": "stop" }))
            }
            RedriveFrom::Start => {
                let new = self.start_again(id).await?;
                (new, json!({ "from": "start", "new": new }))
            }
            RedriveFrom::Step { name, despite_deeds } => {
                self.reopen(id).await?;
                (id, self.set_aside(id, name, *despite_deeds).await?)
            }
        };
        record(self, operator, Action::Redriven, id, &details).await?;
        Ok(job)
    }

    /// Brings a finished job back, where it stopped.
    async fn reopen(&mut self, id: JobId) -> Result<(), Error> {
        let job = id.as_uuid();
        let ended = [State::Failed, State::Cancelled].map(|state| state.as_str().to_owned());
        let course = Course::Forward.code();
        let Some(queue) = store::outcomes::outcome_reopen(self, job, &ended, course).await? else {
            return Err(self.cannot_reopen(id).await?);
        };
        store::cancel::cancel_forget(self, job).await?;
        self.wake_mut().queue(queue);
        Ok(())
    }

    async fn cannot_reopen(&mut self, id: JobId) -> Result<Error, Error> {
        let outcome = store::outcomes::outcome_get(self, id.as_uuid()).await?;
        Ok(match outcome {
            Some(outcome) if outcome.undone => Refusal::Undone.into(),
            Some(_) | None => self.cannot(id, "redriven").await?,
        })
    }

    /// Sets aside a step and what was recorded since.
    async fn set_aside(
        &mut self,
        id: JobId,
        name: &str,
        despite_deeds: bool,
    ) -> Result<Value, Error> {
        let job = id.as_uuid();
        let step = store::replay::step_recorded(self, job, name).await?;
        let step = step.ok_or(Refusal::NoSuchStep)?;
        if step.is_deed {
            return Err(Refusal::IsADeed.into());
        }
        if name.contains('/') {
            return Err(Refusal::InABranch.into());
        }
        let stand = store::replay::stands_since(self, job, step.finished_at, STANDING_MAX).await?;
        if !stand.is_empty() && !despite_deeds {
            return Err(Refusal::Stands { entries: stand.join(", ") }.into());
        }
        let since = step.finished_at;
        let rows = store::replay::checkpoints_set_aside(self, job, name, since).await?;
        Ok(
            json!({ "from": "step", "step": name, "form": step.form, "set_aside": rows, "kept": stand }),
        )
    }

    /// A new job like this one.
    async fn start_again(&mut self, id: JobId) -> Result<JobId, Error> {
        let job = id.as_uuid();
        let Some(row) = store::dead::origin_of(self, job).await? else {
            return Err(Error::NoSuchJob);
        };
        let is_over = row.state.as_deref().is_some_and(|state| state != State::Succeeded.as_str());
        if !is_over {
            return Err(self.cannot(id, "redriven").await?);
        }
        if row.has_deed {
            return Err(Refusal::BornWithDeed.into());
        }
        let new = origin::enqueue_like(self, id, row).await?;
        store::dead::origin_write(self, new.as_uuid(), job, "redrive", None).await?;
        Ok(new)
    }
}
