//! A job that could not begin in time fails instead of running late.

use std::time::Duration;

use engine::{Start, State, Workflow};

use super::{at_once, gated};
use crate::toy::{Act, Plan, Rig, Script};

const SOON: Duration = Duration::from_mins(5);

#[tokio::test]
async fn a_job_whose_time_is_over_before_it_begins_fails_and_never_runs() {
    let rig = Rig::new().await;
    let late = rig.enqueue(Script(vec![Act::step("a")]).job().expires_after(SOON)).await;
    rig.db.advance(SOON + Duration::from_secs(1)).await;
    let _worker = rig.worker().await;
    rig.becomes_because(late, State::Failed, "expired").await;
    assert_eq!(rig.world.count("step:a"), 0);
}

#[tokio::test]
async fn a_job_that_has_begun_in_time_may_take_its_time() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Retry, Plan::Fine]);
    let _worker = rig.worker().await;
    let job = rig.enqueue(Script(vec![Act::step("a")]).job().expires_after(SOON)).await;
    rig.becomes(job, State::Scheduled).await;
    assert!(rig.skip_pause(job).await > SOON);
    rig.succeeds(job).await;
}

#[tokio::test]
async fn a_job_that_expires_before_its_gate_or_its_time_is_swept_out() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let running = rig.enqueue(gated("a", at_once(1))).await;
    let _worker = rig.worker().await;
    rig.world.reached("step:a", 1).await;
    let kept = rig.enqueue(gated("b", at_once(1)).expires_after(SOON)).await;
    let later = gated("b", at_once(1)).start(Start::After(Duration::from_hours(1)));
    let later = rig.enqueue(later.expires_after(SOON)).await;
    rig.db.advance(SOON + Duration::from_secs(1)).await;
    for id in [kept, later] {
        rig.becomes_because(id, State::Failed, "expired").await;
    }
    assert_eq!(rig.world.count("step:b"), 0);
    rig.world.open("step:a");
    rig.succeeds(running).await;
}
