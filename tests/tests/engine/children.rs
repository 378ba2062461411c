//! What parents are told of their children.

use engine::State;

use crate::toy::{Act, Plan, Rig};

#[tokio::test]
async fn a_childs_output_comes_back() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::Child(vec![Act::step("a")]), Act::Child(vec![Act::step("b")])]).await;
    assert_eq!(rig.succeeds(id).await, [serde_json::json!([1]), serde_json::json!([1])]);
    assert_eq!(rig.db.number("select from trunkline.jobs").await, 3);
}

#[tokio::test]
async fn a_childs_failure_fails_its_parent_which_takes_back_the_rest() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id =
        rig.play([Act::deed("x"), Act::Child(vec![Act::deed("y"), Act::body("permanent")])]).await;
    rig.becomes_because(id, State::Failed, "the body refused").await;
    assert_eq!(rig.world.story("undo:"), ["y", "x"]);
}

#[tokio::test]
async fn a_parent_whose_worker_dies_starts_no_second_child() {
    let rig = Rig::new().await;
    rig.world.plan("step:in the child", [Plan::Gate]);
    rig.world.plan("step:after", [Plan::Gate]);
    let first = rig.worker().await;
    let id = rig
        .play([
            Act::Spawn(vec![Act::step("in the child")]),
            Act::step("after"),
            Act::Child(vec![Act::step("c")]),
        ])
        .await;
    rig.world.reached("step:after", 1).await;
    rig.world.reached("step:in the child", 1).await;
    rig.bury(first).await;
    let _second = rig.worker().await;
    rig.succeeds(id).await;
    assert_eq!(rig.db.number("select from trunkline.jobs").await, 3);
    tests::wait_until("all end", async || {
        tests::holds(rig.db.number("select from trunkline.outcomes").await == 3)
    })
    .await;
}
