//! Who has a job, and taking it away from them: for what cannot wait until a lease has run out.

use engine::State;
use serde_json::json;
use tests::{WorkerOptions, holds, wait_until};

use crate::toy::{Act, Plan, Rig, stale_writes};

#[tokio::test]
async fn a_recalled_job_is_claimed_anew_at_once_and_what_its_old_worker_says_does_not_count() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let one = || WorkerOptions { slots: 1, ..WorkerOptions::default() };
    let first = rig.worker_with(one()).await;
    let id = rig.play([Act::step("a"), Act::entry("once")]).await;
    rig.world.reached("step:a", 1).await;
    let _second = rig.worker_with(one()).await;

    let mut tx = rig.engine.begin().await.unwrap();
    let claimant = tx.claimant_of(id).await.unwrap().unwrap();
    assert_eq!((claimant.epoch, claimant.is_leaving), (1, false));
    assert!(!tx.recall(id, 2).await.unwrap(), "that claim is none");
    assert!(tx.recall(id, 1).await.unwrap());
    tx.commit().await.unwrap();

    assert_eq!(rig.succeeds(id).await[0], 2);
    assert_eq!(rig.epoch(id).await, 2);
    let job = rig.job(id).await;
    assert_eq!(job.summary.attempt, 0, "nothing is charged");
    wait_until("the first one lets go", async || holds(first.in_hand() == 0)).await;
    rig.world.open("step:a");
    assert_eq!(rig.ledger().await, [("once".to_owned(), 0)]);
}

#[tokio::test]
async fn a_repeated_recall_does_not_take_the_job_from_its_next_claimant() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate, Plan::Gate]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a")]).await;
    rig.world.reached("step:a", 1).await;
    let recall = async || {
        let mut tx = rig.engine.begin().await.unwrap();
        let recalled = tx.recall(id, 1).await.unwrap();
        tx.commit().await.unwrap();
        recalled
    };
    assert!(recall().await);
    // The same worker has it again: its first attempt is lost, its second is not.
    rig.world.reached("step:a", 2).await;
    assert!(!recall().await);
    let before = stale_writes();
    rig.world.open("step:a");
    rig.succeeds(id).await;
    assert_eq!(rig.epoch(id).await, 2);
    assert!(stale_writes() >= before);
    let mut tx = rig.engine.begin().await.unwrap();
    assert_eq!(tx.claimant_of(id).await.unwrap(), None, "nobody has what is over");
    assert!(!tx.recall(id, 2).await.unwrap());
}

#[tokio::test]
async fn a_wait_beside_a_branch_at_work_ends_when_its_signal_comes() {
    let rig = Rig::new().await;
    rig.world.plan("step:long", [Plan::Gate]);
    let _worker = rig.worker().await;
    let id = rig
        .play([Act::All(vec![
            vec![Act::wait("go"), Act::wait("on"), Act::step("woken")],
            vec![Act::step("long")],
        ])])
        .await;
    rig.world.reached("step:long", 1).await;
    rig.signal(id, "go", json!(7), None).await;
    rig.signal(id, "on", json!(8), None).await;
    rig.world.reached("step:woken", 1).await;
    rig.becomes(id, State::Running).await;
    rig.world.open("step:long");
    assert_eq!(rig.succeeds(id).await[0][0], json!([7, 8, 1]));
    assert_eq!(rig.epoch(id).await, 1, "it has never left its worker");
}
