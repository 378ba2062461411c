//! A workflow of trivial checkpointed steps.

use engine::{Context, Failure, Retention, Workflow};
use serde::{Deserialize, Serialize};

use crate::app::Trunkline;

const STEPS_MAX: u32 = 1000;

/// Runs steps one after the other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Steps {
    /// How many; at most 1,000.
    pub n: u32,
}

impl Workflow<Trunkline> for Steps {
    const KIND: &'static str = "steps";
    const QUEUE: &'static str = super::QUEUE;
    const RETENTION: Retention = Retention::Brief;
    type Output = u32;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<u32, Failure> {
        if self.n > STEPS_MAX {
            return Err(Failure::permanent("at most 1,000 steps"));
        }
        let mut sum = 0;
        for step in 1..=self.n {
            sum += ctx.step("add", async |_, _| Ok(step)).await?;
        }
        Ok(sum)
    }
}
