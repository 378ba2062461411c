//! Locks that somebody has: whoever waits for one of them waits alone.

use std::time::{Duration, Instant};

use engine::{Config, Hold, JobId, State, Unique, Workflow};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tests::{Proxy, WorkerOptions, holds, wait_until, within};

use crate::toy::{Act, Plan, Rig, Script, counted};

/// Jobs that have nothing to do with it.
const OTHERS: usize = 200;

/// Of two calls of the committer in a row that get no answer, less than both; of one that waits for a lock, more.
const SOON: Duration = Duration::from_secs(9);

/// Somebody with a transaction that is not over.
async fn keeper(rig: &Rig, statement: String) -> PgConnection {
    let mut keeper = rig.db.superuser().await;
    let begin = AssertSqlSafe(format!("begin; {statement}"));
    sqlx::raw_sql(begin).execute(&mut keeper).await.unwrap();
    keeper
}

async fn leave(mut keeper: PgConnection) {
    sqlx::raw_sql("rollback").execute(&mut keeper).await.unwrap();
    keeper.close().await.unwrap();
}

fn roomy() -> WorkerOptions {
    WorkerOptions { slots: 64, ..WorkerOptions::default() }
}

/// Without a way past a pooler.
fn pooled(rig: &Rig) -> Config {
    Config { direct_url: None, ..rig.db.engine_config() }
}

/// So many jobs come and end.
async fn others_end(rig: &Rig, count: usize) {
    let mut jobs = Vec::new();
    for _ in 0..count {
        jobs.push(rig.play([Act::step("other"), Act::step("other")]).await);
    }
    for job in jobs {
        rig.becomes(job, State::Succeeded).await;
        assert_eq!(rig.epoch(job).await, 1, "it was with one worker, once");
    }
}

fn lease_of(job: JobId, how: &str) -> String {
    format!("select from trunkline.leases where job_id = '{job}' for {how}")
}

#[tokio::test]
async fn a_transaction_that_waits_for_a_row_holds_nobody_up_and_ends_when_the_row_is_free() {
    let rig = Rig::new().await;
    let unique = "create unique index on toy.ledger (line)";
    sqlx::raw_sql(unique).execute(rig.db.owner()).await.unwrap();
    let keeper = keeper(&rig, "insert into toy.ledger (line) values ('mine')".to_owned()).await;
    let _worker = rig.worker_with(roomy()).await;
    let acts = [Act::step("before"), Act::Line("mine".to_owned()), Act::step("after")];
    let waits = rig.play(acts).await;
    let failed = "select from trunkline.failures";
    let mut ended = 0;
    while rig.db.number(failed).await == 0 || ended < OTHERS {
        let began = Instant::now();
        others_end(&rig, 20).await;
        ended += 20;
        assert!(began.elapsed() < SOON, "held up for {:?}", began.elapsed());
    }
    let why = rig.db.text("select error from trunkline.failures limit 1").await;
    assert!(why.contains("lock timeout"), "{why}");
    leave(keeper).await;
    rig.succeeds(waits).await;
    assert_eq!(rig.ledger().await, [("mine".to_owned(), 0)]);
    assert_eq!((rig.world.count("step:before"), rig.world.count("step:after")), (1, 1));
    assert_eq!(rig.world.count("step:other"), 2 * ended, "nothing was done twice");
}

#[tokio::test]
async fn a_checkpoint_that_waits_for_a_lease_waits_alone_and_is_not_lost() {
    let rig = Rig::new().await;
    for config in [rig.db.engine_config(), pooled(&rig)] {
        rig.world.plan("step:kept", [Plan::Gate]);
        let worker = rig.worker_at(config, roomy()).await;
        let kept = rig.play([Act::step("kept"), Act::step("then")]).await;
        wait_until("it is at its gate", async || holds(rig.world.inside("step:kept") == 1)).await;
        let keeper = keeper(&rig, lease_of(kept, "update")).await;
        rig.world.open("step:kept");
        others_end(&rig, OTHERS).await;
        assert_eq!(rig.job(kept).await.summary.state, State::Running);
        leave(keeper).await;
        rig.succeeds(kept).await;
        assert_eq!(rig.epoch(kept).await, 1, "it was not lost");
        worker.drain(Duration::from_secs(10)).await;
    }
    assert_eq!((rig.world.count("step:kept"), rig.world.count("step:then")), (2, 2));
    assert_eq!(rig.world.count("step:other"), 4 * OTHERS);
}

