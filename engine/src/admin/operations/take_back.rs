//! Taking an operation back, as far as the world has not gone on: what was made to run is kept from it if it has not begun,
//! what was cancelled is tried again.

use chrono::{DateTime, Utc};

use super::{Batch, BulkDeed, OperationState, refusal, work::operator};
use crate::{
    admin::{
        audit::{Action, record},
        cancel::CancelMode,
        operator::Operator,
    },
    error::Error,
    job::JobId,
    store::{
        self,
        operation_items::{ItemRow, Settled},
    },
    tx::Tx,
};

/// Why a job cannot be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoReason {
    /// It has run since.
    HasBegun,
    /// It was to run at a time that has come.
    ItsTimeHasCome,
}

impl UndoReason {
    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            UndoReason::HasBegun => "it has begun since",
            UndoReason::ItsTimeHasCome => "its time has come since",
        }
    }
}

/// What became of one.
enum Back {
    Taken,
    Not(String),
}

impl From<UndoReason> for Back {
    fn from(why: UndoReason) -> Back {
        Back::Not(why.as_str().to_owned())
    }
}

impl Tx {
    /// Takes the next jobs of an operation back, at most so many.
    pub async fn undo_on_operation(&mut self, id: JobId, jobs_max: u16) -> Result<Batch, Error> {
        let held = self.hold_operation(id).await?;
        if held.state != OperationState::Undoing {
            return Ok(Batch { is_over: true, ..Batch::default() });
        }
        let by = operator(id, held.row.undone_by.as_deref(), held.row.undo_reason.as_deref());
        let job = id.as_uuid();
        let items = store::operation_items::items_done(self, job, jobs_max.into()).await?;
        let mut batch = Batch { is_over: items.len() < usize::from(jobs_max), ..Batch::default() };
        let mut settled = Vec::with_capacity(items.len());
        for item in items {
            let (state, why) = match self.take_item_back(held.deed, &item, &by).await? {
                Back::Taken => ("undone", None),
                Back::Not(why) => ("not_undone", Some(why)),
            };
            batch.done += u32::from(why.is_none());
            batch.refused += u32::from(why.is_some());
            let ItemRow { job_id, epoch, due, became } = item;
            settled.push(Settled { job_id, state, epoch, due, became, why });
        }
        store::operation_items::items_settle(self, job, &settled).await?;
        Ok(batch)
    }

    async fn take_item_back(
        &mut self,
        deed: BulkDeed,
        item: &ItemRow,
        by: &Operator,
    ) -> Result<Back, Error> {
        let job = JobId::from(item.became.unwrap_or(item.job_id));
        let taken = match (deed, item.due) {
            (BulkDeed::Cancel, due) => self.revive(job, due, by).await,
            (BulkDeed::RunNow, Some(due)) => self.put_back(job, item.epoch, due, by).await,
            (BulkDeed::Retry | BulkDeed::Redrive | BulkDeed::RunNow, _) => {
                self.keep_from_running(job, item.epoch, by).await
            }
        };
        match taken {
            Ok(back) => Ok(back),
            Err(error) => Ok(Back::Not(refusal(&error).ok_or(error)?)),
        }
    }

    /// A job that was cancelled goes on. It needs its unique key again: another may have it by now.
    async fn revive(
        &mut self,
        job: JobId,
        due: Option<DateTime<Utc>>,
        by: &Operator,
    ) -> Result<Back, Error> {
        match due {
            Some(due) => self.wait_again(job, due, by).await,
            None => self.retry(job, by).await.map(|()| Back::Taken),
        }
    }

    /// A job that was cancelled before its time waits for it again. If its time has come, it is left alone: nobody wants
    /// what was due last night.
    async fn wait_again(
        &mut self,
        job: JobId,
        due: DateTime<Utc>,
        by: &Operator,
    ) -> Result<Back, Error> {
        let id = job.as_uuid();
        if due <= self.now().await? {
            return Ok(UndoReason::ItsTimeHasCome.into());
        }
        let is_held = self.take_key_again(job).await?;
        if !is_held || !store::operation_items::reopen_for_its_time(self, id, due).await? {
            // Somebody has seen to it, or it was born with a deed, which is taken back.
            return self.retry(job, by).await.map(|()| Back::Taken);
        }
        store::cancel::cancel_forget(self, id).await?;
        record(self, by, Action::Rescheduled, job, &serde_json::json!({ "due": due })).await?;
        Ok(Back::Taken)
    }

    /// A job that was made to run now waits for its time again, unless it has begun.
    async fn put_back(
        &mut self,
        job: JobId,
        epoch: Option<i32>,
        due: DateTime<Utc>,
        by: &Operator,
    ) -> Result<Back, Error> {
        let id = job.as_uuid();
        if !store::operation_items::hold_unbegun(self, id, epoch.unwrap_or(0)).await? {
            return Ok(UndoReason::HasBegun.into());
        }
        if due <= self.now().await? {
            return Ok(UndoReason::ItsTimeHasCome.into());
        }
        if !store::operation_items::put_back_to_time(self, id, due).await? {
            return Ok(UndoReason::HasBegun.into());
        }
        record(self, by, Action::Rescheduled, job, &serde_json::json!({ "due": due })).await?;
        Ok(Back::Taken)
    }

    /// A job that was made to run is cancelled, unless it has begun. What it did before all that stands.
    async fn keep_from_running(
        &mut self,
        job: JobId,
        epoch: Option<i32>,
        by: &Operator,
    ) -> Result<Back, Error> {
        if !store::operation_items::hold_unbegun(self, job.as_uuid(), epoch.unwrap_or(0)).await? {
            return Ok(UndoReason::HasBegun.into());
        }
        self.cancel(job, CancelMode::Graceful, by).await?;
        Ok(Back::Taken)
    }
}
