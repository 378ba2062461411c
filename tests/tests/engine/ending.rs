//! Cancelled gracefully, terminated, and what a cancel must not hold up.

use std::time::Duration;

use engine::{CancelMode, Error, Operator, Refusal, State};
use tests::{holds, wait_until};

use crate::toy::{Act, Plan, Rig, operator};

/// What each deed of a job's ledger came to.
async fn deeds(rig: &Rig, id: engine::JobId) -> Vec<String> {
    rig.job(id).await.effects.into_iter().map(|deed| deed.state).collect()
}

#[tokio::test]
async fn a_run_that_stops_gracefully_keeps_what_it_did_and_can_go_on_from_there() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x"), Act::step("a"), Act::wait("go"), Act::step("b")]).await;
    rig.world.reached("step:a", 1).await;
    rig.cancel_as(id, CancelMode::Graceful).await;
    rig.world.open("step:a");
    rig.becomes(id, State::Cancelled).await;
    assert_eq!(
        (rig.world.deeds(), rig.world.count("undo:x"), rig.world.count("step:b")),
        (1, 0, 0)
    );
    assert_eq!(deeds(&rig, id).await, ["done"]);
    rig.retry(id).await;
    rig.becomes(id, State::Waiting).await;
    rig.signal(id, "go", 1.into(), None).await;
    rig.succeeds(id).await;
    assert_eq!(rig.world.story("step:"), ["a", "b"], "nothing is done twice");
    assert_eq!(rig.world.deeds(), 1);
}

#[tokio::test]
async fn a_waiting_run_and_its_children_stop_gracefully() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x"), Act::Child(vec![Act::deed("y"), Act::wait("never")])]).await;
    let child = rig.child_of(id).await;
    rig.becomes(child, State::Waiting).await;
    rig.becomes(id, State::Waiting).await;
    rig.cancel_as(id, CancelMode::Graceful).await;
    rig.becomes(id, State::Cancelled).await;
    rig.becomes(child, State::Cancelled).await;
    assert_eq!((rig.world.deeds(), rig.world.story("undo:").len()), (2, 0));
}

#[tokio::test]
async fn a_parent_takes_back_what_a_gracefully_stopped_child_has_kept() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig
        .play([
            Act::Spawn(vec![Act::deed("y"), Act::wait("never")]),
            Act::wait("go"),
            Act::body("undo"),
        ])
        .await;
    let child = rig.child_of(id).await;
    rig.becomes(child, State::Waiting).await;
    rig.cancel_as(child, CancelMode::Graceful).await;
    rig.becomes(child, State::Cancelled).await;
    assert_eq!(rig.world.deeds(), 1);
    rig.becomes(id, State::Waiting).await;
    rig.signal(id, "go", 1.into(), None).await;
    rig.becomes(id, State::Failed).await;
    assert_eq!((rig.world.deeds(), deeds(&rig, child).await), (0, vec!["undone".to_owned()]));
}

#[tokio::test]
async fn a_terminated_run_ends_at_once_and_its_worker_is_fenced() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let worker = rig.worker().await;
    let id = rig
        .play([
            Act::deed("x"),
            Act::Spawn(vec![Act::wait("never")]),
            Act::step("a"),
            Act::step("b"),
        ])
        .await;
    let child = rig.child_of(id).await;
    rig.becomes(child, State::Waiting).await;
    rig.world.reached("step:a", 1).await;
    rig.cancel_as(id, CancelMode::Terminate).await;
    // The gate is still closed.
    rig.becomes(id, State::Cancelled).await;
    rig.becomes(child, State::Cancelled).await;
    wait_until("the worker hears of it", async || holds(worker.in_hand() == 0)).await;
    rig.world.open("step:a");
    assert_eq!(deeds(&rig, id).await, ["done", "done"], "evidence");
    assert_eq!((rig.world.deeds(), rig.world.count("step:b")), (1, 0));
    let other = rig.play([Act::step("c")]).await;
    rig.succeeds(other).await;
}

#[tokio::test]
async fn a_parent_is_told_of_a_terminated_child() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::Child(vec![Act::step("a"), Act::wait("never")])]).await;
    let child = rig.child_of(id).await;
    rig.becomes(child, State::Waiting).await;
    rig.becomes(id, State::Waiting).await;
    rig.cancel_as(child, CancelMode::Terminate).await;
    assert_eq!(rig.job(child).await.summary.state, State::Cancelled, "at once");
    rig.becomes_because(id, State::Failed, "cancelled").await;
}

