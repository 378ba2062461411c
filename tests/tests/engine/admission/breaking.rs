//! Breakers: one for the whole fleet. Leaves a scope alone that fails, tries it with a few, and comes back in steps.

use std::time::Duration;

use engine::{Gates, JobId, NewJob, State};
use tests::{holds, wait_until};

use super::gated;
use crate::toy::{Plan, Rig};

fn behind(step: &str) -> NewJob {
    gated(step, Gates::none().breaker("provider"))
}

/// Five failures in a row, on three workers.
async fn break_it(rig: &Rig) -> Vec<JobId> {
    rig.world.plan("step:bad", vec![Plan::Retry; 5]);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(rig.enqueue(behind("bad")).await);
    }
    for id in &ids {
        rig.becomes(*id, State::Scheduled).await;
    }
    ids
}

/// Seconds since the breaker began to come back.
async fn coming_back(rig: &Rig) -> Option<f64> {
    let since = "select extract(epoch from trunkline.now() - (breaker -> 'phase' ->> 'since')::timestamptz)::float8
                 from trunkline.gates where breaker -> 'phase' ->> 'phase' = 'ramp'";
    sqlx::query_scalar(since).fetch_optional(rig.db.owner()).await.unwrap()
}

#[tokio::test]
async fn two_canaries_go_first_and_then_twice_as_many_in_each_piece_of_time() {
    let rig = Rig::new().await;
    let _workers = [rig.worker().await, rig.worker().await, rig.worker().await];
    let failed = break_it(&rig).await;
    rig.world.plan("step:good", vec![Plan::Gate; 40]);
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(rig.enqueue(behind("good")).await);
    }
    rig.db.advance(Duration::from_secs(31)).await;
    rig.world.reached("step:good", 2).await;
    // No third, though there is room for many: by the time that another job has come and gone, it would be there.
    let fence = rig.enqueue(gated("fence", super::at_once(1))).await;
    rig.succeeds(fence).await;
    assert_eq!(rig.world.count("step:good"), 2);
    rig.world.open("step:good");
    rig.world.open("step:good");
    wait_until("it comes back", async || coming_back(&rig).await).await;
    let canary = "select from trunkline.permits where form = 'canary'";
    assert_eq!(rig.db.number(canary).await, 0);
    for pieces in 1..=4_u32 {
        let due = 2 + 2_usize.pow(pieces) - 1;
        wait_until("as many as may", async || holds(rig.world.count("step:good") >= due)).await;
        rig.db.advance(Duration::from_secs(5)).await;
    }
    // What started, piece by piece, by the database's clock: never more than the doubling allows.
    let started =
        "select count(*) from trunkline.leases l join trunkline.gates g on g.form = 'breaker'";
    let running: i64 = sqlx::query_scalar(started).fetch_one(rig.db.owner()).await.unwrap();
    assert!(running >= 15, "{running}");
    for _ in 0..40 {
        rig.world.open("step:good");
    }
    wait_until("all have ended", async || {
        rig.db.advance(Duration::from_secs(5)).await;
        holds(super::finished(&rig).await == 41)
    })
    .await;
    for id in failed {
        rig.skip_to_end(id).await;
    }
    for id in ids {
        rig.succeeds(id).await;
    }
}

#[tokio::test]
async fn a_canary_that_fails_keeps_the_others_waiting_for_longer() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let failed = break_it(&rig).await;
    rig.world.plan("step:canary", vec![Plan::Retry; 2]);
    let canaries = [rig.enqueue(behind("canary")).await, rig.enqueue(behind("canary")).await];
    let kept = rig.enqueue(behind("good")).await;
    rig.db.advance(Duration::from_secs(31)).await;
    for id in canaries {
        rig.becomes(id, State::Scheduled).await;
    }
    // Open for a minute now: half of it is not enough.
    rig.db.advance(Duration::from_secs(31)).await;
    let fence = rig.enqueue(gated("fence", super::at_once(1))).await;
    rig.succeeds(fence).await;
    assert_eq!(rig.world.count("step:good"), 0);
    rig.db.advance(Duration::from_secs(31)).await;
    rig.succeeds(kept).await;
    for id in failed.into_iter().chain(canaries) {
        rig.skip_to_end(id).await;
    }
}

#[tokio::test]
async fn a_canary_whose_worker_died_is_a_canary_still() {
    let rig = Rig::new().await;
    let worker = rig.worker().await;
    let failed = break_it(&rig).await;
    rig.world.plan("step:good", vec![Plan::Gate; 2]);
    let canaries = [rig.enqueue(behind("good")).await, rig.enqueue(behind("good")).await];
    rig.db.advance(Duration::from_secs(31)).await;
    rig.world.reached("step:good", 2).await;
    let kept = rig.enqueue(behind("later")).await;
    rig.bury(worker).await;
    let _other = rig.worker().await;
    for id in canaries {
        rig.succeeds(id).await;
        assert_eq!(rig.epoch(id).await, 2);
    }
    rig.succeeds(kept).await;
    for id in failed {
        rig.skip_to_end(id).await;
    }
}

#[tokio::test]
async fn a_run_whose_deadline_passes_while_its_breaker_is_open_fails_then_and_is_no_canary() {
    let rig = Rig::new().await;
    let _worker = rig.worker().await;
    let failed = break_it(&rig).await;
    let late = rig.enqueue(behind("late").deadline(Duration::from_secs(10))).await;
    rig.db.advance(Duration::from_secs(10)).await;
    rig.becomes_because(late, State::Failed, "deadline exceeded").await;
    let open = "select from trunkline.gates where breaker -> 'phase' ->> 'phase' = 'open'";
    assert_eq!(rig.db.number(open).await, 1);
    assert_eq!(rig.world.count("step:late"), 0);
    for id in failed {
        rig.skip_to_end(id).await;
    }
}
