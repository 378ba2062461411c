//! `trunkline dev` leaves nothing behind, however it ends.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};
use tests::fleet::{Dev, binary, is_alive, within};
use tokio::process::Command;

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

/// What `trunkline seed` prints.
async fn seed(dev: &Dev) -> Value {
    let mut command = Command::new(binary());
    command.args(["seed", "--json", "--url", dev.ready()["api"].as_str().unwrap()]);
    command.env("TRUNKLINE_API_KEY", dev.ready()["admin_api_key"].as_str().unwrap());
    let output = command.kill_on_drop(true).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}: {}", dev.log());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn three_tenants_to_show_are_there_on_one_command_with_something_to_decide_about() {
    let dev = Dev::start_with(&["--no-voice"], &[("TRUNKLINE_DEMO_NUMBERS", "5")]).await;
    let of = |answer: &Value, name: &str| -> Vec<Value> {
        answer["tenants"].as_array().unwrap().iter().map(|tenant| tenant[name].clone()).collect()
    };
    assert!(of(&seed(&dev).await, "state").iter().all(|state| state == "succeeded"));
    within(PATIENCE, "something has gone wrong", async || {
        let dead = "select from trunkline.outcomes where state = 'failed' and undone";
        let parked =
            "select from trunkline.waits where state = 'parked' and cause = 'unknown_outcome'";
        (dev.count(dead).await == 1 && dev.count(parked).await == 1).then_some(())
    })
    .await;
    let jobs = dev.count("select from trunkline.jobs where tenant_id is not null").await;
    assert!(of(&seed(&dev).await, "is_new").iter().all(|is_new| is_new == false));
    let after = dev.count("select from trunkline.jobs where tenant_id is not null").await;
    assert_eq!(jobs, after, "twice is once");
    let told = "select from product.messages where provider_sid is not null";
    assert!(dev.texts().await.is_empty() && dev.count(told).await > 0, "no provider heard of it");
    dev.stop().await;
}
