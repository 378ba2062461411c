//! A committed step never runs again; a transaction's writes happen exactly once.

use engine::State;
use serde_json::{Value, json};

use crate::toy::{Act, Plan, Rig};

fn acts(names: &[&str]) -> Vec<Act> {
    names.iter().map(|name| Act::step(name)).collect()
}

#[tokio::test]
async fn steps_that_are_done_do_not_run_again_when_a_later_one_is_retried() {
    let rig = Rig::new().await;
    rig.world.plan("step:b", [Plan::Retry, Plan::Retry]);
    let _worker = rig.worker().await;
    let id = rig.play(acts(&["a", "b", "c"])).await;
    rig.skip_pause(id).await;
    rig.world.reached("step:b", 2).await;
    rig.skip_pause(id).await;
    assert_eq!(rig.succeeds(id).await, [1, 3, 1]);
    assert_eq!(rig.world.story("step:"), ["a", "b", "b", "b", "c"]);
    let job = rig.job(id).await;
    assert_eq!(job.summary.attempt, 0, "a step's retries are not the job's");
    assert_eq!(job.steps.iter().filter(|step| step.state == "failed").count(), 2);
}

#[tokio::test]
async fn steps_that_are_done_do_not_run_again_when_the_worker_dies() {
    let rig = Rig::new().await;
    rig.world.plan("step:b", [Plan::Gate]);
    let first = rig.worker().await;
    let mut script = acts(&["a", "b", "c"]);
    script.insert(1, Act::Line("written".to_owned()));
    let id = rig.play(script).await;
    rig.world.reached("step:b", 1).await;
    rig.bury(first).await;
    let _second = rig.worker().await;
    rig.succeeds(id).await;
    assert_eq!(rig.world.story("step:"), ["a", "b", "b", "c"]);
    assert_eq!(rig.ledger().await, [("written".to_owned(), 0)]);
    assert_eq!(rig.epoch(id).await, 2);
}

#[tokio::test]
async fn the_same_name_twice_is_two_steps() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play(acts(&["a", "a", "a"])).await;
    assert_eq!(rig.succeeds(id).await, [1, 2, 3]);
}

#[tokio::test]
async fn two_steps_at_once_keep_what_is_done_when_one_is_retried() {
    let rig = Rig::new().await;
    rig.world.plan("step:b", [Plan::Retry]);
    let _worker = rig.worker().await;
    let id = rig.play([Act::Join("a".to_owned(), "b".to_owned())]).await;
    rig.skip_pause(id).await;
    assert_eq!(rig.succeeds(id).await, [json!([1, 2])]);
    assert_eq!(rig.world.count("step:a"), 1);
}

#[tokio::test]
async fn a_transaction_that_fails_at_its_commit_is_a_failed_attempt_and_writes_nothing() {
    let rig = Rig::new().await;
    let constraint = "create function toy.refuse() returns trigger language plpgsql as
        $$ begin if new.line = 'not at commit' then raise check_violation; end if; return null; end $$;
        create constraint trigger refuse after insert on toy.ledger deferrable initially deferred
            for each row execute function toy.refuse()";
    sqlx::raw_sql(constraint).execute(rig.db.owner()).await.unwrap();
    let _worker = rig.worker().await;
    let id = rig.play([Act::BadCommit]).await;
    let job = rig.becomes(id, State::Scheduled).await;
    assert_eq!(job.steps.len(), 1, "{:?}", job.steps);
    assert_eq!(rig.ledger().await, []);
    rig.cancel(id).await;
    rig.becomes(id, State::Cancelled).await;
}

#[tokio::test]
async fn an_output_that_cannot_be_kept_is_a_clear_failure() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let too_large = rig.play([Act::Letters(300 * 1024)]).await;
    rig.becomes_because(too_large, State::Failed, "cannot be stored").await;
    let nul = rig.play([Act::Nul]).await;
    rig.becomes_because(nul, State::Failed, "U+0000").await;
    let deep = (0..100).fold(Value::Null, |inner, _| json!([inner]));
    let refused = rig.engine.enqueue(engine::NewJob::of_kind("script", "toys", deep)).await;
    assert!(matches!(refused, Err(engine::Error::BadJson(_))), "{refused:?}");
}

#[tokio::test]
async fn a_stored_output_that_does_not_fit_parks_the_run_until_the_code_is_back() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.play([Act::Number("n".to_owned()), Act::wait("go")]).await;
    rig.becomes(id, State::Waiting).await;
    let change = "update trunkline.checkpoints set output = $1 where key = 'n'";
    sqlx::query(change).bind(json!("text")).execute(rig.db.owner()).await.unwrap();
    rig.signal(id, "go", json!(1), None).await;
    rig.becomes_because(id, State::Parked, "diverged").await;
    sqlx::query(change).bind(json!(1)).execute(rig.db.owner()).await.unwrap();
    rig.retry(id).await;
    assert_eq!(rig.succeeds(id).await, [1, 1]);
}

#[tokio::test]
async fn arguments_that_do_not_fit_park_the_run() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let id = rig.enqueue(engine::NewJob::of_kind("script", "toys", json!({"no": "script"}))).await;
    rig.becomes_because(id, State::Parked, "the arguments do not fit").await;
    rig.cancel(id).await;
    rig.becomes(id, State::Cancelled).await;
}
