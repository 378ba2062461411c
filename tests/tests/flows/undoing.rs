//! When it comes to nothing: the clock, an operator, a provider that refuses.

use std::time::Duration;

use engine::State;
use tests::rest;

use crate::{
    census::{Census, no_number_is_shared},
    stage::{SIGN_UP, SignUp, Stage},
};

#[tokio::test]
async fn a_code_works_until_its_last_second() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    let code = stage.code(&signup).await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    // Some of the ten minutes have passed since it was issued, by a clock that was not moved.
    stage.advance(Duration::from_secs(570)).await;
    assert_eq!(stage.type_in(&signup, &code).await.0, 202);
    stage.becomes(&signup, "active").await;
    assert_eq!(Census::of(&stage.db, signup.tenant).await, Census::whole());
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn after_ten_minutes_nothing_is_left_and_the_code_is_dead() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    let code = stage.code(&signup).await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    stage.advance(Duration::from_secs(601)).await;
    let job = stage.run_becomes(&signup, State::Failed).await;
    assert!(job.effects.iter().all(|deed| deed.state == "undone"), "{:#?}", job.effects);
    assert_eq!(stage.status(&signup).await, "expired");
    assert_eq!(Census::of(&stage.db, signup.tenant).await, Census::nothing("expired"));
    assert_eq!(stage.type_in(&signup, &code).await.0, 400);
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_run_that_is_cancelled_while_it_waits_leaves_nothing() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    stage.code(&signup).await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    stage.cancel(&signup).await;
    stage.run_becomes(&signup, State::Cancelled).await;
    assert_eq!(Census::of(&stage.db, signup.tenant).await, Census::nothing("failed"));
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_run_that_no_worker_has_seen_is_cancelled_and_the_person_forgotten() {
    let stage = Stage::new().await;
    let signup = stage.sign_up().await;
    stage.cancel(&signup).await;
    let worker = stage.worker().await;
    stage.run_becomes(&signup, State::Cancelled).await;
    stage.becomes(&signup, "failed").await;
    assert_eq!(Census::of(&stage.db, signup.tenant).await, Census::nothing("failed"));
    drop(worker);
}

#[tokio::test]
async fn somebody_who_wants_no_texts_ends_the_sign_up_where_nobody_is_rung() {
    let silent = vec![("TRUNKLINE_OTP_BY_VOICE", "false")];
    let stage = Stage::with(crate::stage::Props { variables: silent, ..Default::default() }).await;
    let _worker = stage.worker().await;
    stage.phone.opt_out("+436641234567");
    let signup = stage.sign_up_as("+436641234567").await;
    let job = stage.run_becomes(&signup, State::Failed).await;
    let why = job.summary.error.unwrap_or_default();
    assert!(why.contains("could not be sent"), "{why}");
    assert!(!why.contains("1234567"), "{why}");
    assert_eq!(Census::of(&stage.db, signup.tenant).await, Census::nothing("failed"));
    assert_eq!(stage.phone.messages().len(), 0);
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_number_that_never_comes_free_ends_the_sign_up_after_two_days() {
    let stage = Stage::with(crate::stage::Props { numbers: 0, ..Default::default() }).await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up().await;
    stage.verify(&signup).await;
    stage.becomes(&signup, "waitlisted").await;
    let mut looks = 0;
    while let Some(pause) = next_look(&stage, &signup).await {
        looks += 1;
        stage.advance(pause).await;
    }
    assert_eq!(looks, 96);
    let job = stage.run_becomes(&signup, State::Failed).await;
    assert!(job.summary.error.unwrap_or_default().contains("no number became free"));
    assert_eq!(Census::of(&stage.db, signup.tenant).await, Census::nothing("failed"));
    no_number_is_shared(&stage.db).await;
    stage.comes_to_rest().await;
}

/// How long until the next look at the pool; `None` when nobody looks any more.
async fn next_look(stage: &Stage, signup: &SignUp) -> Option<Duration> {
    tests::wait_until("the next look", async || {
        if stage.job_of(signup).await.summary.state.is_final() {
            return Some(None);
        }
        let due = stage.newest("allocate_number").await.due?;
        let pause = (due - stage.db.now().await).to_std().ok()?;
        (!pause.is_zero()).then_some(Some(pause))
    })
    .await
}
