//! Limits on how often jobs start: across workers, in order, whatever the workers were doing meanwhile.

use std::time::Duration;

use engine::{Gates, State};
use tests::{holds, wait_until};

use super::{ends, finished, gated, one_a_minute};
use crate::toy::{Plan, Rig};

const MINUTE: chrono::TimeDelta = chrono::TimeDelta::minutes(1);

/// Between a start, which counts, and the end of its job, which is seen.
const SEEN_LATE: chrono::TimeDelta = chrono::TimeDelta::seconds(15);

/// Moves the clock on in small pieces until so many have finished.
async fn let_pass(rig: &Rig, until: i64) {
    wait_until("all have finished", async || {
        rig.db.advance(Duration::from_secs(5)).await;
        holds(finished(rig).await >= until)
    })
    .await;
}

#[tokio::test]
async fn starts_are_as_far_apart_as_the_rate_says_over_three_workers_and_in_order() {
    let rig = Rig::new().await;
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(rig.enqueue(gated("a", one_a_minute())).await);
    }
    let _workers = [rig.worker().await, rig.worker().await, rig.worker().await];
    let_pass(&rig, 8).await;
    let ends = ends(&rig).await;
    assert_eq!(ends.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids, "in order");
    for (first, second) in ends.iter().zip(ends.iter().skip(1)) {
        let apart = second.1 - first.1;
        assert!(apart > MINUTE - SEEN_LATE, "only {apart} apart");
    }
}

#[tokio::test]
async fn slots_that_nobody_used_are_not_made_up_for() {
    let rig = Rig::new().await;
    let gates = || Gates::none().rate("toy", "", Duration::from_mins(1), 3);
    for _ in 0..9 {
        rig.enqueue(gated("a", gates())).await;
    }
    rig.db.advance(Duration::from_hours(5)).await;
    let _workers = [rig.worker().await, rig.worker().await];
    // What was saved up, and no more, starts now: the clock stands still until we move it, but for real seconds.
    wait_until("the burst", async || holds(finished(&rig).await == 3)).await;
    let_pass(&rig, 9).await;
    let ends = ends(&rig).await;
    for (first, fourth) in ends.iter().zip(ends.iter().skip(3)) {
        let apart = fourth.1 - first.1;
        assert!(apart > MINUTE - SEEN_LATE, "four within {apart}");
    }
}

#[tokio::test]
async fn a_retry_is_a_start_like_any_other() {
    let rig = Rig::new().await;
    let pause = Duration::from_secs(10);
    rig.world.plan("step:a", [Plan::RetryAfter(pause), Plan::Fine]);
    let _worker = rig.worker().await;
    let id = rig.enqueue(gated("a", one_a_minute())).await;
    rig.becomes(id, State::Scheduled).await;
    rig.skip_pause(id).await;
    rig.becomes(id, State::Waiting).await;
    assert_eq!(rig.world.count("step:a"), 1);
    rig.db.advance(Duration::from_mins(1)).await;
    rig.succeeds(id).await;
}

#[tokio::test]
async fn a_job_that_is_handed_back_by_a_dead_worker_starts_by_the_rate_again() {
    let rig = Rig::new().await;
    rig.world.plan("step:a", [Plan::Gate]);
    let id = rig.enqueue(gated("a", one_a_minute())).await;
    let worker = rig.worker().await;
    rig.world.reached("step:a", 1).await;
    rig.bury(worker).await;
    let _other = rig.worker().await;
    rig.becomes(id, State::Waiting).await;
    assert_eq!(rig.epoch(id).await, 1);
    rig.db.advance(Duration::from_mins(1)).await;
    rig.succeeds(id).await;
}
