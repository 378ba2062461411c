//! A job that occupies its slot for a while.

use std::time::Duration;

use engine::{Context, Failure, Retention, Workflow};
use serde::{Deserialize, Serialize};

use crate::app::Trunkline;

/// Below the limit of a step, so that it is the sleep that ends.
const SLEEP_MAX: Duration = Duration::from_secs(50);

/// Sleeps in its slot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sleep {
    /// How long, in milliseconds; at most 50 s.
    pub ms: u64,
}

impl Workflow<Trunkline> for Sleep {
    const KIND: &'static str = "sleep";
    const QUEUE: &'static str = super::QUEUE;
    const RETENTION: Retention = Retention::Brief;
    type Output = ();

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<(), Failure> {
        let time = Duration::from_millis(self.ms);
        if time > SLEEP_MAX {
            return Err(Failure::permanent("at most 50 s; `timer` sleeps longer"));
        }
        ctx.step("sleep_here", async |_, _| {
            occupy(time).await;
            Ok(())
        })
        .await
    }
}

#[expect(clippy::disallowed_methods, reason = "to occupy a slot is what this kind is for")]
pub(super) async fn occupy(time: Duration) {
    tokio::time::sleep(time).await;
}
