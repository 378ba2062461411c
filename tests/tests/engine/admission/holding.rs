//! Permits that runs hold on purpose: through sleeps, waits and crashes, until they give them back or end.

use engine::{JobId, State};
use serde_json::json;
use tests::{holds, wait_until};

use super::{at_once, gated};
use crate::toy::{Act, Plan, Rig};

const GRANTED: &str = "select from trunkline.permits where granted_at is not null";

fn held(acts: impl Into<Vec<Act>>) -> Act {
    Act::Held("toy".to_owned(), 1, acts.into(), true)
}

fn kept(acts: impl Into<Vec<Act>>) -> Act {
    Act::Held("toy".to_owned(), 1, acts.into(), false)
}

async fn waits(rig: &Rig, id: JobId) {
    rig.becomes_because(id, State::Waiting, "waiting for a permit of toy").await;
}

#[tokio::test]
async fn a_permit_is_held_while_its_run_waits_and_passed_on_in_the_order_of_asking() {
    let rig = Rig::new().await;
    let _workers = [rig.worker().await, rig.worker().await];
    let first = rig.play([held([Act::wait("go"), Act::step("one")])]).await;
    rig.becomes_because(first, State::Waiting, "waiting for go").await;
    let second = rig.play([held([Act::step("two"), Act::wait("go")])]).await;
    waits(&rig, second).await;
    let third = rig.play([held([Act::step("three")]), Act::step("four")]).await;
    waits(&rig, third).await;
    assert_eq!(rig.db.number(GRANTED).await, 1);
    rig.signal(first, "go", json!(1), None).await;
    rig.succeeds(first).await;
    rig.becomes_because(second, State::Waiting, "waiting for go").await;
    assert_eq!(rig.world.story("step:"), ["one", "two"]);
    waits(&rig, third).await;
    rig.signal(second, "go", json!(1), None).await;
    rig.succeeds(second).await;
    rig.succeeds(third).await;
    assert_eq!(rig.world.story("step:"), ["one", "two", "three", "four"]);
    assert_eq!(rig.db.number("select from trunkline.permits").await, 0);
}

#[tokio::test]
async fn the_end_of_a_run_gives_back_what_it_holds_however_it_ends() {
    let rig = Rig::new().await;
    rig.world.plan("step:bad", [Plan::Permanent]);
    let _worker = rig.worker().await;
    let well = rig.play([kept([Act::step("a")])]).await;
    rig.succeeds(well).await;
    let badly = rig.play([kept([Act::entry("x"), Act::step("bad")])]).await;
    rig.becomes(badly, State::Failed).await;
    let cancelled = rig.play([kept([Act::wait("never")])]).await;
    rig.becomes_because(cancelled, State::Waiting, "waiting for never").await;
    let next = rig.play([held([Act::step("b")])]).await;
    waits(&rig, next).await;
    rig.cancel(cancelled).await;
    rig.becomes(cancelled, State::Cancelled).await;
    rig.succeeds(next).await;
    assert_eq!(rig.db.number("select from trunkline.permits").await, 0);
}

#[tokio::test]
async fn a_permit_survives_the_death_of_its_worker() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate, Plan::Gate]);
    let worker = rig.worker().await;
    let first = rig.play([held([Act::step("a")])]).await;
    rig.world.reached("step:a", 1).await;
    let other = rig.worker().await;
    let second = rig.play([held([Act::step("b")])]).await;
    waits(&rig, second).await;
    rig.bury(worker).await;
    rig.world.reached("step:a", 2).await;
    assert_eq!((rig.db.number(GRANTED).await, rig.world.count("step:b")), (1, 0));
    rig.world.open("step:a");
    rig.succeeds(first).await;
    rig.succeeds(second).await;
    drop(other);
}

#[tokio::test]
async fn what_is_held_and_what_runs_at_once_in_one_scope_counts_together() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let holder = rig.play([held([Act::wait("go")])]).await;
    rig.becomes_because(holder, State::Waiting, "waiting for go").await;
    let kept_out = rig.enqueue(gated("a", at_once(1))).await;
    let fence = rig.play([Act::step("fence")]).await;
    rig.succeeds(fence).await;
    assert_eq!(rig.job(kept_out).await.summary.state, State::Waiting);
    rig.signal(holder, "go", json!(1), None).await;
    rig.succeeds(holder).await;
    rig.succeeds(kept_out).await;
}

