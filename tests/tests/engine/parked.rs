//! A run that waits for a person says what has to be decided, and where it stands.

use engine::{Cause, Ending, JobId, ParkedFilter, ParkedRun, State};

use crate::toy::{Act, Plan, Rig};

async fn parked(rig: &Rig, id: JobId) -> ParkedRun {
    rig.becomes(id, State::Parked).await;
    rig.engine.parked_run(id).await.unwrap().expect("a parked run")
}

#[tokio::test]
async fn every_parked_run_says_its_cause_and_where_it_stands() {
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    rig.world.plan("undo:x", [Plan::Permanent]);
    rig.world.plan("do:y", [Plan::LostBefore]);
    rig.world.plan("probe:y", [Plan::CannotTell]);
    rig.world.plan("do:z", [Plan::Lost]);
    rig.world.plan("probe:z", [Plan::Permanent]);
    let _worker = rig.worker().await;
    let undo = rig.play([Act::deed("x"), Act::body("undo")]).await;
    let lost = rig.play([Act::step("a"), Act::deed("y")]).await;
    let unprobed = rig.play([Act::deed("z")]).await;
    for id in [lost, unprobed] {
        rig.becomes(id, State::Scheduled).await;
    }
    rig.db.advance(std::time::Duration::from_mins(21)).await;
    let run = parked(&rig, undo).await;
    assert_eq!((run.cause, run.entry.as_deref()), (Some(Cause::UndoFailed), Some("deed")));
    assert!(run.compensating && run.claim > 0);
    for id in [lost, unprobed] {
        let run = parked(&rig, id).await;
        assert_eq!((run.cause, run.entry.as_deref()), (Some(Cause::UnknownOutcome), Some("deed")));
        assert!(!run.compensating);
    }
    let filter = ParkedFilter { cause: Some(Cause::UndoFailed), ..ParkedFilter::default() };
    let found = rig.engine.parked(&filter, 10).await.unwrap();
    assert_eq!(found.iter().map(|run| run.id).collect::<Vec<_>>(), [undo]);
    let all = rig.engine.parked(&ParkedFilter::default(), 10).await.unwrap();
    assert_eq!(all.iter().map(|run| run.id).collect::<Vec<_>>(), [unprobed, lost, undo]);
    let older = ParkedFilter { older_than: Some(unprobed), ..ParkedFilter::default() };
    assert_eq!(rig.engine.parked(&older, 1).await.unwrap()[0].id, lost);
    let counts = rig.engine.parked_count().await.unwrap();
    assert_eq!(counts, [(Some(Cause::UndoFailed), 1), (Some(Cause::UnknownOutcome), 2)]);
}

#[tokio::test]
async fn a_run_whose_code_has_changed_says_that_it_diverged() {
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    let _worker = rig.worker().await;
    let id = rig.play([Act::step("a"), Act::wait("go")]).await;
    rig.becomes(id, State::Waiting).await;
    let changed = "update trunkline.checkpoints set form = 'transaction' where key = 'a'";
    sqlx::query(changed).execute(rig.db.owner()).await.unwrap();
    rig.signal(id, "go", 1.into(), None).await;
    let run = parked(&rig, id).await;
    assert_eq!((run.cause, run.entry.as_deref()), (Some(Cause::Diverged), Some("a")));
}

#[tokio::test]
async fn a_run_whose_handler_breaks_in_every_attempt_gives_up() {
    let rig = Rig::new().await;
    let id = rig.play([Act::step("a")]).await;
    // The pool's own time limit, say: the body has no word in it.
    let breaking = rig.breaking_worker(|| Ending::broken("the handler broke")).await;
    for times in 1..3 {
        rig.claimed(id, times).await;
        rig.becomes(id, State::Scheduled).await;
        rig.skip_pause(id).await;
    }
    let run = parked(&rig, id).await;
    assert_eq!((run.cause, run.entry), (Some(Cause::GaveUp), None));
    drop(breaking);
    let _worker = rig.worker().await;
    rig.retry(id).await;
    rig.succeeds(id).await;
}
