//! How quickly the jobs of a dead worker go on: until they may run again, as the database tells, and until the next claim,
//! seen from outside (which in a storm is mostly the time behind others).

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tests::fleet::{Dev, pause};
use uuid::Uuid;

/// Between two looks: the resolution of what is measured.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Where jobs stand, and at which claim.
const STANDING: &str = "
    select job_id, epoch, 'ready' from trunkline.ready where job_id = any ($1)
    union all select job_id, epoch, 'lease' from trunkline.leases where job_id = any ($1)
    union all select job_id, epoch, 'rest' from trunkline.waits where job_id = any ($1)
    union all select job_id, epoch, 'rest' from trunkline.outcomes where job_id = any ($1)";

/// Jobs that dead workers had in hand.
#[derive(Default)]
pub(crate) struct Watch {
    orphans: Mutex<HashMap<Uuid, (i32, Instant)>>,
    times: Mutex<Vec<Duration>>,
}

/// What a worker has in hand, by its process id.
pub(crate) async fn in_hand(dev: &Dev, pid: u32) -> Vec<(Uuid, i32)> {
    let held = "select l.job_id, l.epoch from trunkline.leases l join trunkline.workers w using (worker_id) where w.name = $1";
    sqlx::query_as(held)
        .bind(format!("default:{pid}"))
        .fetch_all(dev.rows())
        .await
        .unwrap_or_default()
}

/// From each death to when the dead one's jobs could run again. Deaths are by process id and the database's clock.
pub(crate) async fn until_ready(dev: &Dev, deaths: &[(u32, DateTime<Utc>)]) -> Vec<Duration> {
    let returned = "
        select w.name, f.failed_at from trunkline.failures f
        join trunkline.workers w on f.error = 'worker ' || w.worker_id || ' went silent'
        where f.class = 'lost_worker'";
    let returned: Vec<(String, DateTime<Utc>)> =
        sqlx::query_as(returned).fetch_all(dev.rows()).await.unwrap();
    let times = returned.iter().filter_map(|(name, at)| {
        let (_, died) = deaths.iter().find(|(pid, _)| *name == format!("default:{pid}"))?;
        (*at - *died).to_std().ok()
    });
    times.collect()
}

/// The database's clock.
pub(crate) async fn now(dev: &Dev) -> DateTime<Utc> {
    sqlx::query_scalar("select trunkline.now()").fetch_one(dev.rows()).await.unwrap()
}

impl Watch {
    /// A worker with these in hand has just died.
    pub(crate) fn died(&self, in_hand: Vec<(Uuid, i32)>) {
        let now = Instant::now();
        self.orphans.lock().extend(in_hand.into_iter().map(|(job, epoch)| (job, (epoch, now))));
    }

    /// Looks until it is dropped.
    pub(crate) async fn look(&self, dev: &Dev) {
        loop {
            self.look_once(dev).await;
            pause(LOOK_EVERY).await;
        }
    }

    async fn look_once(&self, dev: &Dev) {
        let jobs: Vec<Uuid> = self.orphans.lock().keys().copied().collect();
        if jobs.is_empty() {
            return;
        }
        let standing: Vec<(Uuid, i32, String)> =
            sqlx::query_as(STANDING).bind(&jobs).fetch_all(dev.rows()).await.unwrap_or_default();
        let mut orphans = self.orphans.lock();
        for (job, epoch, place) in standing {
            let Some((orphaned_at, since)) = orphans.get(&job).copied() else { continue };
            if epoch > orphaned_at {
                self.times.lock().push(since.elapsed());
                orphans.remove(&job);
            } else if place == "rest" {
                // Its worker had settled it before it died.
                orphans.remove(&job);
            }
        }
    }

    /// All times, when nobody is orphaned any more.
    pub(crate) fn times(&self) -> Vec<Duration> {
        self.times.lock().clone()
    }

    pub(crate) fn orphans(&self) -> usize {
        self.orphans.lock().len()
    }
}
