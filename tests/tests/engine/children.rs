//! What parents are told of their children.

use engine::State;
use serde_json::{Value, json};

use crate::toy::{Act, Plan, Rig};

/// What a step, a child or a message may bring at the most.
const BYTES_MAX: usize = 256 * 1024;
const DEPTH_MAX: usize = 64;

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

#[tokio::test]
async fn whatever_a_child_or_a_signal_or_a_winner_may_bring_can_be_taken() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    // In an array, as the outputs of a script are, and in quotes.
    let long = Act::Letters(BYTES_MAX - 4);
    let deep = Act::Deep(DEPTH_MAX - 1);
    let mut acts = Vec::new();
    for act in [long, deep] {
        acts.push(Act::Quiet(Box::new(Act::Child(vec![act.clone()]))));
        acts.push(Act::Quiet(Box::new(Act::First(vec![vec![act]]))));
    }
    acts.push(Act::Quiet(Box::new(Act::wait("go"))));
    let id = rig.play(acts).await;
    let text = "x".repeat(BYTES_MAX - 2 * DEPTH_MAX - 2);
    let both = (0..DEPTH_MAX).fold(Value::from(text), |inner, _| json!([inner]));
    assert_eq!(both.to_string().len(), BYTES_MAX);
    // The name and the key as long as they may be, and each of their characters escaped.
    let (name, key) = ("go", "\"".repeat(1300));
    rig.signal(id, name, both, Some(&key)).await;
    assert_eq!(rig.succeeds(id).await, vec![Value::Null; 5]);
}

#[tokio::test]
async fn a_child_that_yields_more_than_may_be_kept_fails_itself() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::Child(vec![Act::Letters(BYTES_MAX - 3)])]).await;
    rig.becomes_because(id, State::Failed, "262145 bytes of JSON").await;
}
