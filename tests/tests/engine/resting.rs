//! A worker that was asked to rest brings to its end what it has, and takes nothing new until it is asked back.

use std::time::Duration;

use engine::{Error, JobId, Operator, State, Why, WorkerView};
use tests::{TestWorker, WorkerOptions, holds, wait_until};

use crate::toy::{Act, Plan, Rig, Toy, operator};

async fn view(rig: &Rig, worker: &TestWorker<Toy>) -> WorkerView {
    let workers = rig.engine.workers().await.unwrap();
    let lives = workers.into_iter().filter(|view| view.pool == worker.name());
    lives.max_by_key(|view| view.id).expect("it is there")
}

async fn drain(rig: &Rig, id: i32) {
    let mut tx = rig.engine.begin().await.unwrap();
    tx.drain_worker(id, &operator()).await.unwrap();
    tx.commit().await.unwrap();
}

/// Until the worker has heard what was asked of it: its next beat is written by it, not by us.
async fn heard(rig: &Rig, worker: &TestWorker<Toy>) {
    let before = view(rig, worker).await.heartbeat_at;
    for _ in 0..2 {
        // The first beat may have been under way when it was asked.
        let last = view(rig, worker).await.heartbeat_at.max(before);
        wait_until("a heartbeat", async || holds(view(rig, worker).await.heartbeat_at > last))
            .await;
    }
}

async fn place(rig: &Rig, id: JobId) -> Vec<Why> {
    rig.engine.explain(id).await.unwrap()
}

#[tokio::test]
async fn a_drained_worker_ends_what_it_has_and_takes_nothing_new_until_it_is_resumed() {
    let rig = Rig::new().await;
    let quick = || WorkerOptions { lease: Duration::from_secs(2), ..WorkerOptions::default() };
    let worker = rig.worker_with(quick()).await;
    rig.world.plan("step:held", [Plan::Gate]);
    let held = rig.play([Act::step("held"), Act::step("after")]).await;
    rig.becomes(held, State::Running).await;

    let id = view(&rig, &worker).await.id;
    drain(&rig, id).await;
    let seen = view(&rig, &worker).await;
    assert_eq!((seen.live, seen.draining, seen.running), (true, true, 1));
    assert_eq!(seen.rest.unwrap().reason, "a test");
    heard(&rig, &worker).await;

    let waits = rig.play([Act::step("new")]).await;
    rig.world.open("step:held");
    rig.succeeds(held).await;
    heard(&rig, &worker).await;
    assert_eq!(rig.job(waits).await.summary.state, State::Ready, "nobody takes it");
    assert_eq!(place(&rig, waits).await, [Why::NoWorker], "and it says why");

    // A second worker is none that rests.
    let other = rig.worker_with(quick()).await;
    rig.succeeds(waits).await;
    let other_id = view(&rig, &other).await.id;
    drain(&rig, other_id).await;
    heard(&rig, &other).await;
    let back = rig.play([Act::step("back")]).await;
    let mut tx = rig.engine.begin().await.unwrap();
    tx.resume_worker(id, &operator()).await.unwrap();
    tx.commit().await.unwrap();
    rig.succeeds(back).await;
    assert!(view(&rig, &worker).await.rest.is_none());

    let record = rig.engine.audit(None, None, 10).await.unwrap();
    let done: Vec<_> =
        record.iter().map(|row| (row.action.as_str(), row.subject.clone().unwrap())).collect();
    let wanted = [("worker.resumed", id), ("worker.drained", other_id), ("worker.drained", id)];
    assert_eq!(done, wanted.map(|(action, id)| (action, format!("worker:{id}"))));
}

#[tokio::test]
async fn a_worker_that_was_thought_dead_still_rests_when_it_comes_back() {
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    let options = WorkerOptions { lease: Duration::from_secs(2), ..WorkerOptions::default() };
    let worker = rig.worker_with(options).await;
    let first = view(&rig, &worker).await.id;
    drain(&rig, first).await;
    heard(&rig, &worker).await;
    rig.db.end_lease_of(worker.name()).await;
    let again = wait_until("a new life", async || {
        let workers = rig.engine.workers().await.ok()?;
        workers.into_iter().find(|view| view.pool == worker.name() && view.id != first)
    })
    .await;
    assert!(again.draining && again.rest.is_some(), "{again:?}");
    let waits = rig.play([Act::step("new")]).await;
    heard(&rig, &worker).await;
    assert_eq!(rig.job(waits).await.summary.state, State::Ready);
}

#[tokio::test]
async fn only_a_live_worker_is_drained_and_only_with_a_reason() {
    let rig = Rig::new().await;
    let worker = rig.worker().await;
    let id = view(&rig, &worker).await.id;
    let mut tx = rig.engine.begin().await.unwrap();
    let silent = tx.drain_worker(id, &Operator::new("operator:ada")).await;
    assert!(matches!(silent, Err(Error::Refused(engine::Refusal::NeedsReason))), "{silent:?}");
    let nobody = tx.drain_worker(-1, &operator()).await;
    assert!(matches!(nobody, Err(Error::Absent { .. })), "{nobody:?}");
    rig.db.end_lease_of(&worker.kill()).await;
    let dead = tx.drain_worker(id, &operator()).await;
    assert!(matches!(dead, Err(Error::Absent { .. })), "{dead:?}");
}
