//! Calls that outlive their worker.

use std::time::Duration;

use domain::voice::Outcome;
use rustix::process::Signal;
use tests::{holds, wait_until};

use crate::house::{House, is_full, streams};

#[tokio::test]
async fn a_call_whose_worker_is_killed_goes_on_with_another_that_knows_what_was_said() {
    let house = House::open().await;
    let first = house.worker(4).await;
    let ringing = house.stays("my name is Anna").await;
    let _second = house.worker(4).await;
    first.signal(Signal::KILL);
    house.hears(&ringing, 2).await;
    ringing.says("are you there");
    house.hears(&ringing, 3).await;
    ringing.live.hang_up();
    let story = house.ended(&ringing).await;
    assert_eq!((house.closed(&ringing).await, streams(&story)), (Some(Outcome::HungUp), 2));
    let sessions = house.model.realtime_sessions();
    let later = sessions.first().unwrap();
    let known = later.said.iter().any(|said| said.words == "my name is Anna");
    assert!(known, "{:?}", later.said);
    assert_eq!(story.heard().last(), Some(&"You said: are you there"));
}

#[tokio::test]
async fn a_worker_that_stops_hands_its_calls_over_and_none_is_cut() {
    let house = House::open().await;
    let mut first = house.worker(4).await;
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(house.stays("good day").await);
    }
    let _second = house.worker(4).await;
    first.signal(Signal::TERM);
    for call in &calls {
        house.hears(call, 2).await;
        call.says("go on");
        house.hears(call, 3).await;
        call.live.hang_up();
        let story = house.ended(call).await;
        assert_eq!(streams(&story), 2);
        assert_eq!(story.heard().last(), Some(&"You said: go on"));
        assert_eq!(house.closed(call).await, Some(Outcome::HungUp));
    }
    assert!(first.ended().await.success());
}

#[tokio::test]
async fn a_call_whose_line_breaks_comes_back_to_the_same_conversation() {
    let house = House::open().await;
    let _worker = house.worker(4).await;
    let ringing = house.stays("good day").await;
    // The run is taken away as if somebody had asked for it: the line stays, and its run comes back to it.
    let mut tx = house.engine.begin().await.unwrap();
    let job = wait_until("the job is claimed", async || {
        let mut rows = house.db.superuser().await;
        let id: Option<uuid::Uuid> = sqlx::query_scalar("select job_id from trunkline.leases")
            .fetch_optional(&mut rows)
            .await
            .unwrap();
        id
    })
    .await;
    assert!(tx.recall(job.into(), 1).await.unwrap());
    assert!(!tx.recall(job.into(), 1).await.unwrap(), "once");
    tx.commit().await.unwrap();
    wait_until("it is claimed again", async || {
        holds(house.db.number("select job_id from trunkline.leases where epoch = 2").await == 1)
    })
    .await;
    ringing.says("and now");
    house.hears(&ringing, 2).await;
    ringing.live.hang_up();
    let story = house.ended(&ringing).await;
    assert_eq!((house.closed(&ringing).await, streams(&story)), (Some(Outcome::HungUp), 1));
    assert_eq!(house.model.realtime_sessions().len(), 1, "the conversation has never ended");
}

#[tokio::test]
async fn a_call_goes_on_while_the_database_is_away_and_is_written_down_after_it() {
    if !is_full() {
        // It takes as long as a lease, a reconnection and a silence.
        return;
    }
    let house = House::open().await;
    let proxy = tests::Proxy::before(house.db.app_url()).await;
    let url = secrecy::ExposeSecret::expose_secret(proxy.url()).to_owned();
    let changes = [("DATABASE_URL", url.as_str()), ("DATABASE_DIRECT_URL", url.as_str())];
    let _worker = house.worker_with(4, &changes).await;
    let ringing = house.stays("good day").await;
    proxy.blacken();
    // Longer than the lease: the worker has let go of its runs by then.
    tokio::time::timeout(Duration::from_secs(5), std::future::pending::<()>()).await.ok();
    ringing.says("is anybody there");
    house.hears(&ringing, 2).await;
    assert_eq!(ringing.live.story().heard()[1], "You said: is anybody there");
    proxy.lighten();
    ringing.live.hang_up();
    let story = house.ended(&ringing).await;
    assert_eq!((house.closed(&ringing).await, streams(&story)), (Some(Outcome::HungUp), 1));
}
