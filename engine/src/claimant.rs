//! Who has a job at this moment, and how it is taken away from them: for what is spoken live, where a caller cannot wait
//! until a lease has run out.

use chrono::{DateTime, Utc};

use crate::{error::Error, job::JobId, store, tx::Tx};

/// Who has a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimant {
    /// Which claim this is: the fence.
    pub epoch: i32,
    /// Since when.
    pub claimed_at: DateTime<Utc>,
    /// Where the worker can be reached from outside, if it can.
    pub address: Option<String>,
    /// Whether the worker is stopping, and about to hand the job back.
    pub is_leaving: bool,
}

impl Tx {
    /// Who has this job. `None`: nobody, or a worker that has been silent for longer than its lease.
    pub async fn claimant_of(&mut self, job: JobId) -> Result<Option<Claimant>, Error> {
        let row = store::claimants::claimant_get(self, job.as_uuid()).await?;
        Ok(row.map(|row| Claimant {
            epoch: row.epoch,
            claimed_at: row.claimed_at,
            address: row.address,
            is_leaving: row.draining,
        }))
    }

    /// Takes a job away from whoever has it under this claim, as if they had handed it back: it is ready at once, and
    /// nothing is charged. What they still write counts no more. False: that claim is over already, and nothing was done;
    /// so a repeat never takes the job away from the next one who has it.
    pub async fn recall(&mut self, job: JobId, epoch: i32) -> Result<bool, Error> {
        let job = job.as_uuid();
        let Some(queue) = store::claimants::claimant_queue(self, job, epoch).await? else {
            return Ok(false);
        };
        let recalled = store::leases::leases_release(self, &[job], &[epoch]).await?;
        self.wake_mut().queue(queue);
        Ok(!recalled.is_empty())
    }
}
