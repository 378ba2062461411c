//! Limits on how many run at once: exact, whatever happens to workers.

use engine::{Gates, State, Workflow};
use tests::{holds, wait_until};

use super::{at_once, gated};
use crate::toy::{Act, Plan, Rig, Script};

const RUNNING: &str = "select from trunkline.leases";
const PERMITS: &str = "select from trunkline.permits";

#[tokio::test]
async fn never_more_than_the_limit_run_at_once_over_three_workers() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", vec![Plan::Gate; 12]);
    let mut ids = Vec::new();
    for _ in 0..12 {
        ids.push(rig.enqueue(gated("a", at_once(2))).await);
    }
    let _workers = [rig.worker().await, rig.worker().await, rig.worker().await];
    for done in 0..12 {
        let expected = 2.min(12 - done);
        wait_until("as many as may", async || holds(rig.world.inside("step:a") == expected)).await;
        rig.world.open("step:a");
        wait_until("one ends", async || {
            holds(rig.db.number("select from trunkline.outcomes").await > i64::try_from(done).ok()?)
        })
        .await;
    }
    for id in ids {
        rig.succeeds(id).await;
    }
    assert_eq!(rig.world.most_inside("step:a"), 2);
    assert_eq!(rig.db.number(PERMITS).await, 0);
}

#[tokio::test]
async fn a_job_before_a_full_gate_is_not_among_the_ready() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let first = rig.enqueue(gated("a", at_once(1))).await;
    let second = rig.enqueue(gated("a", at_once(1))).await;
    let _worker = rig.worker().await;
    rig.world.reached("step:a", 1).await;
    assert_eq!(rig.job(second).await.summary.state, State::Waiting);
    assert_eq!(rig.db.number("select from trunkline.ready").await, 0);
    rig.world.open("step:a");
    rig.succeeds(first).await;
    rig.succeeds(second).await;
}

#[tokio::test]
async fn a_dead_workers_permit_stays_with_its_job_until_that_is_done() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate, Plan::Gate]);
    let first = rig.enqueue(gated("a", at_once(1))).await;
    let worker = rig.worker().await;
    rig.world.reached("step:a", 1).await;
    let second = rig.enqueue(gated("b", at_once(1))).await;
    rig.bury(worker).await;
    let _other = rig.worker().await;
    // Taken over by the same permit, so the second one has not come in between.
    rig.world.reached("step:a", 2).await;
    assert_eq!((rig.epoch(first).await, rig.epoch(second).await), (2, 0));
    assert_eq!((rig.db.number(PERMITS).await, rig.db.number(RUNNING).await), (1, 1));
    rig.world.open("step:a");
    rig.succeeds(first).await;
    rig.succeeds(second).await;
    assert_eq!(rig.world.story("step:"), ["a", "a", "b"]);
}

#[tokio::test]
async fn a_limited_job_that_has_cost_three_workers_comes_back_to_its_gate_later_and_keeps_its_permit()
 {
    let rig = Rig::new().await;
    rig.world.plan("step:a", vec![Plan::Gate; 3]);
    let first = rig.enqueue(gated("a", at_once(1))).await;
    for deaths in 1..=3 {
        let worker = rig.worker().await;
        rig.world.reached("step:a", deaths).await;
        rig.bury(worker).await;
    }
    let _last = rig.worker().await;
    rig.becomes_because(first, State::Scheduled, "it has cost 3 workers").await;
    let second = rig.enqueue(gated("b", at_once(1))).await;
    rig.becomes(second, State::Waiting).await;
    rig.skip_pause(first).await;
    rig.succeeds(first).await;
    rig.succeeds(second).await;
}

#[tokio::test]
async fn a_zombie_that_thaws_frees_no_permit_of_its_successor() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate, Plan::Gate]);
    let mut frozen = rig.worker().await;
    let first = rig.enqueue(gated("a", at_once(1))).await;
    rig.world.reached("step:a", 1).await;
    frozen.freeze();
    rig.db.end_lease_of(frozen.name()).await;
    let second = rig.enqueue(gated("b", at_once(1))).await;
    let _other = rig.worker().await;
    rig.world.reached("step:a", 2).await;
    frozen.thaw();
    rig.world.open("step:a");
    rig.world.open("step:a");
    wait_until("it lets go", async || holds(frozen.in_hand() == 0)).await;
    rig.succeeds(first).await;
    rig.succeeds(second).await;
    assert_eq!((rig.epoch(first).await, rig.epoch(second).await), (2, 1));
    assert_eq!(rig.db.number(PERMITS).await, 0);
}

#[tokio::test]
async fn a_job_that_leaves_its_worker_to_wait_lets_the_next_one_in() {
    let rig = Rig::new().await;
    let waiter = Script(vec![Act::wait("go"), Act::step("late")]).job().gates(at_once(1));
    let waiter = rig.enqueue(waiter).await;
    let next = rig.enqueue(gated("a", at_once(1))).await;
    let _worker = rig.worker().await;
    rig.succeeds(next).await;
    rig.world.plan("step:b", [Plan::Gate]);
    let third = rig.enqueue(gated("b", at_once(1))).await;
    rig.world.reached("step:b", 1).await;
    // Woken, it has to pass the gate again.
    rig.signal(waiter, "go", serde_json::Value::Null, None).await;
    wait_until("it is woken", async || {
        holds(rig.db.number("select from trunkline.waits where blocked").await == 1)
    })
    .await;
    assert_eq!(rig.world.count("step:late"), 0);
    rig.world.open("step:b");
    rig.succeeds(third).await;
    rig.succeeds(waiter).await;
}

