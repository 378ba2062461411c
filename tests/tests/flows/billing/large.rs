//! A hundred thousand subscriptions of which one in a hundred has drifted. Measured with `TRUNKLINE_FULL=1`; otherwise a
//! fiftieth of it, for the law alone.

use std::{fs, time::Instant};

use daemon::config::Env;
use domain::billing::reconciliation::Report;
use workflows::reconcile_stripe::ReconcileStripe;

use super::shop::Shop;

/// Memory of this process, in MiB: what it has, and the most that it ever had.
fn memory_mib() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    (field("VmRSS:").unwrap_or_default() / 1024, field("VmHWM:").unwrap_or_default() / 1024)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drift_of_one_in_a_hundred_is_set_right_and_a_second_run_finds_none() {
    let count = if Env::of_process().is_set("TRUNKLINE_FULL") { 100_000 } else { 2_000 };
    let shop = Shop::subscribed(count).await;
    let drifted = u64::try_from(shop.stripe.drift_every(100, "price_pro")).unwrap();
    let _worker = shop.worker().await;
    let reset = fs::write("/proc/self/clear_refs", "5"); // the peak counts from here
    let before = memory_mib();
    for (run, wanted) in [(1, drifted), (2, 0)] {
        let (requests, begun) = (shop.stripe.requests_total(), Instant::now());
        let job = shop.done(&ReconcileStripe {}).await;
        let report: Report = serde_json::from_value(job.output.unwrap()).unwrap();
        assert_eq!((report.tally.mismatches, report.tally.fixed), (wanted, wanted), "{report:?}");
        assert_eq!(report.tally.checked, 2 * count);
        println!(
            "run {run}: {} checked, {} requests, {:.1} s, {wanted} fixed, memory {before:?} -> {:?} MiB (peak counted anew: {})",
            report.tally.checked,
            shop.stripe.requests_total() - requests,
            begun.elapsed().as_secs_f64(),
            memory_mib(),
            reset.is_ok(),
        );
    }
}
