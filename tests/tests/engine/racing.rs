//! A race has one winner for ever, and nothing is left of the others.

use std::time::Duration;

use engine::State;
use serde_json::json;

use crate::toy::{Act, Plan, Rig};

#[tokio::test]
async fn the_winner_is_stored_and_no_branch_runs_again() {
    let rig = Rig::new().await;
    rig.world.plan("step:slow", [Plan::Gate]);
    rig.world.plan("step:after", [Plan::Gate]);
    let first = rig.worker().await;
    let id = rig
        .play([
            Act::First(vec![vec![Act::step("slow")], vec![Act::step("quick")]]),
            Act::step("after"),
        ])
        .await;
    rig.world.reached("step:after", 1).await;
    rig.bury(first).await;
    let _second = rig.worker().await;
    assert_eq!(rig.succeeds(id).await[0], json!([1]));
    assert_eq!(rig.world.story("step:"), ["slow", "quick", "after", "after"]);
}

#[tokio::test]
async fn what_the_losers_did_is_undone_newest_first_before_the_race_returns() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig
        .play([
            Act::deed("before"),
            Act::First(vec![
                vec![
                    Act::deed("x"),
                    Act::entry("line"),
                    Act::Child(vec![Act::deed("of the child")]),
                    Act::deed("y"),
                    Act::wait("never"),
                ],
                vec![Act::wait("go"), Act::deed("of the winner")],
            ]),
            Act::step("after"),
        ])
        .await;
    rig.world.reached("do:y", 1).await;
    rig.becomes(id, State::Waiting).await;
    rig.signal(id, "go", json!(1), None).await;
    rig.succeeds(id).await;
    assert_eq!(rig.world.story("undo:"), ["y", "of the child", "x"]);
    assert_eq!(rig.ledger().await, [("line".to_owned(), 1)]);
    assert_eq!(rig.world.deeds(), 2);
    let child = rig.child_of(id).await;
    rig.becomes(child, State::Cancelled).await;
}

#[tokio::test]
async fn a_loser_is_taken_back_by_another_worker_when_the_first_dies_in_the_middle() {
    let rig = Rig::new().await;
    rig.world.plan("undo:x", [Plan::Gate]);
    let first = rig.worker().await;
    let id = rig
        .play([
            Act::First(vec![
                vec![Act::deed("x"), Act::deed("y"), Act::wait("never")],
                vec![Act::wait("go")],
            ]),
            Act::step("after"),
        ])
        .await;
    rig.becomes(id, State::Waiting).await;
    rig.signal(id, "go", json!(1), None).await;
    rig.world.reached("undo:x", 1).await;
    assert_eq!(rig.world.count("step:after"), 0);
    rig.bury(first).await;
    let _second = rig.worker().await;
    assert_eq!(rig.succeeds(id).await[0], json!([1]));
    assert_eq!(rig.world.story("undo:"), ["y", "x", "x"]);
    assert_eq!(
        (rig.world.deeds(), rig.world.count("do:x"), rig.world.count("step:after")),
        (0, 1, 1)
    );
}

#[tokio::test]
async fn a_losers_deed_that_is_under_way_comes_to_its_end_and_is_undone() {
    let rig = Rig::new().await;
    rig.world.plan("do:x", [Plan::Gate]);
    rig.world.plan("step:quick", [Plan::Gate]);
    let _worker = rig.worker().await;
    let id = rig
        .play([Act::First(vec![
            vec![Act::deed("x"), Act::step("never")],
            vec![Act::step("quick")],
        ])])
        .await;
    rig.world.reached("do:x", 1).await;
    rig.world.open("step:quick");
    tests::wait_until("the winner is stored", async || {
        let stored = "select from trunkline.checkpoints where form = 'race'";
        tests::holds(rig.db.number(stored).await == 1)
    })
    .await;
    rig.world.open("do:x");
    rig.succeeds(id).await;
    assert_eq!(
        (rig.world.deeds(), rig.world.count("undo:x"), rig.world.count("probe:x")),
        (0, 1, 0)
    );
    assert_eq!(rig.world.count("step:never"), 0);
}

#[tokio::test]
async fn a_loser_whose_undo_cannot_be_done_parks_the_run_until_a_person_says_so() {
    let rig = Rig::new().await;
    rig.world.plan("undo:x", [Plan::Permanent]);
    let _worker = rig.worker().await;
    let id = rig
        .play([
            Act::First(vec![vec![Act::deed("x"), Act::wait("never")], vec![Act::wait("go")]]),
            Act::step("after"),
        ])
        .await;
    rig.becomes(id, State::Waiting).await;
    rig.signal(id, "go", json!(1), None).await;
    rig.becomes_because(id, State::Parked, "undo of first#0/deed failed").await;
    assert_eq!((rig.world.deeds(), rig.world.count("step:after")), (1, 0));
    rig.retry(id).await;
    rig.succeeds(id).await;
    assert_eq!((rig.world.deeds(), rig.world.count("step:after")), (0, 1));
}

