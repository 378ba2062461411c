//! How much stands in the queues, and what keeps it: for gauges and dashboards, cheap however much it is.

use std::time::Duration;

use serde::Serialize;

use crate::{engine::Engine, error::Error, job::JobId, store};

/// Counted for each queue and reason. Beyond that it is "many".
pub const DEPTH_MAX: u32 = 10_000;

/// Lanes whose first job is asked what keeps it. A sample is enough to see which limit it is.
const LANES_ASKED: i64 = 16;

/// What stands in the queues.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Depths {
    /// Jobs that are not running, by queue and reason: `ready`, `queue_paused`, `gates`, `time`, `parked`. At most
    /// [`DEPTH_MAX`] are counted for each.
    pub jobs: Vec<Depth>,
    /// What keeps the first jobs of lanes, by [`crate::Why::word`], of a sample of lanes.
    pub kept: Vec<Depth>,
    /// How far behind each queue is.
    pub behind: Vec<Behind>,
}

/// Jobs of a queue that do not run for one reason.
#[derive(Debug, Clone, Serialize)]
pub struct Depth {
    /// Of this queue.
    pub queue: String,
    /// For this reason.
    pub reason: &'static str,
    /// So many.
    pub jobs: u32,
}

/// How far behind a queue is.
#[derive(Debug, Clone, Serialize)]
pub struct Behind {
    /// Which.
    pub queue: String,
    /// How long ago the job that comes next was made: an estimate of how long jobs wait.
    pub next_age: Duration,
    /// How long a job may wait, where something is promised.
    pub target: Option<Duration>,
}

/// All reasons of [`Depths::jobs`].
const REASONS: [&str; 5] = ["ready", "queue_paused", "gates", "time", "parked"];

impl Engine {
    /// Counts what stands where. Bounded: a few thousand index entries at most, whatever there is.
    pub async fn depths(&self) -> Result<Depths, Error> {
        let (rows, next, heads) = self
            .read(async |conn| {
                let rows = store::depths::depths(conn, i64::from(DEPTH_MAX)).await?;
                let next = store::depths::next_of_queues(conn).await?;
                let heads = store::depths::lane_heads(conn, LANES_ASKED).await?;
                Ok((rows, next, heads))
            })
            .await?;
        let mut depths = Depths::default();
        for row in rows {
            // A queue that is empty says so.
            let Some(reason) = REASONS.iter().find(|reason| **reason == row.reason) else {
                continue;
            };
            let jobs = u32::try_from(row.jobs).unwrap_or(u32::MAX);
            depths.jobs.push(Depth { queue: row.queue, reason, jobs });
        }
        for row in next {
            let next_age = row.job_id.map_or(Duration::ZERO, |id| age_of(id, row.now));
            let target = row.latency_target_ms.and_then(|ms| u64::try_from(ms).ok());
            let target = target.map(Duration::from_millis);
            depths.behind.push(Behind { queue: row.queue, next_age, target });
        }
        for (queue, job) in heads {
            let reasons = match self.explain(JobId::from(job)).await {
                Ok(reasons) => reasons,
                Err(Error::NoSuchJob) => continue,
                Err(error) => return Err(error),
            };
            let Some(reason) = reasons.first().map(crate::Why::word) else { continue };
            let is_it = |depth: &&mut Depth| depth.queue == queue && depth.reason == reason;
            match depths.kept.iter_mut().find(is_it) {
                Some(depth) => depth.jobs += 1,
                None => depths.kept.push(Depth { queue, reason, jobs: 1 }),
            }
        }
        Ok(depths)
    }
}

/// How long ago a job was made: its id begins with the milliseconds since 1970.
fn age_of(job: uuid::Uuid, now: chrono::DateTime<chrono::Utc>) -> Duration {
    let made = u64::try_from(job.as_u128() >> 80).unwrap_or(0);
    let now = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    Duration::from_millis(now.saturating_sub(made))
}
