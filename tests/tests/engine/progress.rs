//! Live progress: for people, throttled, fenced, and gone with the run.

use engine::State;
use serde_json::json;
use tests::{holds, wait_until};

use crate::toy::{Act, Plan, Rig};

#[tokio::test]
async fn a_run_says_how_far_it_is_while_it_lives() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let first = rig.worker().await;
    let id = rig.play([Act::Progress(3, 1000), Act::step("a"), Act::wait("go")]).await;
    rig.world.reached("step:a", 1).await;
    let seen = wait_until("its first word", async || rig.job(id).await.progress).await;
    assert_eq!((seen.done, seen.total, seen.note.as_str()), (3, Some(1000), "3 of 1000"));
    rig.world.open("step:a");
    rig.becomes(id, State::Waiting).await;
    rig.bury(first).await;
    let _second = rig.worker().await;
    rig.signal(id, "go", json!(1), None).await;
    rig.succeeds(id).await;
    assert!(rig.job(id).await.progress.is_none());
    assert_eq!(rig.db.number("select from trunkline.progress").await, 0);
}

#[tokio::test]
async fn a_thousand_words_are_one_write_and_the_last_of_them_counts() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let counted = "create table toy.words (n int); grant all on toy.words to trunkline_app;
        create function toy.word() returns trigger language plpgsql as
            $$ begin insert into toy.words values (1); return null; end $$;
        create trigger word after insert or update on trunkline.progress
            for each row execute function toy.word()";
    sqlx::raw_sql(counted).execute(rig.db.owner()).await.unwrap();
    let mut acts: Vec<_> = (1..=1000).map(|done| Act::Progress(done, 1000)).collect();
    acts.push(Act::wait("go"));
    let id = rig.play(acts).await;
    rig.becomes(id, State::Waiting).await;
    let job = wait_until("the last word", async || {
        let job = rig.job(id).await;
        job.progress.as_ref().is_some_and(|said| said.done == 1000).then_some(job)
    })
    .await;
    assert_eq!(job.steps.len(), 0, "it is no checkpoint: {:?}", job.steps);
    let words = rig.db.number("select from toy.words").await;
    assert!(words <= 5, "{words} writes");
    rig.signal(id, "go", json!(1), None).await;
    rig.succeeds(id).await;
}

#[tokio::test]
async fn a_late_word_of_a_worker_that_lost_the_job_does_not_count() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let mut frozen = rig.worker().await;
    let id = rig.play([Act::step("a"), Act::Progress(1, 2)]).await;
    rig.world.reached("step:a", 1).await;
    frozen.freeze();
    rig.db.end_lease_of(frozen.name()).await;
    let _second = rig.worker().await;
    rig.succeeds(id).await;
    rig.world.open("step:a");
    frozen.thaw();
    wait_until("the frozen one lets go", async || holds(frozen.in_hand() == 0)).await;
    assert_eq!(rig.db.number("select from trunkline.progress").await, 0);
}
