//! A run has a deadline: over, it fails for good and is undone, wherever it stands.

use std::time::Duration;

use engine::{State, Workflow};
use tests::{holds, wait_until};

use crate::toy::{Act, Plan, Rig, Script};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test]
async fn a_run_that_waits_beyond_its_deadline_fails_and_is_undone() {
    let rig = Rig::new().await;
    let first = rig.worker().await;
    for last in [
        Act::wait("never"),
        Act::Sleep(7200),
        Act::Wait("never".to_owned(), Some(7200)),
        Act::Any(vec!["a".to_owned(), "b".to_owned()], None),
        Act::Child(vec![Act::wait("never")]),
    ] {
        let id = rig.enqueue(Script(vec![Act::deed("x"), last]).job().deadline(HOUR)).await;
        let job = rig.becomes(id, State::Waiting).await;
        let due = job.due.expect("it comes back for its deadline");
        assert_eq!(due, job.summary.created_at + HOUR);
    }
    rig.bury(first).await;
    let _second = rig.worker().await;
    rig.db.advance(HOUR).await;
    let failed = "select from trunkline.outcomes where state = 'failed' and error::text like '%deadline exceeded%'";
    wait_until("all have failed", async || holds(rig.db.number(failed).await == 5)).await;
    wait_until("the child, too", async || {
        holds(rig.db.number("select from trunkline.outcomes").await == 6)
    })
    .await;
    assert_eq!(rig.world.deeds(), 0);
}

#[tokio::test]
async fn a_run_notices_its_deadline_at_its_next_boundary() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let _worker = rig.worker().await;
    let second = Duration::from_secs(3);
    // The worker's idea of the time lags by what its claim took to reach it: then the wait brings it back at once.
    let acts = vec![Act::deed("x"), Act::step("a"), Act::wait("never"), Act::step("b")];
    let id = rig.enqueue(Script(acts).job().deadline(second)).await;
    rig.world.reached("step:a", 1).await;
    let over = rig.job(id).await.summary.created_at + second;
    wait_until("the deadline", async || holds(rig.db.now().await > over)).await;
    rig.world.open("step:a");
    rig.becomes_because(id, State::Failed, "deadline exceeded").await;
    assert_eq!((rig.world.deeds(), rig.world.count("step:b")), (0, 0));
}

#[tokio::test]
async fn a_run_whose_deadline_passed_before_it_began_never_begins() {
    let rig = Rig::new().await;
    let id = rig.enqueue(Script(vec![Act::step("a")]).job().deadline(HOUR)).await;
    rig.db.advance(HOUR).await;
    let _worker = rig.worker().await;
    rig.becomes_because(id, State::Failed, "deadline exceeded").await;
    assert_eq!(rig.world.count("step:a"), 0);
}

#[tokio::test]
async fn an_undo_has_no_deadline() {
    let rig = Rig::new().await;
    rig.world.plan("undo:x", [Plan::Retry, Plan::Retry]);
    let _worker = rig.worker().await;
    let acts = vec![Act::deed("x"), Act::wait("never")];
    let id = rig.enqueue(Script(acts).job().deadline(HOUR)).await;
    rig.becomes(id, State::Waiting).await;
    rig.db.advance(HOUR).await;
    for times in 1..=2 {
        rig.world.reached("undo:x", times).await;
        let pause = rig.skip_pause(id).await;
        assert!(pause > Duration::from_mins(1), "not cut short: {pause:?}");
    }
    rig.becomes_because(id, State::Failed, "deadline exceeded").await;
    assert_eq!(rig.world.deeds(), 0);
}

#[tokio::test]
async fn a_pause_between_two_attempts_ends_with_the_deadline() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::RetryAfter(10 * HOUR)]);
    let _worker = rig.worker().await;
    let id = rig.enqueue(Script(vec![Act::deed("x"), Act::step("a")]).job().deadline(HOUR)).await;
    rig.becomes(id, State::Scheduled).await;
    rig.db.advance(HOUR).await;
    rig.becomes_because(id, State::Failed, "deadline exceeded").await;
    assert_eq!((rig.world.deeds(), rig.world.count("step:a")), (0, 1));
}

#[tokio::test]
async fn past_its_pivot_a_run_that_is_over_is_for_a_person() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let acts = vec![Act::deed("x"), Act::pivot("paid"), Act::wait("go")];
    let id = rig.enqueue(Script(acts).job().deadline(HOUR)).await;
    rig.becomes(id, State::Waiting).await;
    rig.db.advance(HOUR).await;
    rig.becomes_because(id, State::Parked, "pivot: deadline exceeded").await;
    assert_eq!(rig.world.deeds(), 1);
    rig.db.may_leave_jobs();
}
