//! What is over goes when it is older than it is kept, and not a piece of what is still needed.

use std::time::Duration;

use engine::{InboxEntry, JobId, Keep, NewJob, State, Workflow};
use serde_json::json;
use tests::{holds, wait_until};

use crate::toy::{Act, Rig, Script};

const DAY: Duration = Duration::from_hours(24);

/// An id as it was made so many days ago, and the pieces that it belongs into.
async fn id_of(rig: &Rig, days_ago: i32) -> JobId {
    // Its locks may cross those of a worker that is busy; then one of the two gives up.
    wait_until("the pieces are there", async || {
        sqlx::query("select trunkline.partitions_make(trunkline.now() - $1 * interval '1 day', 0)")
            .bind(days_ago)
            .execute(rig.db.owner())
            .await
            .ok()
    })
    .await;
    let id: sqlx::types::Uuid = sqlx::query_scalar(
        "select (left(trunkline.uuid_floor(trunkline.now() - $1 * interval '1 day')::text, 14)
                 || '7' || right(gen_random_uuid()::text, 21))::uuid",
    )
    .bind(days_ago)
    .fetch_one(rig.db.owner())
    .await
    .unwrap();
    id.into()
}

async fn play_old(rig: &Rig, days_ago: i32, acts: Vec<Act>) -> JobId {
    let id = id_of(rig, days_ago).await;
    rig.enqueue(Script(acts).job().id(id)).await
}

async fn rows_of(rig: &Rig, id: JobId) -> Vec<i64> {
    let mut rows = Vec::new();
    for table in ["jobs", "outcomes", "checkpoints", "effects", "failures"] {
        let of = format!("select from trunkline.{table} where job_id = '{id}'");
        rows.push(rig.db.number(&of).await);
    }
    rows
}

/// Forgets until a run is gone: the worker does so, too, and then this call leaves it to that.
async fn gone(rig: &Rig, id: JobId) {
    wait_until("the run is gone", async || {
        rig.engine.forget(&Keep::default()).await.ok()?;
        let rows = rows_of(rig, id).await;
        assert!(rows.iter().all(|rows| *rows == 0) || rows[0] == 1, "it goes as a whole: {rows:?}");
        holds(rows[0] == 0)
    })
    .await;
}

#[tokio::test]
async fn what_is_older_than_it_is_kept_goes_and_a_sleepers_past_stays() {
    let rig = Rig::new().await;
    let worker = rig.worker().await;
    let old = play_old(&rig, 60, vec![Act::step("one"), Act::deed("two")]).await;
    rig.becomes(old, State::Succeeded).await;
    let sleeper =
        play_old(&rig, 40, vec![Act::step("one"), Act::Sleep(60 * 86_400), Act::step("two")]).await;
    rig.becomes(sleeper, State::Waiting).await;
    let younger = play_old(&rig, 20, vec![Act::step("one")]).await;
    rig.becomes(younger, State::Succeeded).await;

    // Its ids are old, but it ended just now: it is kept from its end.
    rig.engine.forget(&Keep::default()).await.unwrap();
    assert_eq!(rows_of(&rig, old).await, [1, 1, 1, 1, 0]);

    rig.db.advance(31 * DAY).await;
    gone(&rig, old).await;
    assert_eq!(rig.engine.job(old).await.unwrap().map(|job| job.summary.state), None);
    assert_eq!(rows_of(&rig, sleeper).await[2], 2, "its step and its deadline");
    assert_eq!(rows_of(&rig, younger).await[0], 1, "younger than the oldest live run");

    rig.db.advance(30 * DAY).await;
    rig.becomes(sleeper, State::Succeeded).await;
    assert_eq!(rig.world.count("step:one"), 3, "no step of the sleeper ran again");
    rig.db.advance(31 * DAY).await;
    gone(&rig, sleeper).await;
    gone(&rig, younger).await;
    drop(worker);
}

#[tokio::test]
async fn dropping_waits_for_no_reader_and_is_done_once_by_several() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let old = play_old(&rig, 60, vec![Act::step("one")]).await;
    rig.becomes(old, State::Succeeded).await;
    rig.db.advance(31 * DAY).await;

    let mut reader = rig.db.owner().begin().await.unwrap();
    sqlx::query("select count(*) from trunkline.jobs").execute(&mut *reader).await.unwrap();
    let began = std::time::Instant::now();
    rig.engine.forget(&Keep::default()).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(2), "it gives up at once");
    let fresh = rig.play([Act::step("two")]).await;
    rig.becomes(fresh, State::Succeeded).await;
    reader.rollback().await.unwrap();

    let keep = Keep::default();
    let (one, two) = tokio::join!(rig.engine.forget(&keep), rig.engine.forget(&keep));
    one.unwrap();
    two.unwrap();
    gone(&rig, old).await;
    assert_eq!(rows_of(&rig, fresh).await[0], 1);
}

#[tokio::test]
async fn a_piece_that_cannot_be_made_holds_up_no_other() {
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    // A job of next year stands in the default partition, so the piece for it cannot be made any more.
    sqlx::query(
        "insert into trunkline.jobs (job_id, retention, kind_id, queue_id, args)
         select trunkline.uuid_floor(trunkline.now() + interval '365 days'), 1, 1, 1, '[]'",
    )
    .execute(rig.db.owner())
    .await
    .unwrap();
    let made: i32 = sqlx::query_scalar(
        "select trunkline.partitions_make(trunkline.now() + interval '365 days', 0)",
    )
    .fetch_one(rig.db.owner())
    .await
    .unwrap();
    assert_eq!(made, 14, "all but the one");
    sqlx::query("delete from trunkline.jobs").execute(rig.db.owner()).await.unwrap();
}

#[tokio::test]
async fn a_post_is_known_as_long_as_it_is_kept() {
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    let entry = InboxEntry {
        provider: "acme",
        dedupe_key: "evt-1".to_owned(),
        object_key: "o".to_owned(),
        payload: json!({}),
    };
    let deliver = async || {
        let mut tx = rig.engine.begin().await.unwrap();
        let job = NewJob::of_kind("script", "toys", json!([]));
        let delivery = tx.receive(&entry, job).await.unwrap();
        tx.commit().await.unwrap();
        delivery == engine::Delivery::First
    };
    assert!(deliver().await);
    rig.db.advance(29 * DAY).await;
    rig.engine.forget(&Keep::default()).await.unwrap();
    assert!(!deliver().await);
    rig.db.advance(2 * DAY).await;
    rig.engine.forget(&Keep::default()).await.unwrap();
    assert!(deliver().await);
}
