//! Queues at run time: paused, limited, shared fairly. What is set counts for the next claim of every worker.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    admin::{Action, Operator, record_about},
    engine::Engine,
    error::Error,
    store,
    time::interval,
    tx::Tx,
};

/// A pause's reason is a line.
const REASON_CHARS_MAX: usize = 200;

/// A queue, and what is set on it.
#[derive(Debug, Clone, Serialize)]
pub struct QueueView {
    /// Its name.
    pub name: String,
    /// Why none of its jobs is begun at the moment, and until when.
    pub pause: Option<Pause>,
    /// How many of its jobs may run at once in the whole fleet.
    pub at_once_max: Option<u32>,
    /// Whether tenants take turns.
    pub fair: bool,
    /// How long a job that may run may wait for its worker.
    pub latency_target_ms: Option<u32>,
}

/// None of a queue's jobs is begun; those that run go on.
#[derive(Debug, Clone, Serialize)]
pub struct Pause {
    /// As somebody said.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Ends by itself then.
    pub until: Option<DateTime<Utc>>,
}

impl Engine {
    /// All queues, by name, with what is set on them.
    pub async fn queues(&self) -> Result<Vec<QueueView>, Error> {
        Ok(self.stands().await?.into_iter().map(|stand| stand.view).collect())
    }

    /// Promises how long a ready job of a queue may wait, unless something is promised already. What an operator has set
    /// stands, also that nothing is promised.
    pub async fn promise_first(&self, queue: &str, latency: Duration) -> Result<(), Error> {
        let target = i32::try_from(latency.as_millis().max(1)).unwrap_or(i32::MAX);
        let set = self
            .db()
            .run(async |conn| store::queues::queue_target_first(conn, queue, target).await);
        Ok(set.await?)
    }
}

impl Tx {
    /// Has no job of a queue begun any more, until somebody resumes it or this time is over. Needs a reason, which
    /// everybody is told who asks why a job does not run.
    pub async fn pause_queue(
        &mut self,
        queue: &str,
        for_up_to: Option<Duration>,
        operator: &Operator,
    ) -> Result<(), Error> {
        operator.check_reason()?;
        let reason = operator.reason().unwrap_or_default();
        let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
        let until = for_up_to.map(interval);
        let set = store::queues::queue_pause(self, queue, &reason, until).await?;
        let details = json!({ "for_up_to_secs": for_up_to.map(|time| time.as_secs()) });
        self.set(queue, set, operator, Action::QueuePaused, details).await
    }

    /// Ends a queue's pause.
    pub async fn resume_queue(&mut self, queue: &str, operator: &Operator) -> Result<(), Error> {
        let set = store::queues::queue_resume(self, queue).await?;
        self.set(queue, set, operator, Action::QueueResumed, json!({})).await
    }

    /// At most so many jobs of a queue run at once in the whole fleet; `None`: as many as workers take. Those that run
    /// already are not stopped. Exact from one second after the commit on, when every worker has noticed.
    pub async fn limit_queue(
        &mut self,
        queue: &str,
        at_once: Option<u32>,
        operator: &Operator,
    ) -> Result<(), Error> {
        if at_once == Some(0) {
            let why = "none at once is a pause".to_owned();
            return Err(Error::BadGates { why });
        }
        let max = at_once.map(|max| i32::try_from(max).unwrap_or(i32::MAX));
        let set = store::queues::queue_limit(self, queue, max).await?;
        self.set(queue, set, operator, Action::QueueLimited, json!({ "at_once": at_once })).await
    }

    /// Whether the tenants of a queue take turns. Counts for jobs that are enqueued from then on.
    pub async fn share_queue(
        &mut self,
        queue: &str,
        fair: bool,
        operator: &Operator,
    ) -> Result<(), Error> {
        let set = store::queues::queue_fair(self, queue, fair).await?;
        self.set(queue, set, operator, Action::QueueShared, json!({ "fair": fair })).await
    }

    /// How long a job of a queue that may run may wait for its worker; `None`: nothing is promised.
    pub async fn promise_queue(
        &mut self,
        queue: &str,
        latency: Option<Duration>,
        operator: &Operator,
    ) -> Result<(), Error> {
        let target = latency.map(|time| i32::try_from(time.as_millis().max(1)).unwrap_or(i32::MAX));
        let set = store::queues::queue_target(self, queue, target).await?;
        let details = json!({ "latency_target_ms": target });
        self.set(queue, set, operator, Action::QueuePromised, details).await
    }

    /// Wakes those who serve the queue, and writes down who asked.
    async fn set(
        &mut self,
        queue: &str,
        set: Option<i16>,
        operator: &Operator,
        action: Action,
        details: Value,
    ) -> Result<(), Error> {
        let queue_id = set.ok_or(Error::Absent { what: "queue" })?;
        self.wake_mut().queue(queue_id);
        record_about(self, operator, action, &format!("queue:{queue}"), &details).await
    }
}
