//! Many children: never more at once than asked for, results in the order of the items, and what a failing one means.

use engine::State;
use serde_json::json;
use tests::{WorkerOptions, holds, wait_until};

use crate::toy::{Act, Plan, Rig};

fn children(count: usize) -> Vec<Vec<Act>> {
    (0..count).map(|number| vec![Act::step(&format!("child {number}"))]).collect()
}

#[tokio::test]
async fn outputs_come_in_the_order_of_the_items_and_never_too_many_children_live_at_once() {
    let rig = Rig::new().await;
    for number in 0..7 {
        rig.world.plan(&format!("step:child {number}"), [Plan::Gate]);
    }
    let first = rig.worker().await;
    let id = rig.play([Act::FanOut { children: children(7), at_once: 3, each: false }]).await;
    let begun = "select from trunkline.jobs where parent_id is not null";
    let live = "select from trunkline.jobs j where parent_id is not null
                and not exists (select from trunkline.outcomes o where o.job_id = j.job_id)";
    rig.world.reached("step:child 2", 1).await;
    assert_eq!(rig.db.number(begun).await, 3);
    // The last of them is the first to end.
    for (order, number) in [2, 1, 3, 4, 0, 6, 5].into_iter().enumerate() {
        rig.world.reached(&format!("step:child {number}"), 1).await;
        rig.world.open(&format!("step:child {number}"));
        let ended = i64::try_from(order).unwrap() + 1;
        wait_until("the next is begun", async || {
            assert!(rig.db.number(live).await <= 3);
            holds(rig.db.number(begun).await == (3 + ended).min(7))
        })
        .await;
    }
    rig.succeeds(id).await;
    drop(first);
}

#[tokio::test]
async fn a_fan_out_whose_worker_dies_starts_no_child_twice_and_keeps_to_its_limit() {
    let rig = Rig::new().await;
    for number in 0..6 {
        rig.world.plan(&format!("step:child {number}"), vec![Plan::Gate; 2]);
    }
    let first = rig.worker().await;
    let id = rig.play([Act::FanOut { children: children(6), at_once: 2, each: false }]).await;
    rig.world.reached("step:child 0", 1).await;
    rig.world.reached("step:child 1", 1).await;
    rig.world.open("step:child 1");
    rig.world.reached("step:child 2", 1).await;
    rig.bury(first).await;
    let _second = rig.worker().await;
    // Waiting at gates of the dead worker, too.
    for number in 0..6 {
        for _ in 0..2 {
            rig.world.open(&format!("step:child {number}"));
        }
    }
    let output = rig.succeeds(id).await;
    assert_eq!(output[0].as_array().unwrap().len(), 6);
    assert_eq!(rig.db.number("select from trunkline.jobs").await, 7);
    assert_eq!(rig.db.number("select from trunkline.effects").await, 6);
}

#[tokio::test]
async fn when_one_of_all_fails_no_more_are_begun_and_the_rest_is_taken_back() {
    let rig = Rig::new().await;
    rig.world.plan("step:bad", [Plan::Gate, Plan::Permanent]);
    let _worker = rig.worker().await;
    let children = vec![
        vec![Act::deed("a")],
        vec![Act::deed("b"), Act::wait("never")],
        vec![Act::step("bad"), Act::step("bad")],
        vec![Act::step("never")],
    ];
    let fan_out = Act::FanOut { children, at_once: 2, each: false };
    let id = rig.play([Act::Caught(Box::new(fan_out)), Act::wait("go")]).await;
    rig.world.reached("step:bad", 1).await;
    rig.world.reached("do:b", 1).await;
    rig.world.open("step:bad");
    rig.becomes(id, State::Waiting).await;
    wait_until("the rest is taken back", async || holds(rig.world.deeds() == 0)).await;
    rig.signal(id, "go", json!(1), None).await;
    let output = rig.succeeds(id).await;
    assert!(output[0].as_str().unwrap().contains("step:bad is closed"), "{output:?}");
    assert_eq!((rig.world.count("undo:a"), rig.world.count("undo:b")), (1, 1));
    assert_eq!((rig.world.count("step:never"), rig.world.count("do:a")), (0, 1));
}

#[tokio::test]
async fn when_each_counts_for_itself_failures_are_results() {
    let rig = Rig::new().await;
    rig.world.plan("step:bad", [Plan::Permanent]);
    let _worker = rig.worker_with(WorkerOptions { slots: 3, ..WorkerOptions::default() }).await;
    let children = vec![vec![Act::step("good")], vec![Act::step("bad")], vec![Act::deed("x")]];
    let id = rig.play([Act::FanOut { children, at_once: 8, each: true }]).await;
    let output = rig.succeeds(id).await;
    assert_eq!(output[0][0], json!([1]));
    assert!(output[0][1].as_str().unwrap().starts_with("failed: step:bad is closed"), "{output:?}");
    assert_eq!(rig.world.deeds(), 1);
}

#[tokio::test]
async fn a_fan_out_of_nothing_is_nothing_and_one_of_too_much_is_refused() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let none = rig.play([Act::FanOut { children: children(0), at_once: 2, each: false }]).await;
    assert_eq!(rig.succeeds(none).await, [json!([])]);
    let many = vec![Vec::new(); 1001];
    let many = rig.play([Act::FanOut { children: many, at_once: 2, each: false }]).await;
    rig.becomes_because(many, State::Failed, "has 1001 branches; the most are 1000").await;
}
