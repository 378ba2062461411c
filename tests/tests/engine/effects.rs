//! An effect whose reply was lost is looked up, never blindly repeated.

use std::time::Duration;

use engine::State;

use crate::toy::{Act, Plan, Rig};

#[tokio::test]
async fn a_lost_reply_is_looked_up_and_adopted() {
    let rig = Rig::new().await;
    rig.world.plan("do:x", [Plan::Lost]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x")]).await;
    rig.skip_pause(id).await;
    rig.succeeds(id).await;
    assert_eq!((rig.world.count("do:x"), rig.world.count("probe:x"), rig.world.deeds()), (1, 1, 1));
}

#[tokio::test]
async fn what_did_not_happen_is_done_again() {
    let rig = Rig::new().await;
    rig.world.plan("do:x", [Plan::LostBefore]);
    rig.world.plan(
        "probe:x",
        [Plan::NotYet(Duration::from_hours(1)), Plan::NotYet(Duration::from_hours(1))],
    );
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x")]).await;
    rig.skip_pause(id).await;
    for looks in 1..=2 {
        rig.world.reached("probe:x", looks).await;
        let pause = rig.skip_pause(id).await;
        assert!(pause > Duration::from_mins(59), "{pause:?}");
    }
    rig.succeeds(id).await;
    assert_eq!((rig.world.count("do:x"), rig.world.count("probe:x"), rig.world.deeds()), (2, 3, 1));
}

#[tokio::test]
async fn what_nobody_can_tell_is_for_a_person() {
    let rig = Rig::new().await;
    rig.world.plan("do:x", [Plan::Lost]);
    rig.world.plan("probe:x", [Plan::CannotTell]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x")]).await;
    rig.skip_pause(id).await;
    rig.becomes_because(id, State::Parked, "unknown outcome").await;
    assert_eq!(rig.world.count("do:x"), 1);
    rig.retry(id).await;
    rig.succeeds(id).await;
    assert_eq!((rig.world.count("do:x"), rig.world.deeds()), (1, 1));
}

#[tokio::test]
async fn a_worker_that_dies_between_the_deed_and_its_record_does_not_do_it_twice() {
    let rig = Rig::new().await;
    rig.world.plan("do:x", [Plan::Gate]);
    let first = rig.worker().await;
    let id = rig.play([Act::step("a"), Act::deed("x"), Act::step("b")]).await;
    rig.world.reached("do:x", 1).await;
    let key =
        sqlx::query_scalar::<_, String>("select state from trunkline.effects where key = 'deed'")
            .fetch_one(rig.db.owner())
            .await
            .unwrap();
    assert_eq!(key, "intent", "committed before the deed");
    rig.bury(first).await;
    let _second = rig.worker().await;
    rig.succeeds(id).await;
    // The first one died before the provider had it: looked up, then done.
    assert_eq!((rig.world.count("probe:x"), rig.world.count("do:x"), rig.world.deeds()), (1, 2, 1));
}

#[tokio::test]
async fn a_deed_that_is_refused_for_good_can_be_tried_again_by_a_person() {
    let rig = Rig::new().await;
    rig.world.plan("do:x", [Plan::Permanent]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a"), Act::deed("x")]).await;
    rig.becomes_because(id, State::Failed, "do:x is closed").await;
    rig.retry(id).await;
    rig.succeeds(id).await;
    assert_eq!((rig.world.count("step:a"), rig.world.deeds()), (1, 1));
}

#[tokio::test]
async fn a_probe_that_fails_leaves_the_outcome_open_and_is_tried_again() {
    let rig = Rig::new().await;
    rig.world.plan("do:x", [Plan::Lost]);
    rig.world.plan("probe:x", [Plan::Retry]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x")]).await;
    rig.skip_pause(id).await;
    rig.world.reached("probe:x", 1).await;
    rig.skip_pause(id).await;
    rig.succeeds(id).await;
    assert_eq!((rig.world.count("do:x"), rig.world.count("probe:x")), (1, 2));
}

#[tokio::test]
async fn a_run_whose_story_is_cut_off_still_shows_its_whole_ledger() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a"), Act::deed("x")]).await;
    rig.succeeds(id).await;
    // A thousand steps before the deed, as a run of many hours has them.
    sqlx::query(
        "insert into trunkline.checkpoints (job_id, retention, key, form, output, attempt, started_at, finished_at)
         select job_id, retention, 'early ' || n, form, output, attempt, started_at, finished_at - interval '1 hour'
         from trunkline.checkpoints, generate_series(1, 1000) n where job_id = $1",
    )
    .bind(id.as_uuid())
    .execute(rig.db.owner())
    .await
    .unwrap();
    let job = rig.job(id).await;
    assert_eq!(job.steps.len(), 1000);
    assert_eq!(job.effects.len(), 1);
}
