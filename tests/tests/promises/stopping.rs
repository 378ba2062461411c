//! SIGTERM under load: nothing is lost, nothing is done twice, and what is handed back goes on at once.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use tests::{
    fleet::{Dev, Experiment, Recovery, within},
    seed::{is_full, seed},
};

use crate::{
    ledger::Ledger,
    recovery::{Watch, in_hand},
};

const PATIENCE: Duration = Duration::from_mins(2);
const JOBS: usize = 300;

/// Jobs of the kinds for trying that are not over.
const TRYING: &str = "
    select t.job_id from (select job_id, kind_id from trunkline.ready union all select job_id, kind_id from trunkline.leases
                          union all select job_id, kind_id from trunkline.waits) t
    join trunkline.kinds k using (kind_id) where k.name in ('ledger', 'steps')";

#[tokio::test]
async fn a_worker_that_is_told_to_stop_loses_and_repeats_nothing() {
    let stops = if is_full() { 30 } else { 6 };
    let dev = Dev::start(&[]).await;
    let ledger = Ledger::of(&dev);
    let watch = Watch::default();
    let mut faults = 0;
    let mut longest = Duration::ZERO;
    let load = async {
        for number in 0..JOBS {
            dev.enqueue("ledger", json!({ "key": format!("job-{number}") }))
                .await
                .expect("enqueued");
            dev.enqueue("steps", json!({ "n": 100 })).await.expect("enqueued");
        }
    };
    let stopping = async {
        let mut worker = dev.worker(8, &[ledger.variable()]).await;
        for _ in 0..stops {
            let next = dev.worker(8, &[ledger.variable()]).await;
            within(PATIENCE, "it has work in hand", async || {
                (!in_hand(&dev, worker.pid()).await.is_empty() || dev.count(TRYING).await == 0)
                    .then_some(())
            })
            .await;
            let held = in_hand(&dev, worker.pid()).await;
            faults += held.len();
            let began = Instant::now();
            worker.signal(Signal::TERM);
            watch.died(held);
            assert!(worker.ended().await.success());
            longest = longest.max(began.elapsed());
            worker = next;
        }
        worker
    };
    let both = futures::future::join(load, stopping);
    let ((), last) = tokio::select! { both = both => both, () = watch.look(&dev) => unreachable!("it looks for ever") };
    let done = within(PATIENCE, "everything is done", async || {
        (dev.count(TRYING).await == 0 && watch.orphans() == 0).then_some(())
    });
    tokio::select! { () = done => {}, () = watch.look(&dev) => {} }
    let rescued = dev.count("select from trunkline.failures where class = 'lost_worker'").await;
    let failed = dev.count("select from trunkline.outcomes where state <> 'succeeded'").await;
    let recovery = Recovery::of(&watch.times());
    println!(
        "{stops} stops with {faults} jobs in hand, the longest took {longest:?}; {rescued} jobs had to be rescued; handed-back \
         jobs went on after {recovery:?} ms; {} of {JOBS} effects, {} of them twice",
        ledger.lines().len(),
        ledger.doubled(),
    );
    let missing = JOBS - ledger.lines().len();
    Experiment {
        promise: 7,
        experiment: "SIGTERM of workers under load".to_owned(),
        faults: u64::try_from(stops).unwrap(),
        checked: u64::try_from(2 * JOBS).unwrap(),
        violations: u64::try_from(missing + ledger.doubled()).unwrap()
            + (rescued + failed).unsigned_abs(),
        recovery_ms: recovery,
        seed: seed(),
    }
    .record();
    assert_eq!((missing, ledger.doubled(), rescued, failed), (0, 0, 0, 0));
    drop(last);
    dev.stop().await;
}
