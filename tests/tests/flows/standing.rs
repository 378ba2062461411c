//! How much a demo may be used, and how all of them stand.

use std::time::Duration;

use domain::{
    call_limits::{self, MayCall, Refused},
    scope,
};

use crate::{demos::a_call, stage::Stage};

#[tokio::test]
async fn a_demo_has_so_many_calls_a_day_and_so_much_talk_in_all() {
    let stage = Stage::with(crate::stage::Props {
        variables: vec![("DEMO_MAX_DAILY_CALLS", "3")],
        ..Default::default()
    })
    .await;
    let _worker = stage.worker().await;
    let signup = stage.demo().await;
    let may = async || {
        let mut tx = stage.engine.begin().await.unwrap();
        scope::tenant(&mut tx, signup.tenant).await.unwrap();
        call_limits::may_call(&mut tx, signup.tenant).await.unwrap()
    };
    let yes = |calls_left, secs| MayCall::Yes { calls_left, talk_left: Duration::from_secs(secs) };
    assert_eq!(may().await, yes(2, 7200));
    stage.advance(Duration::from_mins(1)).await;
    a_call(&stage, &signup, "completed", 600, "1 second").await;
    a_call(&stage, &signup, "completed", 60, "1 second").await;
    assert_eq!(may().await, yes(0, 6540));
    a_call(&stage, &signup, "completed", 0, "1 second").await;
    assert_eq!(may().await, MayCall::No(Refused::DailyCalls));
    stage.advance(Duration::from_hours(24)).await;
    assert_eq!(may().await, yes(2, 6540), "a new day, the same talk");
    a_call(&stage, &signup, "in-progress", 0, "2 hours").await;
    assert_eq!(may().await, MayCall::No(Refused::TalkTime), "what goes on counts, too");
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn how_the_product_stands_is_counted_once_for_everybody() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let (one, _two) = (stage.demo().await, stage.demo().await);
    stage.order(&one, "convert").await;
    stage.run(workflows::take_vitals::TakeVitals {}).await;
    stage.advance(Duration::from_secs(30)).await;
    let mut tx = stage.engine.begin().await.unwrap();
    let (vitals, age_secs) = domain::vitals::last(&mut tx).await.unwrap().unwrap();
    assert!((30.0..60.0).contains(&age_secs), "{age_secs}");
    assert_eq!((vitals.active_demos, vitals.allocated, vitals.available), (1, 2, 8));
    assert_eq!((vitals.conversion_ratio, vitals.verification_ratio), (Some(1.0), Some(1.0)));
    assert_eq!(vitals.delivery_ratio, Some(1.0));
    assert!(vitals.creation_secs_mean.is_some_and(|secs| secs >= 0.0));
    assert_eq!(vitals.demo_secs_mean, None);
    drop(tx);
    stage.comes_to_rest().await;
}
