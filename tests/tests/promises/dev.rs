//! `trunkline dev` leaves nothing behind, however it ends.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use tests::fleet::{Dev, is_alive, within};

const PATIENCE: Duration = Duration::from_mins(1);

/// What jobs in hand are given when they are waited for.
const GRACE: Duration = Duration::from_secs(15);

#[tokio::test]
async fn kill_9_leaves_no_postgres_behind() {
    let mut dev = Dev::start(&[]).await;
    let postgres = dev.postgres();
    assert!(is_alive(postgres));
    dev.signal(Signal::KILL);
    dev.ended().await;
    within(PATIENCE, "its Postgres is gone", async || (!is_alive(postgres)).then_some(())).await;
}

#[tokio::test]
async fn ctrl_c_stops_everything_and_leaves_no_files() {
    let mut dev = Dev::start_with(&[], &[]).await;
    let postgres = dev.postgres();
    dev.enqueue("steps", json!({ "n": 5 })).await.expect("enqueued");
    dev.signal(Signal::INT);
    assert_eq!(dev.ended().await.code(), Some(0), "{}", dev.log());
    assert!(!is_alive(postgres));
    let left: Vec<_> =
        std::fs::read_dir(dev.home()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["dev.log"], "only what the test itself put there");
}

#[tokio::test]
async fn a_second_ctrl_c_does_not_wait_for_jobs() {
    let mut dev = Dev::start_with(&[], &[("TRUNKLINE_LOG", "info")]).await;
    let postgres = dev.postgres();
    dev.enqueue("sleep", json!({ "ms": 50_000 })).await.expect("enqueued");
    within(PATIENCE, "the job is running", async || {
        (dev.count("select from trunkline.leases").await > 0).then_some(())
    })
    .await;
    dev.signal(Signal::INT);
    within(PATIENCE, "it says that it drains", async || {
        dev.log().contains("draining").then_some(())
    })
    .await;
    let again = Instant::now();
    dev.signal(Signal::INT);
    let code = dev.ended().await.code();
    assert!(matches!(code, Some(0 | 2)), "{code:?}: {}", dev.log());
    assert!(again.elapsed() < GRACE, "it waited for {:?}", again.elapsed());
    println!("the second Ctrl-C took {:?}", again.elapsed());
    assert!(!is_alive(postgres));
}