#[tokio::test]
async fn a_run_that_ended_badly_and_is_tried_again_asks_for_its_permit_again() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Permanent, Plan::Fine]);
    let _worker = rig.worker().await;
    let dead = rig.play([held([Act::step("a")])]).await;
    rig.becomes(dead, State::Failed).await;
    let holder = rig.play([held([Act::wait("go")])]).await;
    rig.becomes_because(holder, State::Waiting, "waiting for go").await;
    rig.retry(dead).await;
    wait_until("it asks", async || {
        holds(rig.db.number("select from trunkline.permits where granted_at is null").await == 1)
    })
    .await;
    rig.signal(holder, "go", json!(1), None).await;
    rig.succeeds(holder).await;
    rig.succeeds(dead).await;
}

/// Where a statement that inserts into gates stops, until whoever has the lock 42 lets it go on.
const STOP: &str = "
    create function toy.stop() returns trigger language plpgsql as
        $$ begin perform pg_advisory_xact_lock_shared(42); return null; end $$;
    create trigger stop after insert on trunkline.gates for each statement execute function toy.stop()";

#[tokio::test]
async fn a_gate_is_not_forgotten_under_a_run_that_is_just_asking_for_its_permit() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let first = rig.play([held([Act::step("a")])]).await;
    rig.succeeds(first).await;
    let mut lock = rig.db.superuser().await;
    for statement in [
        "insert into trunkline.gates (gate_id, form, scope) values (gen_random_uuid(), 'at_once', 'sign')",
        "update trunkline.gates set touched_at = trunkline.now() - interval '2 hours'",
        STOP,
        "select pg_advisory_lock(42)",
    ] {
        sqlx::raw_sql(statement).execute(&mut lock).await.unwrap();
    }
    let second = rig.play([held([Act::step("b")])]).await;
    wait_until("it has asked, and has not said so yet", async || {
        let waits =
            "select from pg_locks where locktype = 'advisory' and objid = 42 and not granted";
        holds(rig.db.number(waits).await >= 1)
    })
    .await;
    // One that begins clears away at once.
    let _other = rig.worker().await;
    wait_until("gates are forgotten", async || {
        holds(rig.db.number("select from trunkline.gates where scope = 'sign'").await == 0)
    })
    .await;
    sqlx::raw_sql("select pg_advisory_unlock(42)").execute(&mut lock).await.unwrap();
    rig.succeeds(second).await;
}

#[tokio::test]
async fn a_permit_of_a_gate_that_was_forgotten_all_the_same_is_passed_on() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let holder = rig.play([kept([Act::wait("go")])]).await;
    rig.becomes_because(holder, State::Waiting, "waiting for go").await;
    let next = rig.play([held([Act::step("a")])]).await;
    waits(&rig, next).await;
    sqlx::query("delete from trunkline.gates").execute(rig.db.owner()).await.unwrap();
    rig.signal(holder, "go", json!(1), None).await;
    rig.succeeds(holder).await;
    rig.succeeds(next).await;
}

#[tokio::test]
async fn a_permit_is_passed_on_however_many_gates_are_full() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    // Of other runs, each with one that holds it and one that waits for it; they come first in any order by gate.
    let full = "
        with gates as (
            insert into trunkline.gates (gate_id, form, scope)
            select ('00000000-0000-0000-0000-' || lpad(to_hex(n), 12, '0'))::uuid, 'at_once', 'full'
            from generate_series(1, 1100) n
            returning gate_id)
        insert into trunkline.permits (gate_id, job_id, form, granted_at, hold_max)
        select gate_id, gen_random_uuid(), 'hold', case when holds then now() end, 1
        from gates cross join (values (true), (false)) as t (holds)";
    sqlx::query(full).execute(rig.db.owner()).await.unwrap();
    let holder = rig.play([kept([Act::wait("go")])]).await;
    rig.becomes_because(holder, State::Waiting, "waiting for go").await;
    let next = rig.play([held([Act::step("a")])]).await;
    waits(&rig, next).await;
    rig.signal(holder, "go", json!(1), None).await;
    rig.succeeds(holder).await;
    rig.succeeds(next).await;
    assert_eq!(rig.db.number("select from trunkline.permits").await, 2200, "the others as before");
}