#[tokio::test]
async fn a_job_that_cannot_leave_its_lease_waits_alone_and_leaves_it_later() {
    let rig = Rig::new().await;
    for config in [rig.db.engine_config(), pooled(&rig)] {
        rig.world.plan("step:kept", [Plan::Gate]);
        let worker = rig.worker_at(config, roomy()).await;
        let kept = rig.play([Act::step("kept"), Act::Sleep(3600)]).await;
        wait_until("it is at its gate", async || holds(rig.world.inside("step:kept") == 1)).await;
        // As a transaction of its own has it that its worker has hung up on.
        let keeper = keeper(&rig, lease_of(kept, "key share")).await;
        rig.world.open("step:kept");
        let began = Instant::now();
        others_end(&rig, 40).await;
        assert!(began.elapsed() < SOON, "held up for {:?}", began.elapsed());
        assert_eq!(rig.job(kept).await.summary.state, State::Running);
        leave(keeper).await;
        rig.becomes(kept, State::Waiting).await;
        rig.skip_pause(kept).await;
        rig.succeeds(kept).await;
        assert_eq!(rig.epoch(kept).await, 2, "it left once");
        worker.drain(Duration::from_secs(10)).await;
    }
    assert_eq!((rig.world.count("step:kept"), rig.world.count("step:other")), (2, 160));
}

#[tokio::test]
async fn an_end_that_waits_for_its_unique_key_waits_alone_and_is_counted() {
    let before = counted(engine::metrics::SET_ASIDE);
    let rig = Rig::new().await;
    rig.world.plan("step:kept", [Plan::Gate]);
    let _worker = rig.worker_with(roomy()).await;
    let unique = Unique::new("script", "one", Hold::WhileLive);
    let kept = rig.enqueue(Script(vec![Act::step("kept")]).job().unique(unique)).await;
    rig.world.reached("step:kept", 1).await;
    let keeper = keeper(&rig, "select from trunkline.uniques for update".to_owned()).await;
    rig.world.open("step:kept");
    others_end(&rig, OTHERS).await;
    assert_eq!(rig.job(kept).await.summary.state, State::Running);
    leave(keeper).await;
    rig.succeeds(kept).await;
    let has_waited = || counted(engine::metrics::SET_ASIDE) > before;
    wait_until("it is counted", async || holds(has_waited())).await;
    assert_eq!((rig.epoch(kept).await, rig.world.count("step:kept")), (1, 1));
}

#[tokio::test]
async fn a_lease_that_nobody_heard_of_and_somebody_has_locked_keeps_no_other_from_coming_back() {
    let rig = Rig::new().await;
    let proxy = Proxy::before(rig.db.app_url()).await;
    let config = rig.db.engine_config_at(proxy.url().clone());
    let jobs = (0..2).map(|_| Script(vec![Act::step("a")]).job());
    let jobs: Vec<_> = jobs.collect();
    let [locked, free] = [jobs[0].id, jobs[1].id];
    rig.engine.enqueue_all(jobs).await.unwrap();
    proxy.lose_replies("insert into trunkline.leases", 1);
    let _worker = rig.worker_at(config, roomy()).await;
    let leased = "select from trunkline.leases";
    wait_until("a claim without a reply", async || {
        holds(proxy.lost() == 1 && rig.db.number(leased).await == 2)
    })
    .await;
    let keeper = keeper(&rig, lease_of(locked, "key share")).await;
    rig.db.advance(Duration::from_secs(20)).await;
    // Well below the minute after which everything is looked at anyway.
    let is_over = async || holds(rig.job(free).await.summary.state == State::Succeeded);
    within(Duration::from_secs(30), is_over).await.expect("the other one comes back");
    assert_eq!(rig.world.count("step:a"), 1);
    leave(keeper).await;
    rig.succeeds(locked).await;
}
