//! Branches of a run: keys never depend on which of them comes first, and what one waits for does not hold up another.

use std::time::Duration;

use engine::State;
use serde_json::json;
use tests::{holds, wait_until};

use crate::toy::{Act, Plan, Rig};

fn key_of_steps(job: &engine::JobDetail) -> Vec<String> {
    let mut keys: Vec<_> =
        job.steps.iter().filter(|step| step.kind == "step").map(|step| step.name.clone()).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn two_branches_with_steps_of_one_name_have_keys_that_do_not_depend_on_time() {
    let mut keys = Vec::new();
    for (slow, quick) in [("a", "b"), ("b", "a")] {
        let rig = Rig::new().await;
        rig.world.plan(&format!("step:{slow}"), [Plan::Gate]);
        let _worker = rig.worker().await;
        let branch = |name: &str| vec![Act::step(name), Act::step("same"), Act::step("same")];
        let id = rig.play([Act::All(vec![branch("a"), branch("b")]), Act::step("same")]).await;
        rig.world.reached("step:same", 2).await;
        assert_eq!(rig.world.count(&format!("step:{quick}")), 1);
        rig.world.open(&format!("step:{slow}"));
        rig.succeeds(id).await;
        keys.push(key_of_steps(&rig.job(id).await));
    }
    assert_eq!(keys[0], keys[1]);
    assert_eq!(
        keys[0],
        ["all#0/a", "all#0/same", "all#0/same#2", "all#1/b", "all#1/same", "all#1/same#2", "same"]
    );
}

#[tokio::test]
async fn a_branch_goes_on_while_another_waits_for_a_signal() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig
        .play([Act::All(vec![
            vec![Act::wait("go"), Act::step("woken")],
            vec![Act::step("a"), Act::deed("x"), Act::step("b")],
        ])])
        .await;
    rig.world.reached("step:b", 1).await;
    rig.becomes(id, State::Waiting).await;
    rig.signal(id, "go", json!(7), None).await;
    assert_eq!(rig.succeeds(id).await[0][0], json!([7, 1]));
    assert_eq!(rig.world.story("step:"), ["a", "b", "woken"]);
    assert_eq!(rig.world.deeds(), 1);
}

#[tokio::test]
async fn a_run_whose_branches_all_wait_comes_back_for_whichever_is_first() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let waits = |name: &str| vec![Act::wait(name), Act::step(name)];
    let mut branches: Vec<_> = (0..5).map(|number| waits(&format!("w{number}"))).collect();
    branches.push(vec![Act::Sleep(3600), Act::step("slept")]);
    let id = rig.play([Act::All(branches)]).await;
    rig.becomes(id, State::Waiting).await;
    for name in ["w3", "w0"] {
        rig.signal(id, name, json!(1), None).await;
        rig.world.reached(&format!("step:{name}"), 1).await;
    }
    rig.becomes(id, State::Waiting).await;
    rig.db.advance(Duration::from_hours(1)).await;
    rig.world.reached("step:slept", 1).await;
    for name in ["w1", "w2", "w4"] {
        rig.signal(id, name, json!(1), None).await;
    }
    rig.succeeds(id).await;
    assert_eq!(rig.world.story("step:").len(), 6);
}

#[tokio::test]
async fn branches_that_a_killed_worker_left_in_the_middle_go_on_where_each_of_them_was() {
    let rig = Rig::new().await;
    rig.world.plan("step:b", [Plan::Gate]);
    let first = rig.worker().await;
    let id = rig
        .play([Act::All(vec![
            vec![Act::step("a"), Act::Line("once".to_owned()), Act::wait("go")],
            vec![Act::deed("x"), Act::step("b"), Act::step("c")],
        ])])
        .await;
    rig.world.reached("step:b", 1).await;
    wait_until("the line is written", async || holds(rig.ledger().await.len() == 1)).await;
    rig.bury(first).await;
    let _second = rig.worker().await;
    rig.world.reached("step:c", 1).await;
    rig.signal(id, "go", json!(1), None).await;
    rig.succeeds(id).await;
    assert_eq!(rig.world.story("step:"), ["a", "b", "b", "c"]);
    assert_eq!((rig.world.deeds(), rig.world.count("do:x"), rig.ledger().await.len()), (1, 1, 1));
}

