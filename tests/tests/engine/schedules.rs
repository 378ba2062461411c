//! One job a tick, however many look at the clock.

use std::time::Duration;

use engine::{Schedule, State};
use serde_json::json;
use tests::{holds, wait_until};

use crate::toy::{Rig, registry};

fn hourly() -> Schedule {
    Schedule {
        name: "hourly".to_owned(),
        cron: "0 * * * *".to_owned(),
        timezone: "Pacific/Auckland".to_owned(),
        kind: "script".to_owned(),
        queue: "toys".to_owned(),
        args: json!([]),
    }
}

async fn made(rig: &Rig, jobs: i64) {
    wait_until(&format!("{jobs} jobs"), async || {
        let count = rig.db.number("select from trunkline.jobs").await;
        assert!(count <= jobs, "{count} jobs instead of {jobs}");
        holds(rig.db.number("select from trunkline.outcomes").await == jobs)
    })
    .await;
}

#[tokio::test]
async fn three_replicas_make_one_job_a_tick_and_a_missed_tick_runs_once() {
    let rig = Rig::with(registry().scheduled(hourly())).await;
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(rig.worker().await);
    }
    rig.db.advance(Duration::from_hours(1)).await;
    made(&rig, 1).await;
    rig.db.advance(Duration::from_hours(1)).await;
    made(&rig, 2).await;
    drop(workers);
    rig.db.advance(Duration::from_hours(10)).await;
    let _again = (rig.worker().await, rig.worker().await);
    made(&rig, 3).await;
    let now = rig.db.now().await;
    let ahead: bool = sqlx::query_scalar(
        "select next_at > $1 and next_at <= $1 + interval '1 hour' from trunkline.schedules",
    )
    .bind(now)
    .fetch_one(rig.db.owner())
    .await
    .unwrap();
    assert!(ahead, "the next tick is the next one by the clock");
    rig.db.advance(Duration::from_hours(1)).await;
    made(&rig, 4).await;
}

#[tokio::test]
async fn a_tick_by_hand_is_the_same_tick() {
    let rig = Rig::with(registry().scheduled(hourly())).await;
    let next: chrono::DateTime<chrono::Utc> =
        sqlx::query_scalar("select next_at from trunkline.schedules")
            .fetch_one(rig.db.owner())
            .await
            .unwrap();
    let by_hand = engine::NewJob::of_kind("script", "toys", json!([]))
        .unique(engine::tick_key("hourly", next));
    let id = rig.enqueue(by_hand).await;
    let _worker = rig.worker().await;
    rig.becomes(id, State::Succeeded).await;
    rig.db.advance(Duration::from_hours(1)).await;
    wait_until("the tick passes", async || {
        let moved = format!("select from trunkline.schedules where last_job_id = '{id}'");
        holds(rig.db.number(&moved).await == 1)
    })
    .await;
    assert_eq!(rig.db.number("select from trunkline.jobs").await, 1);
}
