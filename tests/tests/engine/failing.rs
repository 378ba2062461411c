//! How patient a job is, and how it ends.

use std::time::Duration;

use engine::State;

use crate::toy::{Act, Plan, Rig};

#[tokio::test]
async fn a_body_that_fails_is_tried_again_after_its_pauses_and_then_is_a_dead_letter() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a"), Act::body("retry")]).await;
    let first = rig.skip_pause(id).await;
    assert!(first > Duration::from_secs(50) && first <= Duration::from_mins(1), "{first:?}");
    rig.claimed(id, 2).await;
    let second = rig.skip_pause(id).await;
    assert!(second > Duration::from_secs(110) && second <= Duration::from_mins(2), "{second:?}");
    let job =
        rig.becomes_because(id, State::Failed, "gave up after 3 attempts: the body failed").await;
    assert_eq!(rig.world.count("step:a"), 1);
    assert!(!job.summary.compensating);
    rig.retry(id).await;
    rig.becomes(id, State::Scheduled).await;
    rig.cancel(id).await;
    rig.becomes(id, State::Cancelled).await;
}

#[tokio::test]
async fn a_wish_for_a_later_try_is_honoured() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::RetryAfter(Duration::from_hours(3))]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a")]).await;
    let pause = rig.skip_pause(id).await;
    assert!(pause > Duration::from_mins(179), "{pause:?}");
    rig.succeeds(id).await;
}

#[tokio::test]
async fn a_permanent_failure_is_not_repeated() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Permanent]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a")]).await;
    rig.becomes_because(id, State::Failed, "step:a is closed").await;
    assert_eq!(rig.world.count("step:a"), 1);
    rig.retry(id).await;
    assert_eq!(rig.succeeds(id).await, [2]);
}

#[tokio::test]
async fn a_step_that_keeps_failing_gives_up_after_its_policy() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", vec![Plan::Retry; 20]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a")]).await;
    for tries in 1..8 {
        rig.world.reached("step:a", tries).await;
        rig.skip_pause(id).await;
        rig.world.reached("step:a", tries + 1).await;
    }
    rig.becomes_because(id, State::Failed, "gave up after 8 attempts").await;
    assert_eq!(rig.world.count("step:a"), 8);
}

#[tokio::test]
async fn being_put_off_costs_no_attempt() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", vec![Plan::Snooze(Duration::from_hours(8)); 12]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a"), Act::body("attempt")]).await;
    for times in 1..=12 {
        rig.world.reached("step:a", times).await;
        rig.skip_pause(id).await;
    }
    assert_eq!(rig.succeeds(id).await, [13, 1]);
}

#[tokio::test]
async fn a_panic_is_a_failed_attempt_with_its_message_and_place_and_harms_no_neighbour() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Panic]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a"), Act::body("panic")]).await;
    let neighbour = rig.play([Act::step("b")]).await;
    rig.succeeds(neighbour).await;
    rig.skip_pause(id).await;
    rig.succeeds(id).await;
    let job = rig.job(id).await;
    let said = job.steps.iter().find_map(|step| step.error.clone()).unwrap();
    assert!(said.contains("step:a exploded") && said.contains("world.rs:"), "{said}");
    assert_eq!(job.summary.attempt, 1);
}
