//! A worker is frozen for longer than its lease, others take its jobs, and it thaws: what it says then does not count.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tests::{
    fleet::{Dev, Experiment, within},
    seed::{is_full, seed},
};

use crate::{
    ledger::Ledger,
    people::{DOUBLED, HALF_MADE, People, SHARED, UNFINISHED, UNPROVEN},
    recovery::in_hand,
};

const PATIENCE: Duration = Duration::from_mins(2);
const EFFECTS: usize = 100;
const RUNS: usize = 30;

/// Jobs of the kinds for trying that are not over.
const TRYING: &str = "
    select t.job_id from (select job_id, kind_id from trunkline.ready union all select job_id, kind_id from trunkline.leases
                          union all select job_id, kind_id from trunkline.waits) t
    join trunkline.kinds k using (kind_id) where k.name in ('ledger', 'steps')";

#[tokio::test]
async fn what_a_zombie_writes_does_not_count() {
    let rounds = if is_full() { 10 } else { 2 };
    let (mut faults, mut stale, mut doubled) = (0, 0.0, 0);
    for round in 0..rounds {
        let dev = Dev::start(&[]).await;
        let ledger = Ledger::of(&dev);
        let mut zombie = dev.worker(16, &[ledger.variable()]).await;
        for number in 0..EFFECTS {
            dev.enqueue("ledger", json!({ "key": format!("{round}-{number}") }))
                .await
                .expect("enqueued");
            if number % (EFFECTS / RUNS) == 0 {
                dev.enqueue("steps", json!({ "n": 200 })).await.expect("enqueued");
            }
        }
        within(PATIENCE, "it has work in hand", async || {
            (!in_hand(&dev, zombie.pid()).await.is_empty()).then_some(())
        })
        .await;
        zombie.signal(Signal::STOP);
        faults += in_hand(&dev, zombie.pid()).await.len();
        let healthy = dev.worker(16, &[ledger.variable()]).await;
        within(PATIENCE, "another does its work", async || {
            (dev.count(TRYING).await == 0).then_some(())
        })
        .await;
        let ends = "select job_id, epoch, finished_at from trunkline.outcomes";
        let checkpoints = "select job_id, key, finished_at from trunkline.checkpoints";
        let before = (dev.count(ends).await, dev.count(checkpoints).await);
        zombie.signal(Signal::CONT);
        // A worker that was thought dead begins a new life, under a new row, once it has let go of the old one's jobs.
        let reborn = format!(
            "select from trunkline.workers where name = 'default:{}' and expires_at > trunkline.now()",
            zombie.pid()
        );
        within(PATIENCE, "it sees that it was dead", async || {
            (dev.count(&reborn).await == 1).then_some(())
        })
        .await;
        stale += zombie.metric("engine_stale_writes_rejected_total").await;
        zombie.signal(Signal::TERM);
        assert!(zombie.ended().await.success(), "it drains like any other");
        assert_eq!((dev.count(ends).await, dev.count(checkpoints).await), before, "it wrote");
        doubled += ledger.doubled();
        assert_eq!(ledger.lines().len(), EFFECTS);
        drop(healthy);
        dev.stop().await;
    }
    println!(
        "{faults} jobs in frozen hands, {stale} late writes rejected, {doubled} effects twice"
    );
    let entry = |promise, experiment: &str, violations| Experiment {
        promise,
        experiment: experiment.to_owned(),
        faults: u64::try_from(faults).unwrap(),
        checked: u64::try_from(rounds * EFFECTS).unwrap(),
        violations,
        recovery_ms: None,
        seed: seed(),
    };
    entry(3, "SIGSTOP past the lease, then SIGCONT: nothing is written", 0).record();
    entry(
        2,
        "SIGSTOP past the lease, then SIGCONT: effects twice",
        u64::try_from(doubled).unwrap(),
    )
    .record();
    assert!(faults > 0, "nothing was frozen");
    assert_eq!(doubled, 0, "effects that happened twice");
}

#[tokio::test]
async fn a_worker_that_freezes_in_the_middle_of_sign_ups_holds_none_of_them_back() {
    let dev =
        Dev::start(&[("TRUNKLINE_DEMO_NUMBERS", "100"), ("TRUNKLINE_SMS_EVERY_MS", "1")]).await;
    let zombie = dev.worker(8, &[]).await;
    let people = People::new(60);
    people.sign_up(&dev).await;
    let freeze = async {
        // In the middle of the second half, where transactions take longest.
        within(PATIENCE, "the first are active", async || {
            (dev.count("select from product.users").await > 5).then_some(())
        })
        .await;
        // What it has in hand is known for sure only while it stands still.
        let frozen = within(PATIENCE, "it has work in hand", async || {
            zombie.signal(Signal::STOP);
            let held = in_hand(&dev, zombie.pid()).await.len();
            if held == 0 {
                zombie.signal(Signal::CONT);
            }
            (held > 0).then_some(held)
        })
        .await;
        (frozen, dev.worker(8, &[]).await)
    };
    let ((), (frozen, healthy)) =
        futures::future::join(people.verify(&dev, PATIENCE), freeze).await;
    people.become_active(&dev, PATIENCE).await;
    zombie.signal(Signal::CONT);
    people.forget(&dev, PATIENCE).await;
    within(PATIENCE, "no job is left", async || (dev.count(UNFINISHED).await == 0).then_some(()))
        .await;
    let mut violations = dev.count(SHARED).await + dev.count(HALF_MADE).await;
    for (_, statement) in DOUBLED {
        violations += dev.count(statement).await;
    }
    let texts = i64::try_from(dev.texts().await.len()).unwrap();
    let replaced = dev.count(UNPROVEN).await;
    println!("{frozen} jobs in frozen hands; {texts} texts for 60 codes, {replaced} replaced");
    violations += i64::from(!(60..=60 + replaced).contains(&texts));
    let experiment =
        "a worker frozen in the middle of sign-ups holds none back and doubles nothing".to_owned();
    Experiment {
        promise: 3,
        experiment,
        faults: u64::try_from(frozen).unwrap(),
        checked: 60,
        violations: violations.unsigned_abs(),
        recovery_ms: None,
        seed: seed(),
    }
    .record();
    assert_eq!((violations, people.lost(&dev).await), (0, 0));
    drop((zombie, healthy));
    dev.stop().await;
}
