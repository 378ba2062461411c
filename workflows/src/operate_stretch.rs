//! A stretch of an operation: some batches, each in one transaction, with pauses between them that keep its rate.

use std::time::Duration;

use engine::{Batch, Context, Failure, JobId, Retention, Workflow};
use serde::{Deserialize, Serialize};

use crate::{app::Trunkline, metrics};

/// Jobs of one transaction: their rows are locked together for a few hundred milliseconds.
const BATCH: u16 = 100;

/// Batches of one stretch: what a run remembers stays small.
const BATCHES: u32 = 50;

/// Works on some jobs of an operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OperateStretch {
    /// Which operation.
    pub operation: JobId,
    /// There or back.
    pub way: Way,
    /// So many jobs in a second at the most.
    pub per_second: u16,
    /// So many jobs in this stretch, if not as many as fit.
    pub jobs_max: Option<u16>,
}

/// Whether jobs are done or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// They are done.
    There,
    /// What was done is taken back.
    Back,
}

/// Where a stretch has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Jobs that were done, or taken back.
    pub done: u32,
    /// Jobs that could not be.
    pub refused: u32,
    /// There are no more.
    pub is_over: bool,
}

impl Workflow<Trunkline> for OperateStretch {
    const KIND: &'static str = "operate_stretch";
    const QUEUE: &'static str = "maintenance";
    const RETENTION: Retention = Retention::Brief;
    type Output = Stretch;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Stretch, Failure> {
        let mut stretch = Stretch { done: 0, refused: 0, is_over: false };
        for _ in 0..BATCHES {
            let room = self.jobs_max.map_or(u32::MAX, u32::from);
            let size = size(self.per_second, room - (stretch.done + stretch.refused).min(room));
            if size == 0 {
                break;
            }
            let batch = ctx.transaction("batch", async |tx| self.batch(tx, size).await).await?;
            stretch.done += batch.done;
            stretch.refused += batch.refused;
            stretch.is_over = batch.is_over;
            if batch.is_over {
                break;
            }
            ctx.sleep(pause(size, self.per_second)).await?;
        }
        let Stretch { done, refused, .. } = stretch;
        ctx.step("tell", async |_, _| {
            metrics::operated(self.way, done, refused);
            Ok(())
        })
        .await?;
        Ok(stretch)
    }
}

impl OperateStretch {
    async fn batch(&self, tx: &mut engine::Tx, jobs_max: u16) -> Result<Batch, Failure> {
        Ok(match self.way {
            Way::There => tx.work_on_operation(self.operation, jobs_max).await?,
            Way::Back => tx.undo_on_operation(self.operation, jobs_max).await?,
        })
    }
}

/// Jobs of the next batch: no more than a second's.
fn size(per_second: u16, room: u32) -> u16 {
    let room = u16::try_from(room).unwrap_or(u16::MAX);
    BATCH.min(per_second.max(1)).min(room)
}

/// How long such a batch may take for itself.
fn pause(size: u16, per_second: u16) -> Duration {
    Duration::from_secs(1).mul_f64(f64::from(size) / f64::from(per_second.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_and_pauses_keep_the_rate() {
        for per_second in [1, 3, 99, 100, 250, 1_000] {
            let size = size(per_second, u32::MAX);
            assert!((1..=BATCH.min(per_second)).contains(&size));
            let rate = f64::from(size) / pause(size, per_second).as_secs_f64();
            assert!((rate - f64::from(per_second)).abs() < 0.01, "{per_second}: {rate}");
            assert!(pause(size, per_second) <= Duration::from_secs(1));
        }
        assert_eq!((size(100, 7), size(100, 0)), (7, 0));
    }
}
