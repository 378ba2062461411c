//! Lost replies, lost sessions, poisoned neighbours: what is acknowledged is there, once.

use std::time::Duration;

use engine::{Engine, NewJob, State, Workflow};
use tests::{Proxy, WorkerOptions, holds, wait_until, within};

use crate::toy::{Act, Rig, Script, registry};

fn job() -> NewJob {
    Script(vec![Act::step("a")]).job()
}

#[tokio::test]
async fn a_lost_reply_to_an_enqueue_makes_one_job() {
    let rig = Rig::new().await;
    let proxy = Proxy::before(rig.db.app_url()).await;
    let engine =
        Engine::connect(rig.db.engine_config_at(proxy.url().clone()), &registry()).await.unwrap();
    engine.enqueue(job()).await.unwrap();
    for lost in 1..=5 {
        proxy.lose_replies("insert into trunkline.jobs", 1);
        engine.enqueue(job()).await.unwrap();
        wait_until("a lost reply", async || holds(proxy.lost() >= lost)).await;
    }
    assert_eq!(rig.db.number("select from trunkline.jobs").await, 6);
    let _worker = rig.worker().await;
    wait_until("all end", async || {
        holds(rig.db.number("select from trunkline.outcomes").await == 6)
    })
    .await;
    assert_eq!(rig.world.count("step:a"), 6);
}

#[tokio::test]
async fn a_lost_reply_to_a_checkpoint_a_wait_or_an_end_repeats_nothing() {
    let rig = Rig::new().await;
    let proxy = Proxy::before(rig.db.app_url()).await;
    let _worker =
        rig.worker_at(rig.db.engine_config_at(proxy.url().clone()), WorkerOptions::default()).await;
    let acts = [
        Act::step("a"),
        Act::deed("x"),
        Act::Line("once".to_owned()),
        Act::Child(vec![Act::step("b")]),
        Act::Sleep(60),
    ];
    for (lost, table) in
        (1..).zip(["checkpoints", "effects", "outcomes", "waits", "outcomes", "checkpoints"])
    {
        proxy.lose_replies(&format!("insert into trunkline.{table}"), 1);
        let id = rig.play(acts.clone()).await;
        rig.skip_to_end(id).await;
        assert_eq!(proxy.lost(), lost, "the fault was delivered for {table}");
        let runs = usize::try_from(lost).unwrap();
        assert_eq!(rig.world.deeds(), lost, "{table}");
        assert_eq!((rig.world.count("step:b"), rig.ledger().await.len()), (runs, runs), "{table}");
        assert_eq!(rig.world.count("step:a"), runs, "{table}");
    }
}

#[tokio::test]
async fn a_lost_reply_to_a_claim_strands_no_job() {
    let rig = Rig::new().await;
    let proxy = Proxy::before(rig.db.app_url()).await;
    let config = rig.db.engine_config_at(proxy.url().clone());
    let _worker = rig.worker_at(config, WorkerOptions::default()).await;
    proxy.lose_replies("insert into trunkline.leases", 1);
    let id = rig.play([Act::step("a")]).await;
    wait_until("a lost reply", async || holds(proxy.lost() == 1)).await;
    rig.db.advance(Duration::from_secs(20)).await;
    // Well below the minute after which everything is looked at anyway, which would hide a claim that nobody remembers.
    let is_over = async || holds(rig.job(id).await.summary.state == State::Succeeded);
    within(Duration::from_secs(30), is_over).await.expect("the job is found by its lease");
    assert_eq!(rig.succeeds(id).await, [1]);
}

#[tokio::test]
async fn an_unconfirmed_commit_of_a_callers_own_is_an_error_and_a_repeat_finds_it() {
    let rig = Rig::new().await;
    let proxy = Proxy::before(rig.db.app_url()).await;
    let engine =
        Engine::connect(rig.db.engine_config_at(proxy.url().clone()), &registry()).await.unwrap();
    let unique = engine::Unique::new("script", "one", engine::Hold::ForEver);
    proxy.lose_replies("insert into trunkline.jobs", 1);
    let id = engine::JobId::mint();
    let unsure = engine.enqueue(job().id(id).unique(unique.clone())).await;
    assert!(unsure.is_err_and(|error| error.is_temporary()));
    let again = engine.enqueue(job().unique(unique)).await.unwrap();
    assert_eq!(again, engine::Enqueued::Duplicate(id));
    let _worker = rig.worker().await;
    rig.becomes(id, State::Succeeded).await;
}

#[tokio::test]
async fn transactions_whose_questions_the_network_has_swallowed_do_not_keep_their_connections() {
    let rig = Rig::new().await;
    let proxy = Proxy::before(rig.db.app_url()).await;
    let config =
        engine::Config { product_connections: 2, ..rig.db.engine_config_at(proxy.url().clone()) };
    let engine = Engine::connect(config, &registry()).await.unwrap();
    let open = [engine.begin().await.unwrap(), engine.begin().await.unwrap()];
    proxy.blacken();
    for mut tx in open {
        // Whoever asked has gone before there is an answer.
        tokio::time::timeout(Duration::from_millis(50), tx.now()).await.unwrap_err();
    }
    proxy.lighten();
    wait_until("there is a connection again", async || engine.begin().await.ok()).await;
}

#[tokio::test]
async fn sessions_that_end_lose_nothing_and_repeat_nothing() {
    let rig = Rig::new().await;
    let _workers = (rig.worker().await, rig.worker().await);
    let mut ids = Vec::new();
    let mut ended = 0;
    for round in 0..100 {
        if round % 20 == 10 {
            ended += rig.db.end_sessions().await;
        }
        ids.push(rig.play([Act::step("a"), Act::Line("once".to_owned())]).await);
    }
    assert!(ended > 10, "{ended} sessions were ended");
    for id in ids {
        rig.becomes(id, State::Succeeded).await;
    }
    assert_eq!(rig.ledger().await.len(), 100);
}

#[tokio::test]
async fn a_poisoned_operation_fails_alone() {
    let rig = Rig::new().await;
    let jobs = (0..100).map(|place| {
        let mut job = job();
        if place == 50 {
            job.traceparent = Some("a\0b".to_owned());
        }
        rig.engine.enqueue(job)
    });
    let done = futures::future::join_all(jobs).await;
    let refused: Vec<_> =
        done.iter().enumerate().filter(|(_, one)| one.is_err()).map(|(place, _)| place).collect();
    assert_eq!(refused, [50]);
    assert_eq!(rig.db.number("select from trunkline.jobs").await, 99);
    rig.db.may_leave_jobs();
}
