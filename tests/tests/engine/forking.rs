//! A new run that goes on from a step of a finished one.

use engine::{CancelMode, Error, JobId, Refusal, State};
use serde_json::json;

use crate::toy::{Act, Plan, Rig, operator};

impl Rig {
    /// Forks a run.
    async fn fork(&self, id: JobId, step: &str) -> Result<JobId, Error> {
        let mut tx = self.engine.begin().await?;
        let fork = tx.fork(id, step, &operator()).await?;
        tx.commit().await?;
        Ok(fork)
    }
}

fn refusal(refused: Result<JobId, Error>) -> Refusal {
    match refused {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_fork_is_lent_what_its_origin_had_recorded_and_does_the_rest_anew() {
    let rig = Rig::new().await;
    let worker = rig.worker().await;
    let acts = [
        Act::step("a"),
        Act::deed("x"),
        Act::entry("line"),
        Act::Child(vec![Act::step("of the child")]),
        Act::step("b"),
        Act::deed("y"),
    ];
    let id = rig.play(acts).await;
    let first = rig.succeeds(id).await;
    let fork = rig.fork(id, "b").await.unwrap();
    let second = rig.succeeds(fork).await;
    assert_eq!(first[..4], second[..4], "lent");
    assert_eq!(second[4], json!(2));
    assert_ne!(first[5], second[5], "a deed of its own, under a key of its own");
    assert_eq!(rig.world.story("do:"), ["x", "y", "y"]);
    assert_eq!(rig.world.story("step:"), ["a", "of the child", "b", "b"]);
    assert_eq!(rig.ledger().await.len(), 1);
    let job = rig.job(fork).await;
    assert_eq!((job.origin_id, job.origin.as_deref()), (Some(id), Some("fork")));
    assert_eq!(job.effects.len(), 1, "its ledger holds its own deeds");
    assert_eq!(rig.engine.audit(Some(id), None, 1).await.unwrap()[0].details["new"], json!(fork));
    drop(worker);
}

#[tokio::test]
async fn a_fork_never_undoes_what_its_origin_did() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x"), Act::step("a"), Act::deed("y"), Act::step("b")]).await;
    rig.succeeds(id).await;
    rig.world.plan("step:b", [Plan::Permanent]);
    let fork = rig.fork(id, "a").await.unwrap();
    rig.becomes(fork, State::Failed).await;
    assert_eq!((rig.world.story("undo:"), rig.world.deeds()), (vec!["y".to_owned()], 2));
    rig.world.plan("step:b", [Plan::Permanent]);
    let fork = rig.fork(id, "b").await.unwrap();
    rig.becomes(fork, State::Failed).await;
    assert_eq!(rig.world.deeds(), 2, "nothing of its own, nothing to undo");
}

#[tokio::test]
async fn a_fork_survives_the_worker_that_began_it() {
    let rig = Rig::new().await;
    let first = rig.worker().await;
    let id = rig.play([Act::deed("x"), Act::step("a"), Act::step("b")]).await;
    rig.succeeds(id).await;
    rig.world.plan("step:b", [Plan::Gate]);
    let fork = rig.fork(id, "b").await.unwrap();
    rig.world.reached("step:b", 2).await;
    rig.bury(first).await;
    let _second = rig.worker().await;
    rig.succeeds(fork).await;
    assert_eq!((rig.world.count("do:x"), rig.world.count("step:a")), (1, 1));
}

#[tokio::test]
async fn a_fork_waits_for_the_end_of_its_origins_child_as_the_origin_did() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig
        .play([
            Act::Child(vec![Act::step("of the child")]),
            Act::step("a"),
            Act::Wait("w".to_owned(), Some(9)),
        ])
        .await;
    rig.skip_pause(id).await;
    let first = rig.succeeds(id).await;
    // From the child's own place on, the fork has a child of its own; from after it, the origin's end counts.
    let fork = rig.fork(id, "wait:script").await.unwrap();
    rig.becomes(fork, State::Waiting).await;
    rig.skip_pause(fork).await;
    assert_eq!(rig.succeeds(fork).await[0], first[0]);
    assert_eq!(rig.world.count("step:of the child"), 1);
}

#[tokio::test]
async fn what_is_taken_back_or_unclear_is_not_lent() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::deed("x"), Act::step("a"), Act::body("undo")]).await;
    rig.becomes(id, State::Failed).await;
    assert_eq!(refusal(rig.fork(id, "a").await), Refusal::IsUndone { entry: "deed".to_owned() });
    assert_eq!(refusal(rig.fork(id, "nowhere").await), Refusal::NoSuchStep);
    rig.world.plan("do:y", [Plan::Lost]);
    let open = rig.play([Act::step("a"), Act::deed("y")]).await;
    rig.becomes(open, State::Scheduled).await;
    let mut tx = rig.engine.begin().await.unwrap();
    let live = tx.fork(open, "a", &operator()).await;
    assert!(matches!(live, Err(Error::WrongState { state: State::Scheduled, .. })));
    drop(tx);
    rig.cancel_as(open, CancelMode::Terminate).await;
    rig.becomes(open, State::Cancelled).await;
    let refused = refusal(rig.fork(open, "deed").await);
    assert_eq!(refused, Refusal::OutcomeIsUnknown { entry: "deed".to_owned() });
    let fork = rig.fork(open, "a").await.unwrap();
    rig.succeeds(fork).await;
    assert!(matches!(rig.fork(JobId::mint(), "a").await, Err(Error::NoSuchJob)));
}
