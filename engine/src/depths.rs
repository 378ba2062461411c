//! How much stands in the queues, and what keeps it: for gauges and dashboards, cheap however much it is.

use std::time::Duration;

use serde::Serialize;

use crate::{
    Connection,
    engine::Engine,
    error::Error,
    job::JobId,
    queues::{Pause, QueueView},
    store::{self, depths::StandRow},
};

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
    /// For how long it has been paused; zero: it is not.
    pub paused_for: Duration,
}

/// A queue with what stands in it, counted up to [`DEPTH_MAX`].
#[derive(Debug, Clone)]
pub struct QueueStand {
    /// Its name, and what is set on it.
    pub view: QueueView,
    /// Jobs that are not running, by reason, as in [`Depths::jobs`].
    pub jobs: Vec<Depth>,
    /// Jobs that run.
    pub running: u32,
    /// How long ago the job that comes next was made.
    pub next_age: Duration,
    /// For how long it has been paused; zero: it is not.
    pub paused_for: Duration,
}

impl Engine {
    /// How all queues stand, by name: one statement. Bounded, whatever there is.
    pub async fn stands(&self) -> Result<Vec<QueueStand>, Error> {
        let look = async |conn: &mut Connection| {
            store::depths::queues_stand(conn, i64::from(DEPTH_MAX)).await
        };
        Ok(self.read(look).await?.into_iter().map(stand).collect())
    }

    /// What keeps the first jobs of some lanes, as in [`Depths::kept`].
    pub async fn kept(&self) -> Result<Vec<Depth>, Error> {
        let look = async |conn: &mut Connection| store::depths::lane_heads(conn, LANES_ASKED).await;
        let mut kept: Vec<Depth> = Vec::new();
        for (queue, job) in self.read(look).await? {
            let reasons = match self.explain(JobId::from(job)).await {
                Ok(reasons) => reasons,
                Err(Error::NoSuchJob) => continue,
                Err(error) => return Err(error),
            };
            let Some(reason) = reasons.first().map(crate::Why::word) else { continue };
            let is_it = |depth: &&mut Depth| depth.queue == queue && depth.reason == reason;
            match kept.iter_mut().find(is_it) {
                Some(depth) => depth.jobs += 1,
                None => kept.push(Depth { queue, reason, jobs: 1 }),
            }
        }
        Ok(kept)
    }

    /// Counts what stands where. Bounded: a few thousand index entries at most, whatever there is.
    pub async fn depths(&self) -> Result<Depths, Error> {
        let stands = self.stands().await?;
        let mut depths = Depths { kept: self.kept().await?, ..Depths::default() };
        for stand in stands {
            let target = stand.view.latency_target_ms.map(|ms| Duration::from_millis(ms.into()));
            let (queue, next_age, paused_for) = (stand.view.name, stand.next_age, stand.paused_for);
            depths.behind.push(Behind { queue, next_age, target, paused_for });
            depths.jobs.extend(stand.jobs);
        }
        Ok(depths)
    }
}

fn stand(row: StandRow) -> QueueStand {
    let number = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let small = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    let ready = if row.paused_at.is_some() { "queue_paused" } else { "ready" };
    let counts =
        [(ready, row.ready), ("gates", row.gated), ("time", row.timed), ("parked", row.parked)];
    let depth = |(reason, jobs)| Depth { queue: row.name.clone(), reason, jobs: number(jobs) };
    QueueStand {
        jobs: counts.map(depth).into(),
        running: number(row.running),
        next_age: row.next.map_or(Duration::ZERO, |id| age_of(id, row.now)),
        paused_for: row.paused_at.and_then(|at| (row.now - at).to_std().ok()).unwrap_or_default(),
        view: QueueView {
            pause: row.paused_at.map(|since| Pause {
                reason: row.pause_reason.unwrap_or_default(),
                since,
                until: row.pause_until,
            }),
            at_once_max: small(row.at_once_max),
            fair: row.fair,
            latency_target_ms: small(row.latency_target_ms),
            name: row.name,
        },
    }
}

/// How long ago a job was made: its id begins with the milliseconds since 1970.
fn age_of(job: uuid::Uuid, now: chrono::DateTime<chrono::Utc>) -> Duration {
    let made = u64::try_from(job.as_u128() >> 80).unwrap_or(0);
    let now = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    Duration::from_millis(now.saturating_sub(made))
}
