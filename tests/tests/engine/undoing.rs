//! A failed run takes back what it did, newest first, over crashes, or parks and says so.

use engine::State;

use crate::toy::{Act, Plan, Rig};

fn saga() -> Vec<Act> {
    vec![
        Act::deed("x"),
        Act::entry("line"),
        Act::Child(vec![Act::deed("of the child")]),
        Act::deed("y"),
        Act::body("undo"),
    ]
}

#[tokio::test]
async fn everything_is_taken_back_newest_first_the_child_too() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play(saga()).await;
    let job = rig.becomes_because(id, State::Failed, "the body thought better of it").await;
    assert_eq!(rig.world.story("undo:"), ["y", "of the child", "x"]);
    assert_eq!(rig.world.deeds(), 0);
    assert_eq!(rig.ledger().await, [("line".to_owned(), 1)]);
    assert!(
        job.effects.iter().all(|deed| deed.state == "undone" && deed.undone_at.is_some()),
        "{:?}",
        job.effects
    );
    let child = rig.child_of(id).await;
    rig.becomes(child, State::Cancelled).await;
}

#[tokio::test]
async fn an_undo_that_fails_is_tried_again_before_older_deeds_are_touched() {
    let rig = Rig::new().await;
    rig.world.plan("undo:y", [Plan::Retry, Plan::Lost]);
    let _worker = rig.worker().await;
    let id = rig.play(saga()).await;
    for times in 1..=2 {
        rig.world.reached("undo:y", times).await;
        rig.skip_pause(id).await;
    }
    rig.becomes(id, State::Failed).await;
    assert_eq!(rig.world.story("undo:"), ["y", "y", "y", "of the child", "x"]);
    assert_eq!(rig.world.deeds(), 0);
}

#[tokio::test]
async fn an_undo_that_cannot_be_done_parks_the_run_and_a_person_resumes_it() {
    let rig = Rig::new().await;
    rig.world.plan("undo:x", [Plan::Permanent]);
    let _worker = rig.worker().await;
    let id = rig.play(saga()).await;
    let job = rig.becomes_because(id, State::Parked, "undo of deed failed").await;
    assert!(job.summary.compensating);
    assert_eq!(rig.world.story("undo:"), ["y", "of the child", "x"]);
    rig.retry(id).await;
    rig.becomes(id, State::Failed).await;
    assert_eq!(rig.world.deeds(), 0);
    assert_eq!(rig.ledger().await, [("line".to_owned(), 1)]);
}

#[tokio::test]
async fn an_undo_is_patient_for_twelve_tries() {
    let rig = Rig::new().await;
    rig.world.plan("undo:x", vec![Plan::Retry; 12]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x"), Act::body("undo")]).await;
    for tries in 1..12 {
        rig.world.reached("undo:x", tries).await;
        rig.skip_pause(id).await;
        rig.world.reached("undo:x", tries + 1).await;
    }
    rig.becomes_because(id, State::Parked, "undo of deed failed").await;
    rig.retry(id).await;
    rig.becomes(id, State::Failed).await;
}

#[tokio::test]
async fn a_worker_that_dies_while_undoing_is_followed_by_one_that_goes_on() {
    let rig = Rig::new().await;
    rig.world.plan("undo:x", [Plan::Gate]);
    let first = rig.worker().await;
    let id = rig
        .play([Act::deed("x"), Act::entry("line"), Act::deed("y"), Act::body("permanent")])
        .await;
    rig.world.reached("undo:x", 1).await;
    rig.bury(first).await;
    let _second = rig.worker().await;
    rig.becomes_because(id, State::Failed, "the body refused").await;
    // Every undo may run twice; those that were recorded do not.
    assert_eq!(rig.world.story("undo:"), ["y", "x", "x"]);
    assert_eq!(rig.ledger().await, [("line".to_owned(), 1)]);
}

#[tokio::test]
async fn an_open_outcome_is_looked_up_before_it_is_taken_back() {
    let rig = Rig::new().await;
    rig.world.plan("do:x", [Plan::Lost]);
    rig.world.plan("do:y", [Plan::LostBefore]);
    let _worker = rig.worker().await;
    for (name, undone) in [("x", 1), ("y", 0)] {
        let id = rig.play([Act::deed(name)]).await;
        rig.becomes(id, State::Scheduled).await;
        rig.cancel(id).await;
        rig.becomes(id, State::Cancelled).await;
        assert_eq!(rig.world.count(&format!("probe:{name}")), 1);
        assert_eq!(rig.world.count(&format!("undo:{name}")), undone);
    }
    assert_eq!(rig.world.deeds(), 0);
}

#[tokio::test]
async fn a_refusal_says_nothing_of_the_attempt_before_whose_reply_was_lost() {
    let rig = Rig::new().await;
    rig.world.plan("do:x", [Plan::Lost, Plan::Permanent]);
    rig.world.plan("do:y", [Plan::LostBefore, Plan::Permanent]);
    let _worker = rig.worker().await;
    for (name, undone) in [("x", 1), ("y", 0)] {
        let id = rig.play([Act::Keyed(name.to_owned())]).await;
        rig.world.reached(&format!("do:{name}"), 1).await;
        rig.skip_pause(id).await;
        rig.becomes(id, State::Failed).await;
        assert_eq!(
            rig.world.count(&format!("do:{name}")),
            2,
            "its key is honoured: it is repeated"
        );
        assert_eq!(rig.world.count(&format!("probe:{name}")), 1, "the undo asks");
        assert_eq!(rig.world.count(&format!("undo:{name}")), undone);
    }
    assert_eq!(rig.world.deeds(), 0);
}

#[tokio::test]
async fn a_parent_that_waits_for_the_undo_of_a_child_does_not_spin() {
    let rig = Rig::new().await;
    rig.world.plan("undo:of the child", [Plan::Permanent]);
    let _worker = rig.worker().await;
    let id = rig
        .play([Act::Spawn(vec![Act::deed("of the child")]), Act::wait("go"), Act::body("undo")])
        .await;
    let child = rig.child_of(id).await;
    rig.becomes(child, State::Succeeded).await;
    rig.becomes(id, State::Waiting).await;
    rig.signal(id, "go", 1.into(), None).await;
    tests::wait_until("the child is parked", async || {
        (rig.job(child).await.summary.state == State::Parked).then_some(())
    })
    .await;
    // Time enough for a spinning parent to be claimed dozens of times.
    for _ in 0..20 {
        let other = rig.play([Act::step("a")]).await;
        rig.succeeds(other).await;
    }
    assert!(rig.epoch(id).await <= 4, "claimed {} times", rig.epoch(id).await);
    rig.retry(child).await;
    rig.becomes(id, State::Failed).await;
    assert_eq!(rig.world.deeds(), 0);
}
