//! Wakes those in the waiting line whose turn has come: numbers whose quarantine is over, or that were added to the pool.

use domain::scope;
use engine::{Context, Failure, Retention, RetryPolicy, Workflow};
use serde::{Deserialize, Serialize};

use crate::{allocate_number::call_next, app::Trunkline, error::of_domain};

/// Serves the line. Runs every minute.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServeWaitlist {}

impl Workflow<Trunkline> for ServeWaitlist {
    const KIND: &'static str = "serve_waitlist";
    const QUEUE: &'static str = "maintenance";
    /// The next tick comes in a minute.
    const RETRY: RetryPolicy = RetryPolicy::never();
    const RETENTION: Retention = Retention::Brief;
    type Output = ();

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<(), Failure> {
        ctx.transaction("call", async |tx| {
            scope::platform(tx).await.map_err(of_domain)?;
            call_next(tx).await
        })
        .await
    }
}
