//! The dead, the frozen and the cut off: others finish their jobs, and what they say afterwards does not count.

use std::time::Duration;

use engine::State;
use tests::{Proxy, WorkerOptions, holds, wait_until};

use crate::toy::{Act, Plan, Rig, stale_writes};

#[tokio::test]
async fn a_killed_workers_job_is_finished_by_another_when_its_lease_ends_by_itself() {
    let rig = Rig::new().await;
    rig.world.plan("step:b", [Plan::Gate]);
    let lease = Duration::from_secs(1);
    let first = rig.worker_with(WorkerOptions { lease, ..WorkerOptions::default() }).await;
    let id = rig.play([Act::step("a"), Act::step("b")]).await;
    rig.world.reached("step:b", 1).await;
    let _second = rig.worker().await;
    first.kill();
    rig.succeeds(id).await;
    assert_eq!(rig.epoch(id).await, 2);
    assert_eq!(rig.world.story("step:"), ["a", "b", "b"]);
    let job = rig.job(id).await;
    assert!(
        job.steps
            .iter()
            .any(|step| step.error.as_deref().is_some_and(|e| e.contains("went silent")))
    );
    assert_eq!(job.summary.attempt, 0, "a worker's death is not charged to the job");
}

#[tokio::test]
async fn nothing_that_a_frozen_worker_says_when_it_thaws_counts() {
    let before = stale_writes();
    for acts in [
        vec![Act::step("a"), Act::step("b")],     // a late checkpoint
        vec![Act::step("a"), Act::entry("late")], // a late transaction
        vec![Act::step("a"), Act::deed("x")],     // a late intent
        vec![Act::step("a"), Act::Wait("w".to_owned(), Some(600))], // a late wait
        vec![Act::step("a")],                     // a late end
    ] {
        let rig = Rig::new().await;
        rig.world.plan("step:a", [Plan::Gate]);
        let mut frozen = rig.worker().await;
        let id = rig.play(acts.clone()).await;
        rig.world.reached("step:a", 1).await;
        frozen.freeze();
        rig.db.end_lease_of(frozen.name()).await;
        let second = rig.worker().await;
        if acts.len() == 2 && matches!(acts[1], Act::Wait(..)) {
            rig.skip_pause(id).await;
        }
        let output = rig.succeeds(id).await;
        let (ledger, deeds, epoch) = (rig.ledger().await, rig.world.deeds(), rig.epoch(id).await);
        assert!(deeds <= 1);
        let stale = stale_writes();
        rig.world.open("step:a");
        frozen.thaw();
        wait_until("the frozen one lets go", async || holds(frozen.in_hand() == 0)).await;
        assert_eq!(rig.succeeds(id).await, output);
        assert_eq!(
            (rig.ledger().await, rig.world.deeds(), rig.epoch(id).await),
            (ledger, deeds, epoch)
        );
        assert!(stale_writes() >= stale);
        drop(second);
    }
    assert!(stale_writes() >= before);
}

#[tokio::test]
async fn a_late_write_is_rejected_and_counted() {
    let before = stale_writes();
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    // Its heartbeat is too seldom to notice before its write is on its way.
    let first = rig
        .worker_with(WorkerOptions { lease: Duration::from_mins(5), ..WorkerOptions::default() })
        .await;
    let id = rig.play([Act::step("a")]).await;
    rig.world.reached("step:a", 1).await;
    let beaten = "select from trunkline.workers where heartbeat_at > started_at";
    wait_until("its first beat", async || holds(rig.db.number(beaten).await == 1)).await;
    rig.db.end_lease_of(first.name()).await;
    let _second = rig.worker().await;
    assert_eq!(rig.succeeds(id).await, [2]);
    rig.world.open("step:a");
    wait_until("the rejection", async || holds(stale_writes() > before)).await;
    assert_eq!(rig.succeeds(id).await, [2]);
    wait_until("it lets go", async || holds(first.in_hand() == 0)).await;
}

#[tokio::test]
async fn a_worker_whose_lease_was_revoked_lets_go_and_begins_a_new_life() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let worker = rig
        .worker_with(WorkerOptions { lease: Duration::from_secs(2), ..WorkerOptions::default() })
        .await;
    let id = rig.play([Act::step("a")]).await;
    rig.world.reached("step:a", 1).await;
    rig.db.end_lease_of(worker.name()).await;
    // The gate stays closed: it is the same worker, under a new id, that does it the second time.
    assert_eq!(rig.succeeds(id).await, [2]);
    assert_eq!(rig.epoch(id).await, 2);
}

#[tokio::test]
async fn a_worker_that_is_cut_off_stops_itself_before_its_lease_ends() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let proxy = Proxy::before(rig.db.app_url()).await;
    let lease = Duration::from_secs(4);
    let config = rig.db.engine_config_at(proxy.url().clone());
    let worker = rig.worker_at(config, WorkerOptions { lease, ..WorkerOptions::default() }).await;
    let id = rig.play([Act::step("a")]).await;
    rig.world.reached("step:a", 1).await;
    proxy.blacken();
    let cut = std::time::Instant::now();
    wait_until("it lets go", async || holds(worker.in_hand() == 0)).await;
    assert!(cut.elapsed() < lease, "let go after {:?} of a lease of {lease:?}", cut.elapsed());
    let _second = rig.worker().await;
    assert_eq!(rig.succeeds(id).await, [2]);
}

