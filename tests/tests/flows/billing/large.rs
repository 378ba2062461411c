//! A hundred thousand subscriptions of which one in a hundred has drifted. Measured with `TRUNKLINE_FULL=1`, in a worker's
//! own process; otherwise a fiftieth of it, for the law alone.

use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use daemon::config::Env;
use domain::billing::reconciliation::Report;
use engine::{State, Workflow};
use tests::{TestWorker, within};
use tokio::process::{Child, Command};
use workflows::{Trunkline, reconcile_stripe::ReconcileStripe};

use super::shop::Shop;

/// A hundred thousand take some minutes.
const LONG: Duration = Duration::from_hours(1);

/// Who compares.
enum Comparer {
    Here(#[expect(dead_code, reason = "it works until it is dropped")] TestWorker<Trunkline>),
    Process(Child),
}

impl Comparer {
    /// A worker as it is deployed.
    fn process(shop: &Shop) -> Comparer {
        let worker = Command::new(tests::fleet::binary())
            .arg("worker")
            .env_clear()
            .envs(shop.variables.iter().map(|(name, value)| (*name, value.as_str())))
            .env("TRUNKLINE_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        Comparer::Process(worker.unwrap())
    }

    /// Its memory in MiB: what it has, and the most that it ever had.
    fn memory_mib(&self) -> (u64, u64) {
        let id = match self {
            Comparer::Here(_) => "self".to_owned(),
            Comparer::Process(child) => child.id().unwrap().to_string(),
        };
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        (field("VmRSS:").unwrap_or_default() / 1024, field("VmHWM:").unwrap_or_default() / 1024)
    }
}

async fn reconciled(shop: &Shop) -> Report {
    let id = shop.engine.enqueue(ReconcileStripe {}.job()).await.unwrap().id();
    let job = within(LONG, async || {
        let job = shop.engine.job(id).await.ok()??;
        job.summary.state.is_final().then_some(job)
    });
    let job = job.await.unwrap();
    assert_eq!(job.summary.state, State::Succeeded, "{:?}", job.summary.error);
    serde_json::from_value(job.output.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drift_of_one_in_a_hundred_is_set_right_and_a_second_run_finds_none() {
    let is_full = Env::of_process().is_set("TRUNKLINE_FULL");
    let count = if is_full { 100_000 } else { 2_000 };
    let shop = Shop::subscribed(count).await;
    let drifted = u64::try_from(shop.stripe.drift_every(100, "price_pro")).unwrap();
    let worker =
        if is_full { Comparer::process(&shop) } else { Comparer::Here(shop.worker().await) };
    for (run, wanted) in [(1, drifted), (2, 0)] {
        let (requests, begun) = (shop.stripe.requests_total(), Instant::now());
        let (before, report) = (worker.memory_mib(), reconciled(&shop).await);
        assert_eq!((report.tally.mismatches, report.tally.fixed), (wanted, wanted), "{report:?}");
        assert_eq!(report.tally.checked, 2 * count);
        println!(
            "run {run}: {} checked, {} requests, {:.1} s, {wanted} fixed, memory {before:?} -> {:?} MiB",
            report.tally.checked,
            shop.stripe.requests_total() - requests,
            begun.elapsed().as_secs_f64(),
            worker.memory_mib(),
        );
    }
    if is_full {
        shop.db.may_leave_jobs();
    }
}
