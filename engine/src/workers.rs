//! The workers of the fleet: who is there, what each has in hand, and who is to take nothing new.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use crate::{
    admin::{Action, Operator, record_about},
    engine::Engine,
    error::Error,
    store::{self, workers::SeenWorker},
    tx::Tx,
};

/// Workers in the list. A fleet has tens; those that were silent for an hour are forgotten.
pub(crate) const LIST_MAX: i64 = 1000;

/// Jobs counted of one worker: no pool holds more.
const RUNNING_MAX: i64 = 10_000;

/// One pool of one process.
#[derive(Debug, Clone, Serialize)]
pub struct WorkerView {
    /// Its number, given when it came. A process that was thought dead and was not has a new one.
    pub id: i32,
    /// Its pool and its process.
    pub name: String,
    /// `default`, `voice`.
    pub pool: String,
    /// The version of its program.
    pub version: String,
    /// Where it can be reached from outside, if it can.
    pub address: Option<String>,
    /// When it came.
    pub started_at: DateTime<Utc>,
    /// When it last said that it is there.
    pub heartbeat_at: DateTime<Utc>,
    /// Whether its lease holds. If not, others take its jobs.
    pub live: bool,
    /// Whether it takes nothing new: it is stopping, or was asked to rest.
    pub draining: bool,
    /// Who wants it to take nothing new, and why.
    pub rest: Option<Rest>,
    /// Jobs that it has.
    pub running: u32,
    /// Queues that it serves.
    pub queues: Vec<String>,
}

/// A worker is to take nothing new.
#[derive(Debug, Clone, Serialize)]
pub struct Rest {
    /// As somebody said.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl Engine {
    /// All workers, by pool and number; those that are gone for less than an hour, too.
    pub async fn workers(&self) -> Result<Vec<WorkerView>, Error> {
        self.workers_by(None).await
    }

    /// One worker; `None` if there is none of this number (any more).
    pub async fn worker(&self, id: i32) -> Result<Option<WorkerView>, Error> {
        Ok(self.workers_by(Some(id)).await?.into_iter().next())
    }

    async fn workers_by(&self, id: Option<i32>) -> Result<Vec<WorkerView>, Error> {
        let list = async |conn: &mut crate::Connection| {
            store::workers::workers_list(conn, id, RUNNING_MAX, LIST_MAX).await
        };
        Ok(self.read(list).await?.into_iter().map(WorkerView::from).collect())
    }
}

impl Tx {
    /// Has a worker take no new jobs until [`Tx::resume_worker`]; what it has, it brings to its end. It notices with its
    /// next heartbeat, a quarter of its lease later at worst. Needs a reason.
    pub async fn drain_worker(&mut self, id: i32, operator: &Operator) -> Result<(), Error> {
        operator.check_reason()?;
        let reason = operator.reason().unwrap_or_default();
        self.rest(id, Some(reason), operator, Action::WorkerRested).await
    }

    /// Has a worker take jobs again.
    pub async fn resume_worker(&mut self, id: i32, operator: &Operator) -> Result<(), Error> {
        self.rest(id, None, operator, Action::WorkerResumed).await
    }

    async fn rest(
        &mut self,
        id: i32,
        reason: Option<&str>,
        operator: &Operator,
        action: Action,
    ) -> Result<(), Error> {
        operator.check()?;
        if !store::workers::worker_rest(self, id, reason).await? {
            return Err(Error::Absent { what: "live worker" });
        }
        record_about(self, operator, action, &format!("worker:{id}"), &json!({})).await
    }
}

impl From<SeenWorker> for WorkerView {
    fn from(row: SeenWorker) -> WorkerView {
        let rest = row.rest_asked_at.zip(row.rest_reason);
        WorkerView {
            id: row.worker_id,
            name: row.name,
            pool: row.pool,
            version: row.version,
            address: row.address,
            started_at: row.started_at,
            heartbeat_at: row.heartbeat_at,
            live: row.is_live,
            draining: row.draining,
            rest: rest.map(|(since, reason)| Rest { reason, since }),
            running: u32::try_from(row.running).unwrap_or(u32::MAX),
            queues: row.queues,
        }
    }
}
