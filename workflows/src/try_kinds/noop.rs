//! Nothing: what the engine itself costs.

use engine::{Context, Failure, Retention, Workflow};
use serde::{Deserialize, Serialize};

use crate::app::Trunkline;

/// Does nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Noop {}

impl Workflow<Trunkline> for Noop {
    const KIND: &'static str = "noop";
    const QUEUE: &'static str = super::QUEUE;
    const RETENTION: Retention = Retention::Brief;
    type Output = ();

    async fn run(&self, _: &Context<'_, Trunkline>) -> Result<(), Failure> {
        Ok(())
    }
}
