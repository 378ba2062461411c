//! A batch of an operation: the same calls that the orders about one job make, so many of them in one transaction.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{BulkDeed, Canary, OperationState, refusal};
use crate::{
    admin::{cancel::CancelMode, operator::Operator, redrive::RedriveFrom},
    error::Error,
    job::JobId,
    store::{
        self,
        operation_items::{ItemRow, Settled, Stand},
        operations::OperationRow,
    },
    tx::Tx,
};

/// Of who started it; the rest of the name says through what.
const ACTOR_CHARS: usize = 140;

/// What whoever carries an operation out has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationPlan {
    /// What is done to each job.
    pub deed: BulkDeed,
    /// So many jobs in a second at the most.
    pub per_second: u16,
    /// On whose fate the rest depends.
    pub canary: Canary,
}

/// What a batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Batch {
    /// Jobs that were done, or taken back.
    pub done: u32,
    /// Jobs that could not be.
    pub refused: u32,
    /// There are no more, or somebody has ended the operation.
    pub is_over: bool,
}

/// How the first jobs fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryLook {
    /// All of them have ended, or the operation is not being worked on any more.
    pub is_over: bool,
    /// Were refused, have failed again, or are parked.
    pub bad: i64,
    /// Have not ended.
    pub open: i64,
}

impl Tx {
    /// How to carry out an operation that was started; `None`: it was not. One that nobody has started is ended.
    pub async fn operation_plan(&mut self, id: JobId) -> Result<Option<OperationPlan>, Error> {
        let held = self.hold_operation(id).await?;
        if held.state == OperationState::Frozen {
            let why = "nobody started it in time";
            self.move_operation(id, OperationState::Cancelled, Some(why)).await?;
        }
        Ok((held.state == OperationState::Working).then(|| plan(held.deed, &held.row)))
    }

    /// Does the next jobs of an operation, at most so many. What is wrong with one job is written down with it, and stops
    /// no other.
    pub async fn work_on_operation(&mut self, id: JobId, jobs_max: u16) -> Result<Batch, Error> {
        let held = self.hold_operation(id).await?;
        if held.state != OperationState::Working {
            return Ok(Batch { is_over: true, ..Batch::default() });
        }
        let by = operator(id, held.row.started_by.as_deref(), held.row.reason.as_deref());
        let job = id.as_uuid();
        let items = store::operation_items::items_to_do(self, job, jobs_max.into()).await?;
        let mut batch = Batch { is_over: items.len() < usize::from(jobs_max), ..Batch::default() };
        let mode = held.row.mode.as_deref().map(CancelMode::of).unwrap_or_default();
        let before = self.stands_before(held.deed, &items).await?;
        let mut settled = Vec::with_capacity(items.len());
        for item in items {
            let due = find(&before, item.job_id).and_then(|stand| time_of(held.deed, stand));
            let row = self.work_on_item(held.deed, mode, item.job_id, due, &by).await?;
            let is_done = row.state == "done";
            batch.done += u32::from(is_done);
            batch.refused += u32::from(!is_done);
            settled.push(row);
        }
        self.note_epochs(&mut settled).await?;
        store::operation_items::items_settle(self, job, &settled).await?;
        Ok(batch)
    }