#[tokio::test]
async fn an_undo_is_ended_by_force_alone_and_with_a_reason() {
    let rig = Rig::new().await;
    rig.world.plan("undo:x", [Plan::Permanent]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x"), Act::deed("y"), Act::body("undo")]).await;
    rig.becomes(id, State::Parked).await;
    for mode in [CancelMode::Graceful, CancelMode::Terminate] {
        let mut tx = rig.engine.begin().await.unwrap();
        let refused = tx.cancel(id, mode, &operator()).await;
        assert!(matches!(refused, Err(Error::Refused(Refusal::Shielded))), "{refused:?}");
    }
    let mut tx = rig.engine.begin().await.unwrap();
    let refused = tx.terminate_by_force(id, &Operator::new("operator:ada")).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::NeedsReason))), "{refused:?}");
    tx.terminate_by_force(id, &operator()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(rig.job(id).await.summary.state, State::Cancelled);
    assert_eq!(deeds(&rig, id).await, ["done", "undone"]);
    // What was left can still be seen to: the undo goes on when a parent or an operator wants it.
    assert_eq!(rig.engine.audit(Some(id), None, 1).await.unwrap()[0].details["forced"], true);
}

#[tokio::test]
async fn a_cancel_in_a_transaction_that_stays_open_holds_up_nobody() {
    let rig = Rig::new().await;
    for name in ["a", "b"] {
        rig.world.plan(&format!("step:{name}"), [Plan::Gate]);
    }
    let _worker = rig.worker().await;
    let one = rig.play([Act::step("a"), Act::step("c"), Act::step("d")]).await;
    let two = rig.play([Act::step("b"), Act::wait("never")]).await;
    for name in ["a", "b"] {
        rig.world.reached(&format!("step:{name}"), 1).await;
    }
    for mode in CancelMode::ALL {
        let mut held = rig.engine.begin().await.unwrap();
        for id in [one, two] {
            held.cancel(id, mode, &operator()).await.unwrap();
        }
        if mode == CancelMode::Graceful {
            // While it is open, one of the two checkpoints and finishes, the other goes to wait.
            rig.world.open("step:a");
            rig.succeeds(one).await;
            rig.world.open("step:b");
            rig.becomes(two, State::Waiting).await;
            // It came to rest after the caller had looked: the look after the commit finds it.
            held.commit().await.unwrap();
            rig.becomes(two, State::Cancelled).await;
            break;
        }
    }
    assert_eq!(rig.job(one).await.summary.state, State::Succeeded);
}

#[tokio::test]
async fn a_cancel_whose_asker_died_before_its_look_is_found_by_the_sweep() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let gentle = rig.play([Act::deed("x"), Act::wait("never")]).await;
    let harsh = rig.play([Act::deed("y"), Act::wait("never")]).await;
    for (id, mode) in [(gentle, "undo"), (harsh, "terminate")] {
        rig.becomes(id, State::Waiting).await;
        let statement = "insert into trunkline.cancels (job_id, mode) values ($1, $2)";
        sqlx::query(statement).bind(id.as_uuid()).bind(mode).execute(rig.db.owner()).await.unwrap();
    }
    rig.becomes(gentle, State::Cancelled).await;
    rig.becomes(harsh, State::Cancelled).await;
    assert_eq!(
        (deeds(&rig, gentle).await, deeds(&rig, harsh).await),
        (vec!["undone".to_owned()], vec!["done".to_owned()])
    );
}

#[tokio::test]
async fn a_job_that_begins_anew_has_forgotten_the_cancel_of_its_first_life() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a"), Act::Wait("w".to_owned(), Some(60)), Act::step("b")]).await;
    rig.becomes(id, State::Waiting).await;
    rig.cancel(id).await;
    rig.becomes(id, State::Cancelled).await;
    rig.retry(id).await;
    rig.becomes(id, State::Waiting).await;
    rig.db.advance(Duration::from_secs(61)).await;
    rig.succeeds(id).await;
    assert_eq!(rig.world.story("step:"), ["a", "b"]);
}
