//! Counts how the product stands, once a minute, so that no scrape has to.

use domain::{scope, vitals};
use engine::{Context, Failure, Retention, RetryPolicy, Workflow};
use serde::{Deserialize, Serialize};

use crate::{app::Trunkline, error::of_domain};

/// Counts. Runs every minute.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TakeVitals {}

impl Workflow<Trunkline> for TakeVitals {
    const KIND: &'static str = "take_vitals";
    const QUEUE: &'static str = "maintenance";
    /// The next tick comes in a minute.
    const RETRY: RetryPolicy = RetryPolicy::never();
    const RETENTION: Retention = Retention::Brief;
    type Output = ();

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<(), Failure> {
        ctx.transaction("count", async |tx| {
            scope::platform(tx).await.map_err(of_domain)?;
            let counted = vitals::take(tx).await.map_err(of_domain)?;
            vitals::keep(tx, &counted).await.map_err(of_domain)
        })
        .await
    }
}