#[tokio::test]
async fn an_operators_retry_and_a_retry_by_itself_pass_the_gate_again() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Retry, Plan::Fine]);
    rig.world.plan("step:b", [Plan::Retry, Plan::Fine]);
    rig.world.plan("step:c", [Plan::Gate]);
    let _worker = rig.worker().await;
    let by_hand = rig.enqueue(gated("a", at_once(1))).await;
    rig.becomes(by_hand, State::Scheduled).await;
    let by_itself = rig.enqueue(gated("b", at_once(1))).await;
    rig.becomes(by_itself, State::Scheduled).await;
    let running = rig.enqueue(gated("c", at_once(1))).await;
    rig.world.reached("step:c", 1).await;
    rig.retry(by_hand).await;
    assert_eq!(rig.job(by_hand).await.summary.state, State::Waiting);
    rig.skip_pause(by_itself).await;
    wait_until("both are before the gate", async || {
        holds(rig.db.number("select from trunkline.waits where blocked").await == 2)
    })
    .await;
    assert_eq!((rig.world.count("step:a"), rig.world.count("step:b")), (1, 1));
    rig.world.open("step:c");
    for id in [running, by_hand, by_itself] {
        rig.succeeds(id).await;
    }
}

#[tokio::test]
async fn a_dead_letter_that_is_tried_again_passes_its_gate_again() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Permanent, Plan::Fine]);
    rig.world.plan("step:b", [Plan::Gate]);
    let _worker = rig.worker().await;
    let dead = rig.enqueue(gated("a", at_once(1))).await;
    rig.becomes(dead, State::Failed).await;
    let running = rig.enqueue(gated("b", at_once(1))).await;
    rig.world.reached("step:b", 1).await;
    rig.retry(dead).await;
    assert_eq!(rig.job(dead).await.summary.state, State::Waiting);
    rig.world.open("step:b");
    rig.succeeds(running).await;
    rig.succeeds(dead).await;
}

#[tokio::test]
async fn a_key_has_a_limit_of_its_own_and_the_scope_one_for_all() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", vec![Plan::Gate; 6]);
    for key in ["x", "x", "y", "y", "z", "z"] {
        let gates = Gates::none().at_once("by key", key, 1);
        assert!(rig.engine.enqueue(gated("a", gates)).await.is_err(), "blanks are no scope");
        let gates = Gates::none().at_once("by-key", key, 1).at_once("all", "", 2);
        rig.enqueue(gated("a", gates)).await;
    }
    let _workers = [rig.worker().await, rig.worker().await];
    let keys = "select distinct gate_id from trunkline.permits p where not exists (
                    select from trunkline.gates g where g.gate_id = p.gate_id and g.scope = 'all')";
    for done in 1..=6 {
        wait_until("one at least", async || holds(rig.world.inside("step:a") >= 1)).await;
        let mut tx = rig.db.owner().begin().await.unwrap();
        let isolation = "set transaction isolation level repeatable read";
        sqlx::query(isolation).execute(&mut *tx).await.unwrap();
        let count = async |tx: &mut sqlx::PgConnection, what: &str| -> i64 {
            let statement = format!("select count(*) from ({what}) t");
            sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(tx).await.unwrap()
        };
        let running = count(&mut tx, RUNNING).await;
        assert_eq!(count(&mut tx, keys).await, running, "two of one key at once");
        drop(tx);
        rig.world.open("step:a");
        wait_until("one ends", async || holds(super::finished(&rig).await >= done)).await;
    }
    assert!(rig.world.most_inside("step:a") <= 2);
}

#[tokio::test]
async fn cancelling_a_job_before_its_gate_ends_it_at_once() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let running = rig.enqueue(gated("a", at_once(1))).await;
    let _worker = rig.worker().await;
    rig.world.reached("step:a", 1).await;
    let kept = rig.enqueue(gated("b", at_once(1))).await;
    rig.cancel(kept).await;
    rig.becomes(kept, State::Cancelled).await;
    rig.world.open("step:a");
    rig.succeeds(running).await;
    assert_eq!(rig.world.count("step:b"), 0);
}

#[tokio::test]
async fn a_saga_before_a_full_gate_is_undone_without_passing_it() {
    let rig = Rig::new().await;
    let saga = Script(vec![Act::entry("x"), Act::wait("go"), Act::step("a")]).job();
    let _worker = rig.worker().await;
    let saga = rig.enqueue(saga.gates(at_once(1))).await;
    wait_until("it waits", async || {
        holds(rig.world.count("step:b") == 0 && rig.ledger().await.len() == 1)
    })
    .await;
    rig.world.plan("step:b", [Plan::Gate]);
    let running = rig.enqueue(gated("b", at_once(1))).await;
    rig.world.reached("step:b", 1).await;
    rig.signal(saga, "go", serde_json::Value::Null, None).await;
    wait_until("it is before the gate", async || {
        holds(rig.db.number("select from trunkline.waits where blocked").await == 1)
    })
    .await;
    rig.cancel(saga).await;
    rig.becomes(saga, State::Cancelled).await;
    assert_eq!(rig.ledger().await, [("x".to_owned(), 1)]);
    rig.world.open("step:b");
    rig.succeeds(running).await;
}
