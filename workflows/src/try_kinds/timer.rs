//! A durable sleep: costs a row, not a slot.

use std::time::Duration;

use engine::{Context, Failure, Retention, Workflow};
use serde::{Deserialize, Serialize};

use crate::app::Trunkline;

/// Sleeps durably.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Timer {
    /// How long, in milliseconds.
    pub ms: u64,
}

impl Workflow<Trunkline> for Timer {
    const KIND: &'static str = "timer";
    const QUEUE: &'static str = super::QUEUE;
    const RETENTION: Retention = Retention::Brief;
    type Output = ();

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<(), Failure> {
        ctx.sleep(Duration::from_millis(self.ms)).await
    }
}
