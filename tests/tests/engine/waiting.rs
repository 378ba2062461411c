//! Signals are never lost and taken once; timers hold nothing while they run.

use std::time::Duration;

use engine::State;
use futures::StreamExt;
use serde_json::json;
use tests::{holds, wait_until};

use crate::toy::{Act, Rig};

#[tokio::test]
async fn a_signal_that_was_sent_before_the_wait_is_kept() {
    let rig = Rig::new().await;
    let id = rig.play([Act::wait("paid"), Act::wait("paid")]).await;
    rig.signal(id, "paid", json!("first"), None).await;
    rig.signal(id, "paid", json!("second"), None).await;
    let _worker = rig.worker().await;
    assert_eq!(rig.succeeds(id).await, ["first", "second"]);
}

#[tokio::test]
async fn a_signal_that_is_sent_twice_is_taken_once() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::wait("paid"), Act::Wait("paid".to_owned(), Some(60))]).await;
    for _ in 0..3 {
        rig.signal(id, "paid", json!(1), Some("event-1")).await;
    }
    wait_until("the first is taken", async || holds(rig.job(id).await.steps.len() == 1)).await;
    rig.becomes(id, State::Waiting).await;
    rig.signal(id, "paid", json!(1), Some("event-1")).await;
    rig.becomes(id, State::Waiting).await;
    rig.db.advance(Duration::from_secs(61)).await;
    assert_eq!(rig.succeeds(id).await, [json!(1), json!("timed out")]);
}

#[tokio::test]
async fn a_signal_that_races_with_the_wait_is_never_lost() {
    const ROUNDS: usize = 500;
    let rig = Rig::new().await;
    let _one = rig.worker().await;
    let _two = rig.worker().await;
    let rounds = (0..ROUNDS).map(|round| {
        let rig = &rig;
        async move {
            let id = rig.play([Act::step("a"), Act::wait("paid")]).await;
            rig.signal(id, "paid", json!(round), None).await;
            rig.becomes(id, State::Succeeded).await;
        }
    });
    futures::stream::iter(rounds).buffer_unordered(8).collect::<Vec<()>>().await;
}

#[tokio::test]
async fn a_wait_has_an_end_by_the_clock_that_survives_crashes() {
    let rig = Rig::new().await;
    let first = rig.worker().await;
    let id = rig.play([Act::Wait("never".to_owned(), Some(600))]).await;
    rig.becomes(id, State::Waiting).await;
    rig.db.advance(Duration::from_secs(590)).await;
    rig.bury(first).await;
    let _second = rig.worker().await;
    let other = rig.play([Act::step("a")]).await;
    rig.succeeds(other).await;
    assert_eq!(rig.job(id).await.summary.state, State::Waiting);
    rig.db.advance(Duration::from_secs(11)).await;
    assert_eq!(rig.succeeds(id).await, ["timed out"]);
}

#[tokio::test]
async fn a_sleeper_holds_nothing() {
    let rig = Rig::new().await;
    let worker = rig.worker().await;
    let id = rig.play([Act::step("a"), Act::Sleep(86_400), Act::step("b")]).await;
    rig.becomes(id, State::Waiting).await;
    wait_until("an empty hand", async || holds(worker.in_hand() == 0)).await;
    assert_eq!(rig.db.number("select from trunkline.leases").await, 0);
    worker.drain(Duration::from_secs(5)).await;
    let _other = rig.worker().await;
    rig.db.advance(Duration::from_hours(23)).await;
    assert_eq!(rig.job(id).await.summary.state, State::Waiting);
    rig.db.advance(Duration::from_hours(1)).await;
    rig.succeeds(id).await;
    assert_eq!(rig.world.story("step:"), ["a", "b"]);
}

#[tokio::test]
async fn a_signal_to_a_job_that_never_waits_is_cleared_away() {
    let rig = Rig::new().await;
    let id = rig.play([Act::step("a")]).await;
    rig.signal(id, "paid", json!(1), None).await;
    let _first = rig.worker().await;
    rig.succeeds(id).await;
    rig.db.advance(Duration::from_hours(2)).await;
    let _second = rig.worker().await;
    wait_until("it is tidy", async || {
        holds(rig.db.number("select from trunkline.signals").await == 0)
    })
    .await;
}
