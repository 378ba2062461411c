//! A stretch of an operation: some batches, each in one transaction, with pauses between them that keep its rate.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use engine::{Batch, Context, Failure, JobId, Retention, Workflow};
use serde::{Deserialize, Serialize};

use crate::{app::Trunkline, metrics};

/// Jobs of one transaction: their rows are locked together for a few hundred milliseconds.
const BATCH: u16 = 100;

/// Batches of one stretch: what a run remembers stays small.
const BATCHES: u32 = 50;

/// How far behind its rate a stretch may make up by leaving pauses out, in milliseconds: in no second it does more than two
/// seconds' jobs.
const MADE_UP_MS_MAX: i64 = 1_000;

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

/// A batch as it is recorded.
#[derive(Debug, Serialize, Deserialize)]
struct Worked {
    #[serde(flatten)]
    batch: Batch,
    /// When, by the database's clock. The version before did not record it, and paused after every batch.
    at: Option<DateTime<Utc>>,
}

/// How a stretch stands against its rate.
#[derive(Debug, Default)]
struct Pace {
    /// When it would have begun, had it kept its rate since.
    since: Option<DateTime<Utc>>,
    /// What it has tried since then.
    tried: u32,
}

impl Workflow<Trunkline> for OperateStretch {
    const KIND: &'static str = "operate_stretch";
    const QUEUE: &'static str = "maintenance";
    const RETENTION: Retention = Retention::Brief;
    type Output = Stretch;

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<Stretch, Failure> {
        let mut stretch = Stretch { done: 0, refused: 0, is_over: false };
        let mut pace = Pace::default();
        for _ in 0..BATCHES {
            let room = self.jobs_max.map_or(u32::MAX, u32::from);
            let size = size(self.per_second, room - (stretch.done + stretch.refused).min(room));
            if size == 0 {
                break;
            }
            let worked = ctx.transaction("batch", async |tx| self.batch(tx, size).await).await?;
            let Worked { batch, at } = worked;
            stretch.done += batch.done;
            stretch.refused += batch.refused;
            stretch.is_over = batch.is_over;
            if batch.is_over {
                break;
            }
            let pause = match at {
                Some(at) => pace.pause(at, size, self.per_second),
                None => Some(worth(size.into(), self.per_second)),
            };
            if let Some(pause) = pause {
                ctx.sleep(pause).await?;
            }
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
    async fn batch(&self, tx: &mut engine::Tx, jobs_max: u16) -> Result<Worked, Failure> {
        let batch = match self.way {
            Way::There => tx.work_on_operation(self.operation, jobs_max).await?,
            Way::Back => tx.undo_on_operation(self.operation, jobs_max).await?,
        };
        Ok(Worked { batch, at: Some(tx.now().await?) })
    }
}

impl Pace {
    /// What is to be waited for after a batch of this size, which ended at this instant. A pause costs a run more than its
    /// length: it is put away and claimed again. So a stretch that is behind takes none.
    fn pause(&mut self, at: DateTime<Utc>, size: u16, per_second: u16) -> Option<Duration> {
        self.tried += u32::from(size);
        let since = self.since.unwrap_or(at);
        let worth = TimeDelta::from_std(worth(self.tried, per_second)).unwrap_or(TimeDelta::MAX);
        let behind = at - since - worth;
        let forgiven = (behind - TimeDelta::milliseconds(MADE_UP_MS_MAX)).max(TimeDelta::zero());
        self.since = Some(since + forgiven);
        (-behind).to_std().ok().filter(|pause| !pause.is_zero())
    }
}

/// Jobs of the next batch: no more than a second's.
fn size(per_second: u16, room: u32) -> u16 {
    let room = u16::try_from(room).unwrap_or(u16::MAX);
    BATCH.min(per_second.max(1)).min(room)
}

/// How long so many jobs may take for themselves.
fn worth(jobs: u32, per_second: u16) -> Duration {
    Duration::from_secs(1).mul_f64(f64::from(jobs) / f64::from(per_second.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a stretch does that needs so long for a batch, and so long again for being put away and taken up.
    fn rate(per_second: u16, batch: TimeDelta, put_away: TimeDelta) -> f64 {
        let (mut pace, mut now, mut jobs) = (Pace::default(), DateTime::UNIX_EPOCH, 0);
        let size = size(per_second, u32::MAX);
        for _ in 0..200 {
            now += batch;
            jobs += u32::from(size);
            if let Some(pause) = pace.pause(now, size, per_second) {
                now += TimeDelta::from_std(pause).unwrap() + put_away;
            }
        }
        f64::from(jobs) / (now - DateTime::UNIX_EPOCH).as_seconds_f64()
    }

    #[test]
    fn batches_and_pauses_keep_the_rate_though_a_pause_costs_more_than_its_length() {
        let ms = TimeDelta::milliseconds;
        for per_second in [1, 3, 99, 100, 250, 1_000] {
            let size = size(per_second, u32::MAX);
            assert!((1..=BATCH.min(per_second)).contains(&size));
            assert!(worth(size.into(), per_second) <= Duration::from_secs(1));
            for put_away in [ms(0), ms(30), ms(400)] {
                let kept = rate(per_second, ms(20), put_away) / f64::from(per_second);
                assert!((0.9..=1.005).contains(&kept), "{per_second} and {put_away}: {kept}");
            }
        }
        // Slower than it may be: no pause but the first.
        assert!((490.0..500.0).contains(&rate(1_000, ms(200), ms(400))));
        assert_eq!((size(100, 7), size(100, 0)), (7, 0));
    }

    #[test]
    fn what_was_lost_to_a_long_stop_is_made_up_for_by_a_second_at_the_most() {
        let mut pace = Pace::default();
        let at = |ms| DateTime::UNIX_EPOCH + TimeDelta::milliseconds(ms);
        assert_eq!(pace.pause(at(0), 100, 1_000), Some(Duration::from_millis(100)));
        let unpaused = (0..20).take_while(|n| pace.pause(at(60_000 + n), 100, 1_000).is_none());
        assert_eq!(unpaused.count(), 11);
    }

    #[test]
    fn a_batch_of_the_version_before_is_read() {
        let old = serde_json::json!({ "done": 3, "refused": 1, "is_over": false });
        let read: Worked = serde_json::from_value(old).unwrap();
        assert_eq!((read.batch.done, read.at), (3, None));
    }
}
