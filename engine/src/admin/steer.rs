//! Trying jobs again.

use serde_json::json;

use super::{
    audit::{Action, record},
    operator::Operator,
    views::state_of,
};
use crate::{
    error::Error,
    job::JobId,
    store::{self, search::Filter},
    tx::Tx,
};

impl Tx {
    /// Tries a job again now: one between two attempts, a parked one, or a dead letter, which goes on where it stopped,
    /// unless another has its unique key by now.
    pub async fn retry(&mut self, id: JobId, operator: &Operator) -> Result<(), Error> {
        operator.check()?;
        let job = id.as_uuid();
        let queue = match store::waits::wait_state(self, job).await?.as_deref() {
            Some("scheduled" | "parked") => store::waits::wait_release(self, job, None).await?,
            Some(_) => None,
            None => self.reopen(id).await?,
        };
        // What cannot be tried again keeps its request to be cancelled, also where the caller goes on with other jobs.
        let Some(queue) = queue else { return Err(self.cannot(id, "retried").await?) };
        store::cancel::cancel_forget(self, job).await?;
        self.wake_mut().queue(queue);
        record(self, operator, Action::Retried, id, &json!({})).await
    }

    /// Has a job run now that would run later: one enqueued for later, or between two attempts.
    pub async fn run_now(&mut self, id: JobId, operator: &Operator) -> Result<(), Error> {
        operator.check()?;
        let job = id.as_uuid();
        let queue = match store::waits::wait_state(self, job).await?.as_deref() {
            Some("scheduled") => store::waits::wait_release(self, job, None).await?,
            Some(_) | None => None,
        };
        let Some(queue) = queue else { return Err(self.cannot(id, "run now").await?) };
        self.wake_mut().queue(queue);
        record(self, operator, Action::RunNow, id, &json!({})).await
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
