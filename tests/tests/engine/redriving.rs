//! Dead letters, tried again: where they stopped, from a step, from scratch.

use engine::{
    CancelMode, DeadCount, DeadFilter, Enqueued, Error, Hold, JobId, NewJob, RedriveFrom, Refusal,
    State, Unique, Workflow,
};
use serde_json::json;

use crate::toy::{Act, Plan, Rig, Script, operator};

impl Rig {
    /// Tries a job again.
    async fn redrive(&self, id: JobId, from: RedriveFrom) -> Result<JobId, Error> {
        let mut tx = self.engine.begin().await?;
        let job = tx.redrive(id, &from, &operator()).await?;
        tx.commit().await?;
        Ok(job)
    }
}

fn step(name: &str) -> RedriveFrom {
    RedriveFrom::Step { name: name.to_owned(), despite_deeds: false }
}

fn refusal<T: std::fmt::Debug>(refused: Result<T, Error>) -> Refusal {
    match refused {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

/// A job that fails for good at its third step, with nothing to undo.
async fn dead(rig: &Rig) -> JobId {
    rig.world.plan("step:c", [Plan::Permanent]);
    let id = rig.play(["a", "b", "c"].map(Act::step)).await;
    rig.becomes(id, State::Failed).await;
    id
}

#[tokio::test]
async fn dead_letters_are_listed_and_counted() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let fine = rig.play([Act::step("a")]).await;
    rig.succeeds(fine).await;
    let kept = dead(&rig).await;
    let undone = rig.play([Act::deed("x"), Act::body("undo")]).await;
    rig.becomes(undone, State::Failed).await;
    let letters = rig.engine.dead_letters(&DeadFilter::default(), 10).await.unwrap();
    let found: Vec<_> = letters.iter().map(|letter| (letter.id, letter.undone)).collect();
    assert_eq!(found, [(undone, true), (kept, false)]);
    assert!(letters[1].error.as_deref().unwrap().contains("step:c is closed"), "{letters:?}");
    let filter =
        DeadFilter { undone: Some(false), kind: Some("script".to_owned()), older_than: None };
    assert_eq!(rig.engine.dead_letters(&filter, 10).await.unwrap().len(), 1);
    let older = DeadFilter { older_than: Some(undone), ..DeadFilter::default() };
    assert_eq!(rig.engine.dead_letters(&older, 10).await.unwrap()[0].id, kept);
    let count = |undone| DeadCount { kind: "script".to_owned(), undone, jobs: 1 };
    assert_eq!(rig.engine.dead_letter_count().await.unwrap(), [count(false), count(true)]);
}

#[tokio::test]
async fn a_dead_letter_goes_on_where_it_stopped() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = dead(&rig).await;
    assert_eq!(rig.redrive(id, RedriveFrom::Stop).await.unwrap(), id);
    rig.succeeds(id).await;
    assert_eq!(rig.world.story("step:"), ["a", "b", "c", "c"]);
    let again = rig.redrive(id, RedriveFrom::Stop).await;
    assert!(matches!(again, Err(Error::WrongState { state: State::Succeeded, .. })));
}

#[tokio::test]
async fn a_dead_letter_goes_on_from_a_step_and_what_it_had_recorded_is_kept() {
    let rig = Rig::new().await;
    let worker = rig.worker().await;
    let id = dead(&rig).await;
    assert_eq!(refusal(rig.redrive(id, step("nowhere")).await), Refusal::NoSuchStep);
    assert_eq!(rig.job(id).await.summary.state, State::Failed, "a refusal changes nothing");
    rig.redrive(id, step("b")).await.unwrap();
    rig.succeeds(id).await;
    assert_eq!(rig.world.story("step:"), ["a", "b", "c", "b", "c"]);
    let aside = format!("select from trunkline.superseded where job_id = '{id}' and key = 'b'");
    assert_eq!(rig.db.number(&aside).await, 1);
    let row = &rig.engine.audit(Some(id), None, 1).await.unwrap()[0];
    assert_eq!((row.action.as_str(), &row.details["step"]), ("job.redriven", &json!("b")));
    drop(worker);
}

