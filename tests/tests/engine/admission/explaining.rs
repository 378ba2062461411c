//! Why a job is not running: each reason, from the rows that keep it.

use std::time::Duration;

use engine::{Gates, JobId, NewJob, Start, State, Why, Workflow};
use serde_json::json;
use tests::{WorkerOptions, holds, wait_until};

use super::{at_once, gated, one_a_minute};
use crate::toy::{Act, Plan, Rig, Script, operator};

async fn why(rig: &Rig, id: JobId) -> Vec<Why> {
    rig.engine.explain(id).await.unwrap()
}

async fn words(rig: &Rig, id: JobId) -> Vec<&'static str> {
    why(rig, id).await.iter().map(Why::word).collect()
}

#[tokio::test]
async fn a_job_says_that_nobody_serves_its_queue_or_knows_its_kind() {
    let rig = Rig::new().await;
    let id = rig.play([Act::step("a")]).await;
    assert_eq!(why(&rig, id).await, [Why::NoWorker]);
    let elsewhere =
        WorkerOptions { queues: vec!["secrets".to_owned()], ..WorkerOptions::default() };
    let worker = rig.worker_with(elsewhere).await;
    assert_eq!(why(&rig, id).await, [Why::NoWorker]);
    let knows_nothing = "update trunkline.workers set queue_ids = null, kind_ids = '{}'";
    sqlx::query(knows_nothing).execute(rig.db.owner()).await.unwrap();
    assert_eq!(why(&rig, id).await, [Why::UnknownKind { workers: 1 }]);
    drop(worker);
    let _worker = rig.worker().await;
    rig.succeeds(id).await;
    assert_eq!(why(&rig, id).await, [Why::Ended { state: "succeeded".to_owned() }]);
    assert!(rig.engine.explain(JobId::mint()).await.is_err());
}

#[tokio::test]
async fn a_job_says_what_it_waits_for_and_until_when() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Retry, Plan::Gate]);
    let _worker = rig.worker().await;
    let later = Script(vec![]).job().start(Start::After(Duration::from_hours(1)));
    let later = rig.enqueue(later).await;
    assert!(matches!(&why(&rig, later).await[..], [Why::Scheduled { until: Some(_), .. }]));
    let waiter = rig.play([Act::wait("go")]).await;
    rig.becomes(waiter, State::Waiting).await;
    let [Why::WaitingFor { signals, until: None, .. }] = &why(&rig, waiter).await[..] else {
        panic!("it waits")
    };
    assert_eq!(signals, &["go"]);
    let again = rig.play([Act::step("a")]).await;
    let seen = rig.becomes(again, State::Scheduled).await;
    assert!(matches!(&seen.explain.unwrap()[..], [Why::Scheduled { until: Some(_), .. }]));
    rig.skip_pause(again).await;
    rig.world.reached("step:a", 2).await;
    assert_eq!(words(&rig, again).await, ["running"]);
    rig.world.open("step:a");
    rig.signal(waiter, "go", json!(1), None).await;
    rig.db.advance(Duration::from_hours(1)).await;
    for id in [later, waiter, again] {
        rig.succeeds(id).await;
    }
}

#[tokio::test]
async fn a_job_says_that_its_queue_is_paused_or_full_and_who_comes_before_it() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let _worker = rig.worker().await;
    let set = async |pause: bool, limit: Option<u32>| {
        let mut tx = rig.engine.begin().await.unwrap();
        if pause {
            tx.pause_queue("toys", None, &operator().because("maintenance")).await.unwrap();
        } else {
            tx.resume_queue("toys", &operator()).await.unwrap();
        }
        tx.limit_queue("toys", limit, &operator()).await.unwrap();
        tx.commit().await.unwrap();
    };
    let running = rig.play([Act::step("a")]).await;
    rig.world.reached("step:a", 1).await;
    set(true, Some(1)).await;
    let first = rig.play([Act::step("b")]).await;
    let second = rig.play([Act::step("b")]).await;
    assert_eq!(
        why(&rig, second).await,
        [
            Why::QueuePaused { reason: "maintenance".to_owned(), until: None },
            Why::QueueFull { max: 1, running: 1 },
            Why::Behind { jobs: 1 }
        ]
    );
    set(false, Some(1)).await;
    assert_eq!(why(&rig, first).await, [Why::QueueFull { max: 1, running: 1 }]);
    rig.world.open("step:a");
    for id in [running, first, second] {
        rig.succeeds(id).await;
    }
}

