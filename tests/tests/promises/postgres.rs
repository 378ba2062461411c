//! Postgres crashes, and sessions end, while jobs are enqueued and done: what was acknowledged is there in the end.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tests::{
    fleet::{Dev, Experiment, pause, within},
    seed::{is_full, seed},
};
use uuid::Uuid;

use crate::ledger::Ledger;

const PATIENCE: Duration = Duration::from_mins(2);
const JOBS: usize = 400;
const AT_ONCE: usize = 8;

/// Between two faults: enough to get going again.
const RHYTHM: Duration = Duration::from_millis(1500);

#[derive(Clone, Copy)]
enum Fault {
    /// One of its processes is killed: Postgres ends all others at once and recovers from its log, as after a power cut.
    Crash,
    /// Every session of the application is ended, as in a failover.
    SessionsEnd,
}

impl Fault {
    async fn deliver(self, dev: &Dev) -> bool {
        match self {
            Fault::Crash => {
                let backend: Result<i32, _> =
                    sqlx::query_scalar("select pg_backend_pid()").fetch_one(dev.rows()).await;
                let Some(pid) = backend.ok().and_then(Pid::from_raw) else { return false };
                kill_process(pid, Signal::KILL).is_ok()
            }
            Fault::SessionsEnd => {
                let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                           where usename = current_user and pid <> pg_backend_pid()";
                let ended: Result<i64, _> = sqlx::query_scalar(end).fetch_one(dev.rows()).await;
                ended.is_ok_and(|count| count > 0)
            }
        }
    }
}

async fn acknowledged_jobs_survive(fault: Fault, experiment: &str) {
    let faults_max = if is_full() { 40 } else { 8 };
    let dev = Dev::start(&[]).await;
    let ledger = Ledger::of(&dev);
    let worker = dev.worker(8, &[ledger.variable()]).await;
    let acknowledged: Mutex<HashSet<Uuid>> = Mutex::default();
    let refused = Mutex::new(0_u64);
    let load =
        stream::iter(0..JOBS * faults_max / 8).for_each_concurrent(AT_ONCE, async |number| {
            match dev.enqueue("ledger", json!({ "key": format!("job-{number}") })).await {
                Some(id) => drop(acknowledged.lock().insert(id)),
                None => *refused.lock() += 1,
            }
            pause(Duration::from_millis(150)).await;
        });
    let mut faults = 0;
    let storm = async {
        for _ in 0..faults_max {
            pause(RHYTHM).await;
            faults += u64::from(fault.deliver(&dev).await);
        }
    };
    let began = Instant::now();
    futures::future::join(load, storm).await;
    let acknowledged = acknowledged.into_inner();
    let ids: Vec<_> = acknowledged.iter().copied().collect();
    let done =
        "select count(*) from trunkline.outcomes where job_id = any ($1) and state = 'succeeded'";
    let there = "select count(*) from trunkline.jobs where job_id = any ($1)";
    let count = async |statement: &'static str| -> Option<usize> {
        let count: i64 =
            sqlx::query_scalar(statement).bind(&ids).fetch_one(dev.rows()).await.ok()?;
        usize::try_from(count).ok()
    };
    let kept = within(PATIENCE, "an answer", async || count(there).await).await;
    within(PATIENCE, "all that are kept are done", async || {
        (count(done).await? == kept).then_some(())
    })
    .await;
    let lost = ids.len() - kept;
    let lines = ledger.lines();
    tests::seed::say(&format!(
        "{experiment}: {faults} faults in {:?}, {} acknowledged, {} refused, {lost} lost, {} effects, {} of them twice",
        began.elapsed(),
        ids.len(),
        refused.into_inner(),
        lines.len(),
        ledger.doubled(),
    ));
    let entry = |promise, violations: usize| Experiment {
        promise,
        experiment: experiment.to_owned(),
        faults,
        checked: u64::try_from(ids.len()).unwrap(),
        violations: u64::try_from(violations).unwrap(),
        recovery_ms: None,
        seed: seed(),
    };
    entry(1, lost).record();
    entry(2, ledger.doubled()).record();
    assert!(faults > 0 && !ids.is_empty());
    assert_eq!((lost, ledger.doubled()), (0, 0));
    drop(worker);
    dev.stop().await;
}

#[tokio::test]
async fn acknowledged_jobs_survive_crashes_of_postgres() {
    acknowledged_jobs_survive(Fault::Crash, "crashes of Postgres while jobs are enqueued and done")
        .await;
}

#[tokio::test]
async fn acknowledged_jobs_survive_the_end_of_every_session() {
    acknowledged_jobs_survive(
        Fault::SessionsEnd,
        "every session ended while jobs are enqueued and done",
    )
    .await;
}
