//! What operators say about an operation: it is to be, it is to begin, to end, to be taken back.

use serde_json::{json, to_value};

use super::{NewOperation, OperationState, wrong_stand};
use crate::{
    admin::{
        audit::{Action, record_about},
        cancel::CancelMode,
        operator::Operator,
    },
    error::{Error, Refusal},
    job::JobId,
    store,
    tx::Tx,
};

/// Jobs in a second at the most.
const RATE_MAX: u16 = 1_000;

impl Tx {
    /// Writes an operation down. Nothing matches yet, and nothing is done: that is for its job, under the same id.
    pub async fn make_operation(
        &mut self,
        new: &NewOperation,
        operator: &Operator,
    ) -> Result<(), Error> {
        if !new.filter.state.is_some_and(|state| new.deed.fits().contains(&state)) {
            return Err(Refusal::StateDoesNotFit { deed: new.deed.as_str() }.into());
        }
        let is_cancel = !new.deed.makes_run();
        if is_cancel && new.mode == CancelMode::Terminate {
            return Err(Refusal::StateDoesNotFit { deed: "terminate" }.into());
        }
        let row = store::operations::NewOperation {
            operation_id: new.id.as_uuid(),
            deed: new.deed.as_str(),
            mode: is_cancel.then(|| new.mode.as_str()),
            filter: to_value(&new.filter).map_err(Error::Encode)?,
            before_job: new.id.as_uuid(),
            canary_jobs: new.canary.jobs.into(),
            canary_bad_max: new.canary.bad_max.into(),
            canary_secs: i32::try_from(new.canary.patience.as_secs()).unwrap_or(i32::MAX),
            made_by: operator.actor(),
        };
        store::operations::operation_insert(self, row).await?;
        let details = json!({ "deed": new.deed, "filter": new.filter });
        about(self, operator, Action::OperationMade, new.id, &details).await
    }

    /// Starts a frozen operation. `expected`: the number of jobs that whoever starts it has seen; another one is refused.
    /// `per_second`: 1 to 1,000 jobs. Needs a reason.
    pub async fn start_operation(
        &mut self,
        id: JobId,
        expected: i64,
        per_second: u16,
        operator: &Operator,
    ) -> Result<(), Error> {
        operator.check_reason()?;
        let reason = operator.reason().unwrap_or_default();
        let held = self.hold_operation(id).await?;
        if held.state != OperationState::Frozen {
            return Err(wrong_stand(held.state, "started"));
        }
        if held.row.matched != expected {
            return Err(Refusal::OtherCount { matched: held.row.matched, expected }.into());
        }
        let rate = i32::from(per_second.clamp(1, RATE_MAX));
        let job = id.as_uuid();
        store::operations::operation_begin(self, job, operator.actor(), reason, rate).await?;
        let details = json!({ "matched": expected, "per_second": rate });
        about(self, operator, Action::OperationStarted, id, &details).await
    }

    /// Ends an operation: before it began nothing was done, later what was done stands. The batch that is on its way comes
    /// to its end first.
    pub async fn cancel_operation(&mut self, id: JobId, operator: &Operator) -> Result<(), Error> {
        let held = self.hold_operation(id).await?;
        if held.state.is_over() || held.state == OperationState::Undoing {
            return Err(wrong_stand(held.state, "cancelled"));
        }
        self.move_operation(id, OperationState::Cancelled, Some("somebody ended it")).await?;
        let details = json!({ "state": held.state, "done": held.row.done });
        about(self, operator, Action::OperationCancelled, id, &details).await
    }

    /// Has what an operation did be taken back, by the job `by_job`.
    pub async fn undo_operation(
        &mut self,
        id: JobId,
        by_job: JobId,
        operator: &Operator,
    ) -> Result<(), Error> {
        let held = self.hold_operation(id).await?;
        let is_over = held.state.is_over() && held.state != OperationState::Undone;
        if !is_over {
            return Err(wrong_stand(held.state, "undone"));
        }
        let left = held.row.done - held.row.undone - held.row.not_undone;
        if left == 0 {
            return Err(Refusal::NothingDone.into());
        }
        let (job, reason) = (id.as_uuid(), operator.reason());
        let by = by_job.as_uuid();
        store::operations::operation_begin_undo(self, job, operator.actor(), reason, by).await?;
        let details = json!({ "state": held.state, "left": left });
        about(self, operator, Action::OperationUndone, id, &details).await
    }
}

async fn about(
    tx: &mut Tx,
    operator: &Operator,
    action: Action,
    id: JobId,
    details: &serde_json::Value,
) -> Result<(), Error> {
    record_about(tx, operator, action, &format!("operation:{id}"), details).await
}
