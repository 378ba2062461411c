//! Trying jobs again, and cancelling them.

use serde_json::{Value, json};

use super::{
    audit::{Action, record},
    operator::Operator,
    views::state_of,
};
use crate::{
    committer::flush::child_signal,
    context::ChildEnd,
    error::Error,
    job::JobId,
    state::{Course, State},
    store::{self, search::Filter},
    tx::Tx,
};

/// A job moves between tables; a look that falls between two of them is repeated.
const LOOKS_MAX: u32 = 10;

impl Tx {
    /// Tries a job again now: one between two attempts, a parked one, or a dead letter, which goes on where it stopped.
    pub async fn retry(&mut self, id: JobId, operator: &Operator) -> Result<(), Error> {
        operator.check()?;
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
        let Some(queue) = queue else { return Err(self.cannot(id, "retried").await?) };
        self.wake_mut().queue(queue);
        record(self, operator, Action::Retried, id, &json!({})).await
    }

    /// Cancels a job: at once if it has not begun, else at its next boundary, and then what it did is taken back.
    pub async fn cancel(&mut self, id: JobId, operator: &Operator) -> Result<(), Error> {
        operator.check()?;
        if !cancel_in(self, id).await? {
            return Err(self.cannot(id, "cancelled").await?);
        }
        record(self, operator, Action::Cancelled, id, &json!({})).await
    }

    /// Why a job cannot be steered like that.
    pub(super) async fn cannot(&mut self, id: JobId, wanted: &'static str) -> Result<Error, Error> {
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