#[tokio::test]
async fn no_redrive_repeats_a_deed() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let acts = [
        Act::step("a"),
        Act::deed("x"),
        Act::Line("once".to_owned()),
        Act::step("b"),
        Act::wait("go"),
    ];
    let id = rig.play(acts).await;
    rig.becomes(id, State::Waiting).await;
    rig.cancel_as(id, CancelMode::Graceful).await;
    rig.becomes(id, State::Cancelled).await;
    let refused = refusal(rig.redrive(id, step("a")).await);
    assert_eq!(refused, Refusal::Stands { entries: "deed, line".to_owned() });
    assert_eq!(refusal(rig.redrive(id, step("deed")).await), Refusal::IsADeed);
    let despite = RedriveFrom::Step { name: "a".to_owned(), despite_deeds: true };
    rig.redrive(id, despite).await.unwrap();
    rig.becomes(id, State::Waiting).await;
    rig.signal(id, "go", 1.into(), None).await;
    rig.succeeds(id).await;
    assert_eq!(rig.world.story("step:"), ["a", "b", "a", "b"]);
    assert_eq!(
        (rig.world.count("do:x"), rig.ledger().await.len()),
        (1, 1),
        "deeds are kept, not repeated"
    );
}

#[tokio::test]
async fn a_wait_from_which_a_run_goes_on_is_given_its_whole_time_again() {
    let rig = Rig::new().await;
    rig.world.plan("step:b", [Plan::Permanent]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::Wait("w".to_owned(), Some(600)), Act::step("b")]).await;
    rig.skip_pause(id).await;
    rig.becomes(id, State::Failed).await;
    rig.redrive(id, step("wait:w")).await.unwrap();
    let job = rig.becomes(id, State::Waiting).await;
    assert!(job.due.unwrap() - rig.db.now().await > chrono::TimeDelta::seconds(500));
    rig.skip_pause(id).await;
    rig.succeeds(id).await;
}

#[tokio::test]
async fn a_run_that_was_undone_is_tried_again_from_scratch_alone() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    rig.world.plan("step:a", [Plan::Permanent]);
    let id = rig.play([Act::deed("x"), Act::step("a")]).await;
    rig.becomes(id, State::Failed).await;
    for from in [RedriveFrom::Stop, step("a")] {
        assert_eq!(refusal(rig.redrive(id, from).await), Refusal::Undone);
    }
    let new = rig.redrive(id, RedriveFrom::Start).await.unwrap();
    rig.succeeds(new).await;
    assert_eq!((rig.world.count("do:x"), rig.world.deeds()), (2, 1));
    let job = rig.job(new).await;
    assert_eq!((job.origin_id, job.origin.as_deref()), (Some(id), Some("redrive")));
    assert_eq!(rig.job(id).await.summary.state, State::Failed, "the old one stays as it is");
}

#[tokio::test]
async fn a_new_job_takes_the_key_of_its_origin_if_nobody_has_it() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let keyed = |hold| {
        let job: NewJob = Script(vec![Act::step("k")]).job();
        job.unique(Unique::new("script", "k", hold))
    };
    rig.world.plan("step:k", [Plan::Permanent, Plan::Gate]);
    let id = rig.enqueue(keyed(Hold::WhileLive)).await;
    rig.becomes(id, State::Failed).await;
    let new = rig.redrive(id, RedriveFrom::Start).await.unwrap();
    rig.world.reached("step:k", 2).await;
    assert_eq!(refusal(rig.redrive(id, RedriveFrom::Start).await), Refusal::KeyTaken { by: new });
    rig.world.open("step:k");
    rig.succeeds(new).await;
}

