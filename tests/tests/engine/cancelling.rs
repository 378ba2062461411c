//! Wherever a job stands, it can be cancelled, and nothing of it is left.

use std::time::Duration;

use engine::{CancelMode, Error, NewJob, Start, State, Workflow};

use crate::toy::{Act, Plan, Rig, Script, operator};

fn job() -> NewJob {
    Script(vec![Act::deed("x")]).job()
}

#[tokio::test]
async fn a_job_that_has_not_begun_is_cancelled_at_once() {
    let rig = Rig::new().await;
    let ready = rig.enqueue(job()).await;
    let scheduled = rig.enqueue(job().start(Start::After(Duration::from_hours(1)))).await;
    for id in [ready, scheduled] {
        rig.cancel(id).await;
        assert_eq!(rig.job(id).await.summary.state, State::Cancelled);
    }
    let mut tx = rig.engine.begin().await.unwrap();
    assert!(matches!(
        tx.cancel(ready, CancelMode::Undo, &operator()).await,
        Err(Error::WrongState { state: State::Cancelled, .. })
    ));
    assert!(matches!(
        tx.cancel(engine::JobId::mint(), CancelMode::Undo, &operator()).await,
        Err(Error::NoSuchJob)
    ));
}

#[tokio::test]
async fn a_running_job_is_cancelled_at_its_next_boundary_and_undone() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x"), Act::step("a"), Act::wait("never"), Act::step("b")]).await;
    rig.world.reached("step:a", 1).await;
    rig.cancel(id).await;
    assert_eq!(rig.job(id).await.summary.state, State::Running);
    rig.world.open("step:a");
    rig.becomes(id, State::Cancelled).await;
    assert_eq!(
        (rig.world.deeds(), rig.world.count("undo:x"), rig.world.count("step:b")),
        (0, 1, 0)
    );
}

#[tokio::test]
async fn a_waiting_job_is_woken_and_undone() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x"), Act::wait("never")]).await;
    rig.becomes(id, State::Waiting).await;
    rig.cancel(id).await;
    rig.becomes(id, State::Cancelled).await;
    assert_eq!(rig.world.deeds(), 0);
}

#[tokio::test]
async fn a_job_between_two_attempts_is_cancelled_without_another() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Retry]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x"), Act::step("a")]).await;
    rig.becomes(id, State::Scheduled).await;
    rig.cancel(id).await;
    rig.becomes(id, State::Cancelled).await;
    assert_eq!((rig.world.deeds(), rig.world.count("step:a")), (0, 1));
}

#[tokio::test]
async fn a_cancelled_parent_takes_its_children_along() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x"), Act::Child(vec![Act::deed("y"), Act::wait("never")])]).await;
    let child = rig.child_of(id).await;
    rig.becomes(child, State::Waiting).await;
    rig.becomes(id, State::Waiting).await;
    rig.cancel(id).await;
    rig.becomes(id, State::Cancelled).await;
    rig.becomes(child, State::Cancelled).await;
    assert_eq!(rig.world.story("undo:"), ["y", "x"]);
}

#[tokio::test]
async fn a_child_that_was_never_begun_goes_with_its_parent() {
    let rig = Rig::new().await;
    let id = rig.play([Act::Spawn(vec![Act::Sleep(9)]), Act::wait("never")]).await;
    let worker = rig.worker_with(tests::WorkerOptions { slots: 1, ..Default::default() }).await;
    rig.becomes(id, State::Waiting).await;
    let child = rig.child_of(id).await;
    rig.becomes(child, State::Waiting).await;
    rig.cancel(id).await;
    rig.becomes(id, State::Cancelled).await;
    rig.becomes(child, State::Cancelled).await;
    drop(worker);
}

#[tokio::test]
async fn an_undo_is_shielded_from_being_cancelled() {
    let rig = Rig::new().await;
    rig.world.plan("undo:x", [Plan::Retry]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x"), Act::body("undo")]).await;
    rig.world.reached("undo:x", 1).await;
    rig.becomes(id, State::Scheduled).await;
    rig.cancel(id).await;
    rig.skip_pause(id).await;
    rig.becomes_because(id, State::Failed, "thought better").await;
    assert_eq!(rig.world.deeds(), 0);
}