    /// Where the jobs of a batch stand, if their own time may have to be given back to them.
    async fn stands_before(
        &mut self,
        deed: BulkDeed,
        items: &[ItemRow],
    ) -> Result<Vec<Stand>, Error> {
        if !keeps_time(deed) {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = items.iter().map(|item| item.job_id).collect();
        Ok(store::operation_items::stands_of(self, &ids).await?)
    }

    /// Notes how often each job that was done has been claimed: as long as it is not claimed again, it can be taken back.
    /// Nobody else sees what this transaction did, so this is asked once for all of them.
    async fn note_epochs(&mut self, settled: &mut [Settled]) -> Result<(), Error> {
        let concerned = |row: &Settled| row.became.unwrap_or(row.job_id);
        let done = settled.iter().filter(|row| row.state == "done");
        let ids: Vec<_> = done.map(concerned).collect();
        let after = store::operation_items::stands_of(self, &ids).await?;
        for row in settled.iter_mut().filter(|row| row.state == "done") {
            row.epoch = find(&after, concerned(row)).map(|stand| stand.epoch);
        }
        Ok(())
    }

    async fn work_on_item(
        &mut self,
        deed: BulkDeed,
        mode: CancelMode,
        job_id: Uuid,
        due: Option<DateTime<Utc>>,
        by: &Operator,
    ) -> Result<Settled, Error> {
        let job = JobId::from(job_id);
        let worked = match deed {
            BulkDeed::Retry => self.retry(job, by).await.map(|()| None),
            BulkDeed::RunNow => self.run_now(job, by).await.map(|()| None),
            BulkDeed::Cancel => self.cancel(job, mode, by).await.map(|()| None),
            BulkDeed::Redrive => self.redrive(job, &RedriveFrom::Start, by).await.map(Some),
        };
        let (state, due, became, why) = match worked {
            Ok(became) => ("done", due, became.map(JobId::as_uuid), None),
            Err(error) => ("refused", None, None, Some(refusal(&error).ok_or(error)?)),
        };
        Ok(Settled { job_id, state, epoch: None, due, became, why })
    }

    /// How the jobs that were done so far fare.
    pub async fn look_at_canary(&mut self, id: JobId) -> Result<CanaryLook, Error> {
        let held = self.hold_operation(id).await?;
        if held.state != OperationState::Working {
            return Ok(CanaryLook { is_over: true, bad: 0, open: 0 });
        }
        let (done, refused) = (held.row.done, held.row.refused);
        if !held.deed.makes_run() {
            return Ok(CanaryLook { is_over: true, bad: refused, open: 0 });
        }
        let found = store::operation_items::items_ended(self, id.as_uuid()).await?;
        let open = (done - found.ended).max(0);
        Ok(CanaryLook { is_over: open == 0, bad: refused + found.bad, open })
    }

    /// Where an operation stands.
    pub async fn operation_state(&mut self, id: JobId) -> Result<OperationState, Error> {
        Ok(self.hold_operation(id).await?.state)
    }

    /// Ends an operation that is not over: all were seen to (`why` is `None`), or it goes no further. Does nothing to one
    /// that has ended otherwise, or is being undone.
    pub async fn end_operation(&mut self, id: JobId, why: Option<&str>) -> Result<(), Error> {
        let held = self.hold_operation(id).await?;
        let end = match (held.state, why) {
            (OperationState::Working, None) => OperationState::Done,
            (
                OperationState::Freezing | OperationState::Frozen | OperationState::Working,
                Some(_),
            ) => OperationState::Stopped,
            _ => return Ok(()),
        };
        self.move_operation(id, end, why).await
    }

    /// The same for one that is being undone.
    pub async fn end_undo(&mut self, id: JobId, why: Option<&str>) -> Result<(), Error> {
        let held = self.hold_operation(id).await?;
        if held.state != OperationState::Undoing {
            return Ok(());
        }
        let end = if why.is_none() { OperationState::Undone } else { OperationState::Stopped };
        self.move_operation(id, end, why).await
    }
}

fn plan(deed: BulkDeed, row: &OperationRow) -> OperationPlan {
    // The CHECKs keep them within these bounds.
    let small = |number: i32| u16::try_from(number).unwrap_or(1);
    OperationPlan {
        deed,
        per_second: row.per_second.map_or(1, small).max(1),
        canary: Canary {
            jobs: small(row.canary_jobs),
            bad_max: small(row.canary_bad_max),
            patience: Duration::from_secs(row.canary_secs.unsigned_abs().into()),
        },
    }
}

/// Who does it, as the record of each job shows it.
pub(super) fn operator(id: JobId, actor: Option<&str>, reason: Option<&str>) -> Operator {
    let actor: String = actor.unwrap_or("nobody").chars().take(ACTOR_CHARS).collect();
    let by = Operator::new(format!("{actor} by operation {id}"));
    match reason {
        Some(reason) => by.because(reason),
        None => by,
    }
}

/// Whether jobs to which this is done may have to be given their time back.
fn keeps_time(deed: BulkDeed) -> bool {
    matches!(deed, BulkDeed::RunNow | BulkDeed::Cancel)
}

/// When a job would have run. One that is cancelled between two attempts has no time of its own to come back to.
fn time_of(deed: BulkDeed, before: &Stand) -> Option<DateTime<Utc>> {
    let has_own = deed == BulkDeed::RunNow || before.epoch == 0;
    before.due.filter(|_| keeps_time(deed) && has_own)
}

fn find(stands: &[Stand], job_id: Uuid) -> Option<&Stand> {
    stands.iter().find(|stand| stand.job_id == job_id)
}
