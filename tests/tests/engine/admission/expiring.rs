//! A job that could not begin in time fails instead of running late.

use std::time::Duration;

use engine::{Failure, Gates, JobId, Start, State, Workflow};
use serde::{Deserialize, Serialize};
use tests::{holds, wait_until};

use super::{at_once, gated};
use crate::toy::{Act, Plan, Rig, Script, Toy, registry};

const SOON: Duration = Duration::from_mins(5);

/// A kind whose runs have five minutes, behind the gate of the others here.
#[derive(Serialize, Deserialize)]
struct Hurried {}

impl Workflow<Toy> for Hurried {
    const KIND: &'static str = "hurried";
    const QUEUE: &'static str = "toys";
    const DEADLINE: Option<Duration> = Some(SOON);
    type Output = ();

    fn gates(&self) -> Gates {
        at_once(1)
    }

    async fn run(&self, _: &engine::Context<'_, Toy>) -> Result<(), Failure> {
        Ok(())
    }
}

/// Waits until a job says why it waits.
async fn says(rig: &Rig, id: JobId, text: &str) {
    wait_until(text, async || {
        let job = rig.job(id).await.summary;
        let said = job.error.unwrap_or_default();
        holds(job.state == State::Waiting && said.contains(text))
    })
    .await;
}

/// A job that has passed the gate of the others here, and stays.
async fn hog(rig: &Rig) -> JobId {
    rig.world.plan("step:hog", [Plan::Gate]);
    let hog = rig.enqueue(gated("hog", at_once(1))).await;
    rig.world.reached("step:hog", 1).await;
    hog
}

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

#[tokio::test]
async fn a_run_whose_deadline_passes_before_its_gate_fails_then_however_many_are_before_it() {
    let rig = Rig::with(registry().with::<Hurried>()).await;
    let _worker = rig.worker().await;
    let hog = hog(&rig).await;
    let mut kept = vec![rig.enqueue(gated("b", at_once(1)).deadline(SOON)).await];
    // More than one look takes of a lane.
    for _ in 0..20 {
        kept.push(rig.enqueue(Hurried {}.job()).await);
    }
    let due = rig.job(kept[20]).await;
    assert_eq!(due.due, Some(due.summary.created_at + SOON));
    rig.db.advance(SOON).await;
    for id in kept {
        rig.becomes_because(id, State::Failed, "deadline exceeded").await;
    }
    assert_eq!(rig.world.count("step:b"), 0);
    rig.world.open("step:hog");
    rig.succeeds(hog).await;
}

#[tokio::test]
async fn a_run_that_comes_back_before_its_gate_keeps_its_deadline_there() {
    let rig = Rig::new().await;
    let worker = rig.worker().await;
    let limited = |acts: Vec<Act>| Script(acts).job().gates(at_once(1)).deadline(SOON);
    let sleeper = rig.enqueue(limited(vec![Act::Sleep(60), Act::step("b")])).await;
    says(&rig, sleeper, "sleeping").await;
    let waiter = rig.enqueue(limited(vec![Act::wait("go"), Act::step("b")])).await;
    says(&rig, waiter, "waiting for go").await;
    let retried = rig.enqueue(limited(vec![Act::step("c")])).await;
    rig.world.plan("step:c", [Plan::RetryAfter(SOON)]);
    rig.becomes(retried, State::Scheduled).await;
    let hog = hog(&rig).await;
    rig.db.advance(Duration::from_mins(1)).await;
    rig.signal(waiter, "go", 1.into(), None).await;
    rig.retry(retried).await;
    for id in [sleeper, waiter, retried] {
        says(&rig, id, "before its gates").await;
    }
    // A worker that stops hands its job back there, too.
    let stopped = rig.enqueue(gated("d", Gates::none().at_once("other", "", 1)).deadline(SOON));
    let stopped = stopped.await;
    rig.world.plan("step:d", [Plan::Gate]);
    rig.world.reached("step:d", 1).await;
    rig.bury(worker).await;
    rig.world.plan("step:hog", [Plan::Gate]);
    rig.world.plan("step:d", [Plan::Gate]);
    let _other = rig.worker().await;
    rig.world.reached("step:hog", 2).await;
    rig.world.reached("step:d", 2).await;
    rig.db.advance(SOON).await;
    for id in [sleeper, waiter, retried] {
        rig.becomes_because(id, State::Failed, "deadline exceeded").await;
    }
    assert_eq!((rig.world.count("step:b"), rig.world.count("step:c")), (0, 1));
    for step in ["step:hog", "step:d"] {
        rig.world.open(step);
    }
    rig.succeeds(hog).await;
    rig.becomes(stopped, State::Succeeded).await;
}

#[tokio::test]
async fn a_job_that_the_version_before_put_before_its_gates_is_ended_by_whoever_looks_at_its_lane()
{
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let hog = hog(&rig).await;
    let kept = rig.enqueue(gated("b", at_once(1)).deadline(SOON)).await;
    let nothing = "update trunkline.waits set due = null where blocked";
    sqlx::query(nothing).execute(rig.db.owner()).await.unwrap();
    rig.db.advance(SOON).await;
    rig.becomes_because(kept, State::Failed, "deadline exceeded").await;
    rig.world.open("step:hog");
    rig.succeeds(hog).await;
}
