//! After its pivot a run is repaired forward: nothing is undone, a failure is for a person, a cancel comes too late.

use engine::{Cause, State};
use serde_json::json;
use tests::{holds, wait_until};

use crate::toy::{Act, Plan, Rig};

#[tokio::test]
async fn a_failure_for_good_after_the_pivot_parks_the_run_which_is_then_resumed_forward() {
    let rig = Rig::new().await;
    rig.world.plan("step:b", [Plan::Permanent]);
    let _worker = rig.worker().await;
    let id = rig
        .play([Act::deed("x"), Act::pivot("paid"), Act::deed("y"), Act::step("b"), Act::step("c")])
        .await;
    rig.becomes_because(id, State::Parked, "pivot: step:b is closed").await;
    let cause = "select from trunkline.waits where cause = 'pivot'";
    assert_eq!((rig.db.number(cause).await, Cause::Pivot.as_str()), (1, "pivot"));
    assert_eq!((rig.world.deeds(), rig.world.story("undo:").len()), (2, 0));
    rig.retry(id).await;
    rig.succeeds(id).await;
    assert_eq!((rig.world.deeds(), rig.world.count("do:x"), rig.world.count("do:y")), (2, 1, 1));
    assert_eq!(rig.world.story("step:"), ["b", "b", "c"]);
}

#[tokio::test]
async fn before_the_pivot_a_run_is_undone_as_ever() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x"), Act::body("undo"), Act::pivot("paid")]).await;
    rig.becomes(id, State::Failed).await;
    assert_eq!(rig.world.deeds(), 0);
}

#[tokio::test]
async fn a_cancel_after_the_pivot_is_refused_and_noted_and_the_run_goes_on() {
    let rig = Rig::new().await;
    let first = rig.worker().await;
    let id = rig.play([Act::deed("x"), Act::pivot("paid"), Act::wait("go"), Act::step("b")]).await;
    rig.becomes(id, State::Waiting).await;
    rig.cancel(id).await;
    let refused = "select from trunkline.failures where class = 'cancelled' and error like '%past its pivot paid%'";
    wait_until("the refusal", async || holds(rig.db.number(refused).await == 1)).await;
    rig.becomes(id, State::Waiting).await;
    rig.bury(first).await;
    let _second = rig.worker().await;
    rig.signal(id, "go", json!(1), None).await;
    rig.succeeds(id).await;
    assert_eq!((rig.world.deeds(), rig.db.number("select from trunkline.cancels").await), (1, 0));
}

#[tokio::test]
async fn a_cancel_that_reaches_a_running_job_after_its_pivot_is_refused_too() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let worker = rig
        .worker_with(tests::WorkerOptions {
            lease: std::time::Duration::from_secs(2),
            ..Default::default()
        })
        .await;
    let id = rig
        .play([Act::deed("x"), Act::pivot("paid"), Act::step("a"), Act::step("b"), Act::step("c")])
        .await;
    rig.world.reached("step:a", 1).await;
    rig.cancel(id).await;
    let beats = "select heartbeat_at from trunkline.workers";
    let asked = rig.db.now().await;
    wait_until("a heartbeat", async || {
        let beat: chrono::DateTime<chrono::Utc> =
            sqlx::query_scalar(beats).fetch_one(rig.db.owner()).await.ok()?;
        holds(beat > asked)
    })
    .await;
    rig.world.open("step:a");
    rig.succeeds(id).await;
    assert_eq!(rig.world.deeds(), 1);
    drop(worker);
}

#[tokio::test]
async fn a_parent_that_wants_a_child_back_which_is_past_its_pivot_parks() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let child = vec![Act::deed("of the child"), Act::pivot("paid")];
    let id = rig.play([Act::Child(child), Act::deed("x"), Act::body("undo")]).await;
    rig.becomes_because(id, State::Parked, "is past its pivot").await;
    assert_eq!(rig.world.story("undo:"), ["x"]);
    let child = rig.child_of(id).await;
    rig.becomes(child, State::Succeeded).await;
    rig.db.may_leave_jobs();
}

#[tokio::test]
async fn a_branch_that_may_lose_has_no_pivot() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::First(vec![vec![Act::pivot("paid")]])]).await;
    rig.becomes_because(id, State::Failed, "has no pivot").await;
}