#[tokio::test]
async fn an_undo_of_a_loser_that_fails_is_tried_again() {
    let rig = Rig::new().await;
    rig.world.plan("undo:x", [Plan::Retry]);
    let _worker = rig.worker().await;
    let id = rig
        .play([Act::First(vec![vec![Act::deed("x"), Act::wait("never")], vec![Act::wait("go")]])])
        .await;
    rig.becomes(id, State::Waiting).await;
    rig.signal(id, "go", json!(1), None).await;
    rig.world.reached("undo:x", 1).await;
    rig.skip_pause(id).await;
    rig.succeeds(id).await;
    assert_eq!((rig.world.deeds(), rig.world.count("undo:x")), (0, 2));
}

#[tokio::test]
async fn a_branch_that_fails_is_out_and_another_can_still_win() {
    let rig = Rig::new().await;
    rig.world.plan("step:bad", [Plan::Permanent]);
    let _worker = rig.worker().await;
    let id = rig
        .play([Act::First(vec![vec![Act::deed("x"), Act::step("bad")], vec![Act::wait("go")]])])
        .await;
    rig.becomes(id, State::Waiting).await;
    rig.signal(id, "go", json!("won"), None).await;
    assert_eq!(rig.succeeds(id).await, [json!(["won"])]);
    assert_eq!((rig.world.count("step:bad"), rig.world.deeds()), (1, 0));
}

#[tokio::test]
async fn a_race_that_nobody_wins_fails_once_and_leaves_nothing() {
    let rig = Rig::new().await;
    rig.world.plan("step:bad", [Plan::Permanent, Plan::Permanent]);
    let _worker = rig.worker().await;
    let race = Act::First(vec![vec![Act::deed("x"), Act::step("bad")], vec![Act::step("bad")]]);
    let id = rig.play([Act::Caught(Box::new(race)), Act::wait("go")]).await;
    rig.becomes(id, State::Waiting).await;
    assert_eq!((rig.world.deeds(), rig.world.count("undo:x")), (0, 1));
    rig.signal(id, "go", json!(1), None).await;
    let output = rig.succeeds(id).await;
    assert!(output[0].as_str().unwrap().starts_with("nobody won first:"), "{output:?}");
    assert_eq!(rig.world.count("step:bad"), 2);
}

#[tokio::test]
async fn a_sleep_cuts_off_a_step_that_takes_too_long() {
    let rig = Rig::new().await;
    rig.world.plan("step:hangs", [Plan::Gate]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::First(vec![vec![Act::step("hangs")], vec![Act::Sleep(1)]])]).await;
    assert_eq!(rig.succeeds(id).await, [json!([null])]);
    assert_eq!(rig.world.count("step:hangs"), 1);
}

#[tokio::test]
async fn a_race_of_waits_is_won_by_the_clock_over_crashes() {
    let rig = Rig::new().await;
    let first = rig.worker().await;
    let id = rig.play([Act::First(vec![vec![Act::wait("never")], vec![Act::Sleep(600)]])]).await;
    rig.becomes(id, State::Waiting).await;
    rig.bury(first).await;
    let _second = rig.worker().await;
    rig.db.advance(Duration::from_mins(10)).await;
    assert_eq!(rig.succeeds(id).await, [json!([null])]);
}

#[tokio::test]
async fn a_race_inside_of_a_branch_of_a_race_loses_with_it() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let inner = Act::First(vec![vec![Act::deed("x")], vec![Act::wait("never")]]);
    let id =
        rig.play([Act::First(vec![vec![inner, Act::wait("never")], vec![Act::wait("go")]])]).await;
    rig.becomes(id, State::Waiting).await;
    assert_eq!(rig.world.deeds(), 1);
    rig.signal(id, "go", json!(1), None).await;
    rig.succeeds(id).await;
    assert_eq!((rig.world.deeds(), rig.world.count("undo:x")), (0, 1));
}

#[tokio::test]
async fn a_step_is_tried_again_before_the_sleep_that_it_races_with_is_over() {
    let rig = Rig::new().await;
    let pause = Duration::from_mins(1);
    rig.world.plan("step:a", [Plan::RetryAfter(pause)]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::First(vec![vec![Act::step("a")], vec![Act::Sleep(3600)]])]).await;
    assert!(rig.skip_pause(id).await <= pause);
    assert_eq!(rig.succeeds(id).await, [json!([2])]);
}
