//! Stopping gracefully loses nothing, repeats nothing, and charges nobody.

use std::time::Duration;

use engine::State;
use tests::{holds, wait_until};

use crate::toy::{Act, Plan, Rig};

#[tokio::test]
async fn a_job_is_handed_back_at_its_next_boundary_uncharged() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let first = rig.worker().await;
    let id = rig.play([Act::step("a"), Act::step("b"), Act::body("attempt")]).await;
    rig.world.reached("step:a", 1).await;
    let leaving = first.drain(Duration::from_secs(20));
    let opening = async { rig.world.open("step:a") };
    tokio::join!(leaving, opening);
    assert_eq!(rig.job(id).await.summary.state, State::Ready);
    assert_eq!(rig.db.number("select from trunkline.workers").await, 0);
    let _second = rig.worker().await;
    assert_eq!(rig.succeeds(id).await, [1, 1, 1]);
    assert_eq!(rig.world.story("step:"), ["a", "b"]);
}

#[tokio::test]
async fn a_job_that_reaches_no_boundary_in_time_is_handed_back_all_the_same() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let first = rig.worker().await;
    let id = rig.play([Act::step("a"), Act::body("attempt")]).await;
    rig.world.reached("step:a", 1).await;
    first.drain(Duration::from_millis(200)).await;
    assert_eq!(rig.job(id).await.summary.state, State::Ready);
    let _second = rig.worker().await;
    assert_eq!(rig.succeeds(id).await, [2, 1]);
}

#[tokio::test]
async fn workers_come_and_go_and_every_job_is_done_once() {
    const JOBS: usize = 200;
    let rig = Rig::new().await;
    let mut ids = Vec::new();
    for _ in 0..JOBS {
        ids.push(rig.play([Act::step("a"), Act::Line("once".to_owned()), Act::step("b")]).await);
    }
    for done in [40, 80, 120] {
        let worker = rig.worker().await;
        wait_until("some are done", async || {
            holds(rig.db.number("select from trunkline.outcomes").await >= done)
        })
        .await;
        worker.drain(Duration::from_secs(20)).await;
        assert_eq!(rig.db.number("select from trunkline.leases").await, 0);
    }
    let _last = rig.worker().await;
    for id in ids {
        rig.becomes(id, State::Succeeded).await;
    }
    assert_eq!((rig.world.count("step:a"), rig.world.count("step:b")), (JOBS, JOBS));
    assert_eq!(rig.ledger().await.len(), JOBS);
}