#[tokio::test]
async fn a_branch_that_fails_for_good_stops_the_others_for_ever_and_what_they_did_is_undone_with_the_run()
 {
    let rig = Rig::new().await;
    rig.world.plan("do:x", [Plan::Gate]);
    rig.world.plan("step:b", [Plan::Permanent]);
    let first = rig.worker().await;
    let all = Act::All(vec![
        vec![Act::deed("x"), Act::step("never")],
        vec![Act::step("a"), Act::step("b")],
        vec![Act::wait("never"), Act::step("never")],
    ]);
    let id = rig.play([Act::Caught(Box::new(all)), Act::wait("go"), Act::body("undo")]).await;
    rig.world.reached("do:x", 1).await;
    rig.world.reached("step:b", 1).await;
    // The deed that is under way comes to its end: its outcome is known.
    rig.world.open("do:x");
    rig.becomes(id, State::Waiting).await;
    assert_eq!(rig.world.deeds(), 1);
    rig.bury(first).await;
    let _second = rig.worker().await;
    rig.signal(id, "never", json!(1), None).await;
    rig.signal(id, "go", json!(1), None).await;
    rig.becomes_because(id, State::Failed, "thought better of it").await;
    assert_eq!(rig.world.story("step:"), ["a", "b"]);
    assert_eq!(
        (rig.world.deeds(), rig.world.count("undo:x"), rig.world.count("probe:x")),
        (0, 1, 0)
    );
}

#[tokio::test]
async fn a_branch_is_tried_again_without_the_others_being_done_twice() {
    let rig = Rig::new().await;
    rig.world.plan("step:b", [Plan::Retry]);
    let _worker = rig.worker().await;
    let id = rig
        .play([Act::All(vec![vec![Act::step("a"), Act::deed("x")], vec![Act::step("b")]])])
        .await;
    rig.skip_pause(id).await;
    assert_eq!(rig.succeeds(id).await[0][1], json!([2]));
    assert_eq!((rig.world.count("step:a"), rig.world.count("do:x")), (1, 1));
}

#[tokio::test]
async fn a_cancel_stops_all_branches_at_their_boundaries() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let _worker = rig.worker().await;
    let id = rig
        .play([Act::All(vec![
            vec![Act::deed("x"), Act::step("a"), Act::wait("never"), Act::step("never")],
            vec![Act::deed("y"), Act::wait("never")],
        ])])
        .await;
    rig.world.reached("step:a", 1).await;
    rig.world.reached("do:y", 1).await;
    rig.cancel(id).await;
    rig.world.open("step:a");
    rig.becomes(id, State::Cancelled).await;
    assert_eq!((rig.world.deeds(), rig.world.count("step:never")), (0, 0));
}

#[tokio::test]
async fn a_branch_is_tried_again_while_another_waits_for_days() {
    let rig = Rig::new().await;
    let pause = Duration::from_mins(1);
    rig.world.plan("step:a", [Plan::RetryAfter(pause)]);
    let _worker = rig.worker().await;
    let days = Act::Wait("go".to_owned(), Some(3 * 86_400));
    let id = rig.play([Act::All(vec![vec![Act::step("a")], vec![days]])]).await;
    assert!(rig.skip_pause(id).await <= pause);
    rig.world.reached("step:a", 2).await;
    rig.becomes(id, State::Waiting).await;
    rig.signal(id, "go", json!("at last"), None).await;
    assert_eq!(rig.succeeds(id).await, [json!([[2], ["at last"]])]);
}
