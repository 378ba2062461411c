//! What operators set on a queue counts for every worker, at once.

use std::time::Duration;

use engine::{Error, State};
use tests::{holds, wait_until};

use super::finished;
use crate::toy::{Act, Plan, Rig, operator};

async fn pause(rig: &Rig, for_up_to: Option<Duration>) {
    let mut tx = rig.engine.begin().await.unwrap();
    tx.pause_queue("toys", for_up_to, &operator().because("the provider asked for it"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn nothing_of_a_paused_queue_begins_until_it_is_resumed() {
    let rig = Rig::new().await;
    pause(&rig, None).await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a")]).await;
    let fence = rig.enqueue(super::gated("b", super::at_once(1))).await;
    // By the time that a later job of another queue has ended, the worker has looked at this one too.
    let mut elsewhere = super::gated("c", super::at_once(1));
    "secrets".clone_into(&mut elsewhere.queue);
    let elsewhere = rig.enqueue(elsewhere).await;
    rig.succeeds(elsewhere).await;
    assert_eq!(rig.world.story("step:"), ["c"]);
    assert_eq!(rig.job(id).await.summary.state, State::Ready);
    let seen = rig.engine.queues().await.unwrap();
    let toys = seen.iter().find(|queue| queue.name == "toys").unwrap();
    assert_eq!(toys.pause.as_ref().unwrap().reason, "the provider asked for it");
    let mut tx = rig.engine.begin().await.unwrap();
    tx.resume_queue("toys", &operator()).await.unwrap();
    tx.commit().await.unwrap();
    rig.succeeds(id).await;
    rig.succeeds(fence).await;
}

#[tokio::test]
async fn a_pause_with_an_end_is_over_by_itself() {
    let rig = Rig::new().await;
    pause(&rig, Some(Duration::from_mins(10))).await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a")]).await;
    rig.db.advance(Duration::from_mins(9)).await;
    assert_eq!(rig.job(id).await.summary.state, State::Ready);
    rig.db.advance(Duration::from_mins(2)).await;
    rig.succeeds(id).await;
    assert!(rig.engine.queues().await.unwrap().iter().all(|queue| queue.pause.is_none()));
}

#[tokio::test]
async fn a_queues_limit_holds_over_all_workers_and_can_be_moved() {
    let rig = Rig::new().await;
    let mut tx = rig.engine.begin().await.unwrap();
    tx.limit_queue("toys", Some(2), &operator()).await.unwrap();
    tx.commit().await.unwrap();
    rig.world.plan("step:a", vec![Plan::Gate; 12]);
    for number in 0..12 {
        if number % 3 == 0 {
            rig.enqueue(super::gated("a", super::at_once(9))).await;
        } else {
            rig.play([Act::step("a")]).await;
        }
    }
    let _workers = [rig.worker().await, rig.worker().await, rig.worker().await];
    for done in 1..=6 {
        wait_until("two at once", async || holds(rig.world.inside("step:a") == 2)).await;
        rig.world.open("step:a");
        wait_until("one ends", async || holds(finished(&rig).await >= done)).await;
    }
    assert_eq!(rig.world.most_inside("step:a"), 2);
    let mut tx = rig.engine.begin().await.unwrap();
    tx.limit_queue("toys", Some(4), &operator()).await.unwrap();
    tx.commit().await.unwrap();
    wait_until("four at once", async || holds(rig.world.inside("step:a") == 4)).await;
    let mut tx = rig.engine.begin().await.unwrap();
    tx.limit_queue("toys", None, &operator()).await.unwrap();
    tx.commit().await.unwrap();
    wait_until("all at once", async || holds(rig.world.inside("step:a") == 6)).await;
    for _ in 0..6 {
        rig.world.open("step:a");
    }
    wait_until("all end", async || holds(finished(&rig).await == 12)).await;
}

#[tokio::test]
async fn a_queue_that_nobody_knows_cannot_be_set() {
    let rig = Rig::new().await;
    let mut tx = rig.engine.begin().await.unwrap();
    let set = tx.pause_queue("nowhere", None, &operator()).await;
    assert!(matches!(set, Err(Error::Absent { what: "queue" })), "{set:?}");
}

#[tokio::test]
async fn for_how_long_a_queue_has_been_paused_is_told_until_it_is_resumed() {
    let rig = Rig::new().await;
    let paused_for = async || {
        let depths = rig.engine.depths().await.unwrap();
        depths.behind.iter().find(|queue| queue.queue == "toys").unwrap().paused_for
    };
    assert_eq!(paused_for().await, Duration::ZERO);
    pause(&rig, None).await;
    rig.db.advance(Duration::from_hours(30)).await;
    assert!(paused_for().await >= Duration::from_hours(30));
    let mut tx = rig.engine.begin().await.unwrap();
    tx.resume_queue("toys", &operator()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(paused_for().await, Duration::ZERO);
}

#[tokio::test]
async fn what_the_code_promises_stands_until_an_operator_says_otherwise_also_that_nothing_is_promised()
 {
    let rig = Rig::new().await;
    let target = async || {
        let queues = rig.engine.queues().await.unwrap();
        queues.iter().find(|queue| queue.name == "toys").unwrap().latency_target_ms
    };
    let starts = async |secs: u64| {
        rig.engine.promise_first("toys", Duration::from_secs(secs)).await.unwrap();
    };
    let orders = async |latency: Option<Duration>| {
        let mut tx = rig.engine.begin().await.unwrap();
        tx.promise_queue("toys", latency, &operator()).await.unwrap();
        tx.commit().await.unwrap();
    };
    starts(5).await;
    assert_eq!(target().await, Some(5000));
    orders(Some(Duration::from_mins(1))).await;
    starts(5).await;
    assert_eq!(target().await, Some(60_000));
    orders(None).await;
    starts(5).await;
    assert_eq!(target().await, None);
}
