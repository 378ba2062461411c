//! Looks whether calls and texts for all our numbers still go where they should, and puts right what somebody changed.

use engine::{Context, Failure, Workflow};
use serde::{Deserialize, Serialize};

use crate::{
    app::Trunkline,
    sync_number_webhooks::{Synced, go_through},
};

/// Looks. Runs weekly.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditNumberWebhooks {
    /// Whether to put right what is wrong, or only to say so.
    #[serde(default = "yes")]
    pub fix: bool,
}

fn yes() -> bool {
    true
}

impl Workflow<Trunkline> for AuditNumberWebhooks {
    const KIND: &'static str = "audit_number_webhooks";
    const QUEUE: &'static str = "numbers";
    type Output = Synced;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Synced, Failure> {
        let found = go_through(ctx, |number| self.fix && number.drifted).await?;
        if found.drifted > 0 {
            tracing::error!(
                job.id = %ctx.job_id(),
                "{} of {} numbers led elsewhere; {} were put right", found.drifted, found.numbers, found.configured
            );
        }
        Ok(found)
    }
}
