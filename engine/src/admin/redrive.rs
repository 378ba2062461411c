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

/// How a job has ended that can be brought back.
fn ended() -> [String; 2] {
    [State::Failed, State::Cancelled].map(|state| state.as_str().to_owned())
}

impl Tx {
    /// Tries a job again that failed or was cancelled. Returns the job that now stands for it: a new one if from scratch.
    ///
    /// A run that has been undone can be tried again from scratch only. No redrive repeats a deed, and none runs beside
    /// another job that has its unique key: that is refused.
    pub async fn redrive(
        &mut self,
        id: JobId,
        from: &RedriveFrom,
        operator: &Operator,
    ) -> Result<JobId, Error> {
        operator.check()?;
        let (job, details) = match from {
            RedriveFrom::Stop => {
                self.redrive_here(id).await?;
                (id, json!({ "from": "stop" }))
            }
            RedriveFrom::Start => {
                let new = self.start_again(id).await?;
                (new, json!({ "from": "start", "new": new }))
            }
            RedriveFrom::Step { name, despite_deeds } => {
                self.redrive_here(id).await?;
                (id, self.set_aside(id, name, *despite_deeds).await?)
            }
        };
        record(self, operator, Action::Redriven, id, &details).await?;
        Ok(job)
    }

    /// Has a finished job go on where it stopped.
    async fn redrive_here(&mut self, id: JobId) -> Result<(), Error> {
        let Some(queue) = self.reopen(id).await? else {
            return Err(self.cannot_reopen(id).await?);
        };
        store::cancel::cancel_forget(self, id.as_uuid()).await?;
        self.wake_mut().queue(queue);
        Ok(())
    }

    /// Brings a finished job back, where it stopped. Returns its queue; `None`: it is not finished, or not so that it could
    /// be brought back.
    pub(super) async fn reopen(&mut self, id: JobId) -> Result<Option<i16>, Error> {
        if !self.take_key_again(id).await? {
            return Ok(None);
        }
        let course = Course::Forward.code();
        Ok(store::outcomes::outcome_reopen(self, id.as_uuid(), &ended(), course).await?)
    }

    /// Gives a finished job that is about to be brought back its unique key again, which its end has freed: beside another
    /// that has taken it, it would do what is to be done once. Nobody else brings it back meanwhile. False: it cannot be
    /// brought back.
    pub(super) async fn take_key_again(&mut self, id: JobId) -> Result<bool, Error> {
        let job = id.as_uuid();
        let Some(key) = store::outcomes::outcome_hold(self, job, &ended()).await? else {
            return Ok(false);
        };
        if let Some(key) = key
            && let Some(by) = store::uniques::unique_take(self, &key, job, None, false).await?
        {
            return Err(Refusal::KeyTaken { by: by.into() }.into());
        }
        Ok(true)
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
