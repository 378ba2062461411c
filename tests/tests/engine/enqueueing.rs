//! What is acknowledged is there; what is unique is there once; what comes first runs first.

use std::time::Duration;

use engine::{Engine, Enqueued, Hold, NewJob, Start, State, Unique, Workflow};
use serde_json::json;
use tests::{WorkerOptions, holds, wait_until};

use crate::toy::{Act, Plan, Rig, Script, Toy, registry};

fn job(act: &str) -> NewJob {
    Script(vec![Act::step(act)]).job()
}

#[tokio::test]
async fn an_acknowledged_job_is_there_and_is_done() {
    let rig = Rig::new().await;
    let id = rig.play([Act::step("a")]).await;
    assert_eq!(rig.job(id).await.summary.state, State::Ready);
    let _worker = rig.worker().await;
    assert_eq!(rig.succeeds(id).await, [1]);
    assert_eq!(rig.epoch(id).await, 1);
}

#[tokio::test]
async fn many_enqueue_at_once_and_every_job_runs_once() {
    let rig = Rig::new().await;
    let jobs = (0..300).map(|_| rig.engine.enqueue(job("a")));
    let ids = futures::future::join_all(jobs).await;
    assert!(ids.iter().all(Result::is_ok));
    let _one = rig.worker().await;
    let _two = rig.worker().await;
    for id in ids {
        rig.becomes(id.unwrap().id(), State::Succeeded).await;
    }
    assert_eq!(rig.world.count("step:a"), 300);
}

#[tokio::test]
async fn a_job_in_a_transaction_that_is_rolled_back_never_was() {
    let rig = Rig::new().await;
    let mut tx = rig.engine.begin().await.unwrap();
    let id = tx.enqueue(job("a")).await.unwrap().id();
    drop(tx);
    assert!(rig.engine.job(id).await.unwrap().is_none());
}

#[tokio::test]
async fn fifty_race_for_a_unique_key_and_one_job_is_made() {
    let rig = Rig::new().await;
    let unique = || Unique::new("script", "the one", Hold::WhileLive);
    let raced = (0..50).map(|_| rig.engine.enqueue(job("a").unique(unique())));
    let raced = futures::future::join_all(raced).await;
    let new: Vec<_> = raced.iter().filter(|one| matches!(one, Ok(Enqueued::New(_)))).collect();
    assert_eq!(new.len(), 1, "{raced:?}");
    let first = raced[0].as_ref().unwrap().id();
    assert!(raced.iter().all(|one| one.as_ref().unwrap().id() == first));
    assert_eq!(rig.db.number("select from trunkline.jobs").await, 1);
    let _worker = rig.worker().await;
    rig.becomes(first, State::Succeeded).await;
    let again = rig.engine.enqueue(job("a").unique(unique())).await.unwrap();
    assert!(matches!(again, Enqueued::New(_)), "the key is free when its job has ended");
    rig.becomes(again.id(), State::Succeeded).await;
}

#[tokio::test]
async fn a_key_that_is_held_for_a_time_outlives_its_job_and_not_the_time() {
    let rig = Rig::new().await;
    let unique = || Unique::new("script", "hourly", Hold::For(Duration::from_hours(1)));
    let first = rig.enqueue(job("a").unique(unique())).await;
    let _worker = rig.worker().await;
    rig.becomes(first, State::Succeeded).await;
    rig.db.advance(Duration::from_mins(59)).await;
    assert_eq!(
        rig.engine.enqueue(job("a").unique(unique())).await.unwrap(),
        Enqueued::Duplicate(first)
    );
    rig.db.advance(Duration::from_mins(2)).await;
    let second = rig.engine.enqueue(job("a").unique(unique())).await.unwrap();
    assert!(matches!(second, Enqueued::New(_)));
    rig.becomes(second.id(), State::Succeeded).await;
}

#[tokio::test]
async fn a_caller_that_asks_for_a_taken_key_holds_nobody_up_while_its_transaction_is_open() {
    let rig = Rig::new().await;
    let unique = Unique::new("script", "shared", Hold::WhileLive);
    rig.world.plan("step:a", [Plan::Gate]);
    let first = rig.enqueue(job("a").unique(unique.clone())).await;
    let _worker = rig.worker().await;
    rig.world.reached("step:a", 1).await;
    let mut tx = rig.engine.begin().await.unwrap();
    assert_eq!(tx.enqueue(job("a").unique(unique)).await.unwrap(), Enqueued::Duplicate(first));
    rig.world.open("step:a");
    let other = rig.play([Act::step("b")]).await;
    rig.becomes(other, State::Succeeded).await;
    rig.becomes(first, State::Succeeded).await;
    drop(tx);
}

#[tokio::test]
async fn what_is_more_urgent_runs_first_and_equals_in_order() {
    let rig = Rig::new().await;
    for (priority, name) in [(0, "c"), (5, "e"), (-1, "b"), (0, "d"), (-9, "a")] {
        rig.enqueue(job(name).priority(priority)).await;
    }
    let _worker = rig.worker_with(WorkerOptions { slots: 1, ..WorkerOptions::default() }).await;
    wait_until("all five", async || {
        holds(rig.db.number("select from trunkline.outcomes").await == 5)
    })
    .await;
    assert_eq!(rig.world.story("step:"), ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn a_job_for_later_runs_when_its_time_has_come_and_not_before() {
    let rig = Rig::new().await;
    let at = rig.db.now().await + Duration::from_hours(2);
    let later = rig.enqueue(job("later").start(Start::After(Duration::from_hours(1)))).await;
    let latest = rig.enqueue(job("latest").start(Start::At(at))).await;
    let _worker = rig.worker().await;
    let now = rig.play([Act::step("now")]).await;
    rig.succeeds(now).await;
    assert_eq!(rig.job(later).await.summary.state, State::Scheduled);
    rig.db.advance(Duration::from_mins(61)).await;
    rig.succeeds(later).await;
    assert_eq!(rig.job(latest).await.summary.state, State::Scheduled);
    rig.db.advance(Duration::from_hours(1)).await;
    rig.succeeds(latest).await;
    assert_eq!(rig.world.story("step:"), ["now", "later", "latest"]);
}

#[tokio::test]
async fn a_kind_that_no_worker_knows_waits_and_holds_nobody_up() {
    let rig = Rig::new().await;
    let newer = registry().with::<Newer>();
    let upgraded = Engine::connect(rig.db.engine_config(), &newer).await.unwrap();
    let mut unknown = Vec::new();
    for _ in 0..30 {
        unknown.push(upgraded.enqueue(Newer {}.job()).await.unwrap().id());
    }
    let _worker = rig.worker_with(WorkerOptions { slots: 2, ..WorkerOptions::default() }).await;
    let known = rig.play([Act::step("a")]).await;
    rig.succeeds(known).await;
    for id in unknown {
        assert_eq!(rig.job(id).await.summary.state, State::Ready);
    }
    assert!(rig.engine.enqueue(NewJob::of_kind("newest", "toys", json!({}))).await.is_err());
    rig.db.may_leave_jobs();
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Newer {}

impl Workflow<Toy> for Newer {
    const KIND: &'static str = "newer";
    const QUEUE: &'static str = "toys";
    type Output = ();

    async fn run(&self, _: &engine::Context<'_, Toy>) -> Result<(), engine::Failure> {
        Ok(())
    }
}
