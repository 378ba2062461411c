//! A job whose first attempts fail.

use std::time::Duration;

use engine::{Context, Failure, Jitter, Retention, RetryPolicy, Workflow};
use serde::{Deserialize, Serialize};

use crate::app::Trunkline;

/// Fails before it succeeds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Fail {
    /// So many attempts fail, 50 ms apart.
    pub times: u16,
}

impl Workflow<Trunkline> for Fail {
    const KIND: &'static str = "fail";
    const QUEUE: &'static str = super::QUEUE;
    const RETRY: RetryPolicy = RetryPolicy::exponential(Duration::from_millis(50), 1000)
        .capped(Duration::from_millis(50))
        .jitter(Jitter::None);
    const RETENTION: Retention = Retention::Brief;
    type Output = i16;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<i16, Failure> {
        if ctx.attempt().unsigned_abs() <= self.times {
            return Err(Failure::retry("as asked"));
        }
        Ok(ctx.attempt())
    }
}
