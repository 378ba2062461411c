//! What is asked once is the same after a crash; small calls beside.

use std::time::Duration;

use engine::State;
use serde_json::json;

use crate::toy::{Act, Plan, Rig};

#[tokio::test]
async fn a_time_a_number_and_an_id_are_the_same_after_a_crash() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let first = rig.worker().await;
    let id = rig.play([Act::Record, Act::Record, Act::step("a")]).await;
    rig.world.reached("step:a", 1).await;
    let stored =
        "select output #>> '{}' from trunkline.checkpoints where form = 'record' order by key";
    let before: Vec<String> = sqlx::query_scalar(stored).fetch_all(rig.db.owner()).await.unwrap();
    rig.bury(first).await;
    rig.db.advance(Duration::from_hours(1)).await;
    let _second = rig.worker().await;
    let output = rig.succeeds(id).await;
    let after: Vec<String> = sqlx::query_scalar(stored).fetch_all(rig.db.owner()).await.unwrap();
    assert_eq!((before.len(), &before), (6, &after));
    assert_ne!(output[0], output[1], "each call is its own");
    let number = output[0][1].as_u64().unwrap().to_string();
    assert!(after.contains(&number), "{number} is what was stored");
}

#[tokio::test]
async fn the_first_of_several_signals_is_taken_and_the_others_are_kept() {
    let rig = Rig::new().await;
    let names = || vec!["approved".to_owned(), "rejected".to_owned()];
    let id = rig
        .play([Act::Any(names(), None), Act::Any(names(), Some(60)), Act::Any(names(), Some(60))])
        .await;
    // Before anybody waits.
    rig.signal(id, "rejected", json!("no"), None).await;
    rig.signal(id, "approved", json!("yes"), None).await;
    let first = rig.worker().await;
    rig.becomes(id, State::Waiting).await;
    rig.bury(first).await;
    let _second = rig.worker().await;
    rig.db.advance(Duration::from_secs(61)).await;
    assert_eq!(
        rig.succeeds(id).await,
        [json!(["rejected", "no"]), json!(["approved", "yes"]), json!(null)]
    );
}

#[tokio::test]
async fn a_run_that_waits_for_several_signals_is_woken_by_any_of_them() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    for name in ["approved", "rejected"] {
        let names = vec!["approved".to_owned(), "rejected".to_owned()];
        let id = rig.play([Act::Any(names, None)]).await;
        rig.becomes(id, State::Waiting).await;
        rig.signal(id, name, json!(1), None).await;
        assert_eq!(rig.succeeds(id).await, [json!([name, 1])]);
    }
}

#[tokio::test]
async fn a_sleep_until_an_instant_ends_then_and_one_that_has_passed_at_once() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let now = rig.db.now().await;
    let past = rig.play([Act::SleepUntil(now - Duration::from_secs(1))]).await;
    rig.succeeds(past).await;
    let id = rig.play([Act::SleepUntil(now + Duration::from_hours(2)), Act::step("a")]).await;
    assert_eq!(rig.becomes(id, State::Waiting).await.due, Some(now + Duration::from_hours(2)));
    rig.db.advance(Duration::from_hours(2)).await;
    rig.succeeds(id).await;
}

#[tokio::test]
async fn a_step_has_a_limit_of_time_and_a_patience_of_its_own() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate, Plan::Gate]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::Hasty("a".to_owned(), 50, 2)]).await;
    rig.skip_pause(id).await;
    rig.becomes_because(id, State::Failed, "gave up after 2 attempts: no end within 50ms").await;
    assert_eq!(rig.world.count("step:a"), 2);
}