#[tokio::test]
async fn a_worker_that_was_cut_off_works_again_when_the_network_is_back() {
    let rig = Rig::new().await;
    let proxy = Proxy::before(rig.db.app_url()).await;
    let config = rig.db.engine_config_at(proxy.url().clone());
    let lease = Duration::from_secs(2);
    let _worker = rig.worker_at(config, WorkerOptions { lease, ..WorkerOptions::default() }).await;
    let before = rig.play([Act::step("a")]).await;
    rig.succeeds(before).await;
    proxy.blacken();
    wait_until("its lease ends", async || {
        holds(
            rig.db.number("select from trunkline.workers where expires_at > trunkline.now()").await
                == 0,
        )
    })
    .await;
    proxy.lighten();
    let after = rig.play([Act::step("a")]).await;
    rig.succeeds(after).await;
}

#[tokio::test]
async fn a_job_that_costs_five_workers_is_parked() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", vec![Plan::Gate; 5]);
    let id = rig.play([Act::step("a")]).await;
    for deaths in 1..=5 {
        let worker = rig.worker().await;
        if deaths > 3 {
            assert!(rig.skip_pause(id).await <= Duration::from_secs(32));
        }
        rig.world.reached("step:a", deaths).await;
        rig.bury(worker).await;
    }
    let _last = rig.worker().await;
    rig.becomes_because(id, State::Parked, "poison: 5 workers were lost").await;
    assert_eq!(rig.world.count("step:a"), 5);
    rig.retry(id).await;
    rig.succeeds(id).await;
}

#[tokio::test]
async fn whoever_was_in_hand_beside_a_job_that_costs_its_workers_comes_back_without_it() {
    let rig = Rig::new().await;
    rig.world.plan("step:killer", vec![Plan::Gate; 4]);
    rig.world.plan("step:neighbour", vec![Plan::Gate; 3]);
    let killer = rig.play([Act::step("killer")]).await;
    let neighbour = rig.play([Act::step("neighbour")]).await;
    let mut worker = rig.worker().await;
    for deaths in 1..=3 {
        rig.world.reached("step:killer", deaths).await;
        rig.world.reached("step:neighbour", deaths).await;
        rig.bury(std::mem::replace(&mut worker, rig.worker().await)).await;
    }
    for job in [killer, neighbour] {
        rig.becomes_because(job, State::Scheduled, "it has cost 3 workers").await;
    }
    // Whichever of them is first, the other is not there yet.
    assert_ne!(rig.job(killer).await.due, rig.job(neighbour).await.due);
    rig.skip_to_end(neighbour).await;
    assert_eq!(rig.epoch(neighbour).await, 4);
    rig.world.open("step:killer");
    rig.skip_to_end(killer).await;
}

#[tokio::test]
async fn a_worker_whose_connections_are_all_taken_keeps_its_lease() {
    let rig = Rig::new().await;
    let lease = Duration::from_millis(1200);
    let _worker = rig.worker_with(WorkerOptions { lease, ..WorkerOptions::default() }).await;
    let mut keeper = rig.db.superuser().await;
    // Transactions that can begin, and not go on: more of them than there are connections for.
    sqlx::raw_sql("begin; lock table toy.ledger in access exclusive mode")
        .execute(&mut keeper)
        .await
        .unwrap();
    let mut jobs = Vec::new();
    for _ in 0..12 {
        jobs.push(rig.play([Act::Line("at last".to_owned())]).await);
    }
    let blocked =
        "select from pg_stat_activity where wait_event_type = 'Lock' and query like '%toy.ledger%'
                   and usename = 'trunkline_app'";
    wait_until("all connections are taken", async || holds(rig.db.number(blocked).await == 8))
        .await;
    // For longer than the lease, and shorter than a transaction may take.
    let beaten = "select from trunkline.workers w, pg_stat_activity a
                  where a.query like '%toy.ledger%' and a.usename = 'trunkline_app'
                    and w.heartbeat_at > a.query_start + interval '3.6 seconds'";
    wait_until("it beats for three leases", async || holds(rig.db.number(beaten).await == 8)).await;
    sqlx::raw_sql("commit").execute(&mut keeper).await.unwrap();
    for job in jobs {
        rig.succeeds(job).await;
        assert_eq!(rig.epoch(job).await, 1, "nobody had to rescue it");
    }
}

#[tokio::test]
async fn a_job_that_gets_further_each_time_may_cost_more_than_five_workers() {
    let rig = Rig::new().await;
    let steps = ["a", "b", "c", "d", "e", "f", "g"];
    for name in steps {
        rig.world.plan(&format!("step:{name}"), [Plan::Gate]);
    }
    let id = rig.play(steps.map(Act::step)).await;
    for name in steps {
        let worker = rig.worker().await;
        rig.world.reached(&format!("step:{name}"), 1).await;
        rig.bury(worker).await;
    }
    let _last = rig.worker().await;
    rig.succeeds(id).await;
    assert_eq!(rig.epoch(id).await, 8);
}

#[tokio::test]
async fn a_claim_whose_reply_comes_after_the_lease_has_ended_brings_no_job() {
    let rig = Rig::new().await;
    let proxy = Proxy::before(rig.db.app_url()).await;
    let config = rig.db.engine_config_at(proxy.url().clone());
    let lease = Duration::from_secs(2);
    let worker = rig.worker_at(config, WorkerOptions { lease, ..WorkerOptions::default() }).await;
    proxy.hold_reply("insert into trunkline.leases");
    let id = rig.play([Act::step("a")]).await;
    wait_until("the claim", async || holds(proxy.holds())).await;
    rig.db.end_lease_of(worker.name()).await;
    let lives = "select from trunkline.workers where expires_at > trunkline.now()";
    wait_until("the next life", async || holds(rig.db.number(lives).await == 1)).await;
    proxy.let_go();
    assert_eq!(rig.succeeds(id).await, [1], "in the first life's name nothing is begun");
    assert_eq!((rig.world.count("step:a"), rig.epoch(id).await), (1, 2));
}