#[tokio::test]
async fn of_ten_that_redrive_at_once_one_does() {
    let rig = Rig::new().await;
    let worker = rig.worker().await;
    let id = dead(&rig).await;
    drop(worker);
    let tries = futures::future::join_all(
        (0..10).map(|n| rig.redrive(id, if n % 2 == 0 { RedriveFrom::Stop } else { step("b") })),
    )
    .await;
    assert_eq!(tries.iter().filter(|tried| tried.is_ok()).count(), 1, "{tries:?}");
    assert_eq!(rig.engine.audit(Some(id), None, 10).await.unwrap().len(), 1);
    let _worker = rig.worker().await;
    rig.succeeds(id).await;
}

/// A job that keeps others with its key out as long as it lives.
fn keyed(act: &str) -> NewJob {
    let job: NewJob = Script(vec![Act::step("before"), Act::step(act)]).job();
    job.unique(Unique::new("script", "k", Hold::WhileLive))
}

#[tokio::test]
async fn no_job_is_tried_again_beside_another_that_has_its_key_by_now() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    rig.world.plan("step:k", [Plan::Permanent, Plan::Gate]);
    let id = rig.enqueue(keyed("k")).await;
    rig.becomes(id, State::Failed).await;
    let other = rig.enqueue(keyed("k")).await;
    rig.world.reached("step:k", 2).await;
    let taken = Refusal::KeyTaken { by: other };
    for from in [RedriveFrom::Stop, step("before"), RedriveFrom::Start] {
        assert_eq!(refusal(rig.redrive(id, from).await), taken);
    }
    let mut tx = rig.engine.begin().await.unwrap();
    assert_eq!(refusal(tx.retry(id, &operator()).await), taken);
    // Who goes on with other jobs has changed nothing about this one.
    tx.commit().await.unwrap();
    assert_eq!(rig.job(id).await.summary.state, State::Failed);
    rig.world.open("step:k");
    rig.succeeds(other).await;
    rig.retry(id).await;
    rig.succeeds(id).await;
    assert_eq!(rig.world.count("step:k"), 3);
}

#[tokio::test]
async fn a_job_that_is_tried_again_keeps_others_with_its_key_out_again() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    rig.world.plan("step:k", [Plan::Permanent, Plan::Gate]);
    let id = rig.enqueue(keyed("k")).await;
    rig.becomes(id, State::Failed).await;
    rig.redrive(id, RedriveFrom::Stop).await.unwrap();
    rig.world.reached("step:k", 2).await;
    let again = rig.engine.enqueue(keyed("k")).await.unwrap();
    assert_eq!(again, Enqueued::Duplicate(id));
    rig.world.open("step:k");
    rig.succeeds(id).await;
    let next = rig.engine.enqueue(keyed("k")).await.unwrap();
    assert!(matches!(next, Enqueued::New(_)), "with its end the key is free");
    rig.succeeds(next.id()).await;
}

#[tokio::test]
async fn of_ten_dead_letters_of_one_key_that_are_tried_again_at_once_one_goes_on() {
    let rig = Rig::new().await;
    let worker = rig.worker().await;
    rig.world.plan("step:k", vec![Plan::Permanent; 10]);
    let mut dead = Vec::new();
    for _ in 0..10 {
        let id = rig.enqueue(keyed("k")).await;
        rig.becomes(id, State::Failed).await;
        dead.push(id);
    }
    drop(worker);
    let tries =
        futures::future::join_all(dead.iter().map(|id| rig.redrive(*id, RedriveFrom::Stop))).await;
    let went: Vec<_> = tries.iter().filter_map(|tried| tried.as_ref().ok().copied()).collect();
    let [one] = went[..] else { panic!("{tries:?}") };
    for refused in tries.into_iter().filter(Result::is_err) {
        assert_eq!(refusal(refused), Refusal::KeyTaken { by: one });
    }
    let _worker = rig.worker().await;
    rig.succeeds(one).await;
}
