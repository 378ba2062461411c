//! Whatever is planned for a tenant that was shut out is cancelled before it begins. What has begun comes to its end.

use domain::TenantId;
use engine::{CancelMode, Context, Failure, Operator, Tx, Workflow};
use serde::{Deserialize, Serialize};

use crate::app::Trunkline;

/// A hundred thousand planned jobs of one tenant.
const BATCHES_MAX: usize = 1_000;

/// Cancels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CancelTenantJobs {
    /// Whose.
    pub tenant: TenantId,
    /// Who wants it so, for the engine's record.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Workflow<Trunkline> for CancelTenantJobs {
    const KIND: &'static str = "cancel_tenant_jobs";
    const QUEUE: &'static str = "maintenance";
    /// How many.
    type Output = u64;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<u64, Failure> {
        let mut cancelled = 0;
        for _ in 0..BATCHES_MAX {
            let batch = ctx.transaction("cancel", async |tx| self.batch(tx).await).await?;
            cancelled += batch;
            if batch == 0 {
                break;
            }
        }
        Ok(cancelled)
    }
}

impl CancelTenantJobs {
    /// The newest of them. One that begins at this moment is left to its end.
    async fn batch(&self, tx: &mut Tx) -> Result<u64, Failure> {
        let operator = Operator::new(self.by.clone()).because(self.reason.clone());
        let mut cancelled = 0;
        for job in tx.scheduled_of(self.tenant.as_uuid()).await? {
            match tx.cancel(job, CancelMode::Undo, &operator).await {
                Ok(()) => cancelled += 1,
                Err(engine::Error::WrongState { .. } | engine::Error::NoSuchJob) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(cancelled)
    }
}