#[tokio::test]
async fn a_job_says_which_gate_is_full_and_by_whom() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let _worker = rig.worker().await;
    let running = rig.enqueue(gated("a", at_once(1))).await;
    rig.world.reached("step:a", 1).await;
    let kept = rig.enqueue(gated("b", at_once(1))).await;
    let full = Why::GateFull { scope: "toy".to_owned(), max: 1, by: vec![running] };
    assert_eq!(why(&rig, kept).await, [full]);
    let last = rig.enqueue(gated("b", at_once(1))).await;
    assert_eq!(words(&rig, last).await, ["gate_full", "behind"]);
    rig.world.open("step:a");
    for id in [running, kept, last] {
        rig.succeeds(id).await;
    }
}

#[tokio::test]
async fn a_job_says_the_exact_time_of_its_slot_and_starts_then() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let first = rig.enqueue(gated("a", one_a_minute())).await;
    rig.succeeds(first).await;
    let mut jobs: Vec<JobId> = Vec::new();
    for _ in 0..3 {
        jobs.push(rig.enqueue(gated("a", one_a_minute())).await);
    }
    let mut slots = Vec::new();
    for id in &jobs {
        let all = why(&rig, *id).await;
        let [Why::RateSlot { at, .. }, ..] = &all[..] else { panic!("{all:?}") };
        slots.push(*at);
    }
    let minute = chrono::TimeDelta::minutes(1);
    assert_eq!((slots[1] - slots[0], slots[2] - slots[1]), (minute, minute));
    rig.db.advance((slots[0] - rig.db.now().await).to_std().unwrap()).await;
    rig.succeeds(jobs[0]).await;
    assert_eq!(rig.job(jobs[1]).await.summary.state, State::Waiting);
    wait_until("all have ended", async || {
        rig.db.advance(Duration::from_secs(10)).await;
        holds(super::finished(&rig).await == 4)
    })
    .await;
}

#[tokio::test]
async fn a_job_says_that_its_breaker_is_open() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let broken = |step: &str| -> NewJob { gated(step, Gates::none().breaker("provider")) };
    rig.world.plan("step:bad", vec![Plan::Retry; 5]);
    let mut failing = Vec::new();
    for _ in 0..5 {
        failing.push(rig.enqueue(broken("bad")).await);
    }
    rig.world.reached("step:bad", 5).await;
    for id in &failing {
        rig.becomes(*id, State::Scheduled).await;
    }
    let kept = rig.enqueue(broken("good")).await;
    wait_until("it is kept", async || {
        let all = why(&rig, kept).await;
        holds(matches!(&all[..], [Why::BreakerOpen { phase: "open", until: Some(_), .. }]))
    })
    .await;
    assert_eq!(rig.world.count("step:good"), 0);
    rig.db.advance(Duration::from_secs(40)).await;
    rig.succeeds(kept).await;
    for id in failing {
        rig.skip_to_end(id).await;
    }
}

#[tokio::test]
async fn what_waits_is_counted_by_queue_and_reason() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let mut tx = rig.engine.begin().await.unwrap();
    tx.promise_queue("toys", Some(Duration::from_secs(3)), &operator()).await.unwrap();
    tx.commit().await.unwrap();
    let worker = rig.worker().await;
    let running = rig.enqueue(gated("a", at_once(1))).await;
    rig.world.reached("step:a", 1).await;
    let mut all = vec![running];
    for _ in 0..3 {
        all.push(rig.enqueue(gated("b", at_once(1))).await);
    }
    let later = Script(vec![]).job().start(Start::After(Duration::from_hours(1)));
    all.push(rig.enqueue(later).await);
    let mut tx = rig.engine.begin().await.unwrap();
    tx.pause_queue("toys", None, &operator().because("x")).await.unwrap();
    tx.commit().await.unwrap();
    all.push(rig.play([Act::step("c")]).await);
    let depths = rig.engine.depths().await.unwrap();
    let jobs = |reason: &str| -> u32 {
        let of = |depth: &&engine::Depth| depth.queue == "toys" && depth.reason == reason;
        depths.jobs.iter().filter(of).map(|depth| depth.jobs).sum()
    };
    assert_eq!((jobs("gates"), jobs("time"), jobs("queue_paused"), jobs("ready")), (3, 1, 1, 0));
    let kept: Vec<_> = depths.kept.iter().map(|depth| (depth.reason, depth.jobs)).collect();
    assert_eq!(kept, [("queue_paused", 1)], "of one lane, the weightiest");
    let toys = depths.behind.iter().find(|queue| queue.queue == "toys").unwrap();
    assert_eq!(toys.target, Some(Duration::from_secs(3)));
    assert!(toys.next_age > Duration::ZERO);
    let mut tx = rig.engine.begin().await.unwrap();
    tx.resume_queue("toys", &operator()).await.unwrap();
    tx.commit().await.unwrap();
    rig.world.open("step:a");
    rig.db.advance(Duration::from_hours(1)).await;
    for id in all {
        rig.succeeds(id).await;
    }
    drop(worker);
}
