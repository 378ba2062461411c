//! Workers die at random while people sign up.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use futures::{StreamExt, future, stream::FuturesUnordered};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rustix::process::Signal;
use tests::{
    fleet::{Dev, Experiment, Recovery, Worker, pause, within},
    seed::{say, seed},
};

use crate::{
    people::{DOUBLED, HALF_MADE, People, SEVERAL, SHARED, UNFINISHED, UNPROVEN},
    recovery::{Watch, in_hand, now, until_ready},
};

const SIGN_UPS: usize = 500;
const WORKERS: usize = 4;
const SLOTS: u32 = 8;

/// Milliseconds between two deaths.
const RHYTHM: std::ops::Range<u64> = 100..400;

/// After so many deaths the storm is over, that it may be seen what is left.
const DEATHS_MAX: usize = 200;

/// For anything that takes as long as it takes on two busy cores.
const PATIENCE: Duration = Duration::from_mins(5);

/// Kills and replaces workers until enough have died or `is_over`. Gives the survivors.
async fn rage(
    dev: &Dev,
    watch: &Watch,
    mut chance: StdRng,
    is_over: &Cell<bool>,
) -> (Vec<(u32, DateTime<Utc>)>, Vec<Worker>) {
    let mut living: Vec<Worker> = Vec::new();
    let mut born: FuturesUnordered<_> = (0..WORKERS).map(|_| dev.worker(SLOTS, &[])).collect();
    let mut deaths = Vec::new();
    while deaths.len() < DEATHS_MAX && !is_over.get() {
        let rest = Duration::from_millis(chance.random_range(RHYTHM));
        let until = Instant::now() + rest;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            tokio::select! {
                Some(worker) = born.next() => living.push(worker),
                () = pause(left) => {}
            }
        }
        // One is left alive, that there be work to be interrupted.
        if living.len() < 2 {
            continue;
        }
        let victim = living.swap_remove(chance.random_range(0..living.len()));
        let held = in_hand(dev, victim.pid()).await;
        victim.signal(Signal::KILL);
        deaths.push((victim.pid(), now(dev).await));
        watch.died(held);
        victim.kill_is_over().await;
        born.push(dev.worker(SLOTS, &[]));
    }
    while let Some(worker) = born.next().await {
        living.push(worker);
    }
    (deaths, living)
}

#[tokio::test]
async fn five_hundred_sign_ups_survive_workers_that_die_at_random() {
    let seed = seed();
    println!("TRUNKLINE_SEED={seed}");
    let began = Instant::now();
    let dev = Dev::start(&[
        ("TRUNKLINE_DEMO_NUMBERS", "600"),
        ("DATABASE_POOL_SIZE", "8"),
        // Five hundred codes of one sender would take more than eight minutes.
        ("TRUNKLINE_SMS_EVERY_MS", "1"),
    ])
    .await;
    let (people, watch, is_over) = (People::new(SIGN_UPS), Watch::default(), Cell::new(false));
    let work = async {
        future::join(people.sign_up(&dev), people.verify(&dev, PATIENCE)).await;
        people.become_active(&dev, PATIENCE).await;
        println!("everybody has a demo after {:?}", began.elapsed());
        is_over.set(true);
    };
    let storm = async {
        let left = rage(&dev, &watch, StdRng::seed_from_u64(seed), &is_over).await;
        println!("the storm is over after {:?}", began.elapsed());
        left
    };
    let all = async {
        let ((), left) = future::join(work, storm).await;
        people.forget(&dev, PATIENCE).await;
        within(PATIENCE, "no job of a sign-up is left", async || {
            (dev.count(UNFINISHED).await == 0 && watch.orphans() == 0).then_some(())
        })
        .await;
        left
    };
    let (deaths, living) = tokio::select! {
        left = all => left,
        () = watch.look(&dev) => unreachable!("it looks for ever"),
        () = people.operate(&dev) => unreachable!("an operator is always there"),
    };
    let poisoned = people.poisoned();

    let lost = people.lost(&dev).await;
    let doubled = doubled(&dev, &people).await;
    let half_made = dev.count(HALF_MADE).await;
    let rescued = dev.count("select from trunkline.failures where class = 'lost_worker'").await;
    let times = until_ready(&dev, &deaths).await;
    let (recovery, claimed) = (Recovery::of(&times), Recovery::of(&watch.times()));
    let deaths = deaths.len();
    println!(
        "{SIGN_UPS} sign-ups, {deaths} deaths, {rescued} jobs recovered ({} of them timed: ready again \
         after {recovery:?} ms, claimed behind others after {claimed:?} ms), {poisoned} taken for poison and retried, {lost} lost, {} doubled, {half_made} half-made, in {:?}",
        times.len(),
        doubled.len(),
        began.elapsed(),
    );
    let count = |number: usize| u64::try_from(number).unwrap();
    let record = |promise, what: &str, violations, recovery_ms| {
        let experiment = format!("kill -9 of workers during {SIGN_UPS} sign-ups: {what}");
        let (faults, checked) = (count(deaths), count(SIGN_UPS));
        Experiment { promise, experiment, faults, checked, violations, recovery_ms, seed }.record();
    };
    record(1, "none is lost", count(lost), recovery);
    record(2, "nothing is there twice, and one text per code", count(doubled.len()), None);
    record(5, "everything is there or nothing", u64::try_from(half_made).unwrap(), None);
    assert_eq!((lost, doubled, half_made), (0, Vec::<String>::new(), 0));
    assert!(deaths >= 20 && rescued > 0, "{deaths} deaths and {rescued} rescues prove nothing");
    drop(living);
    dev.stop().await;
}

/// What is there twice.
async fn doubled(dev: &Dev, people: &People) -> Vec<String> {
    let mut doubled = Vec::new();
    for (what, statement) in DOUBLED {
        let count = dev.count(statement).await;
        doubled.extend((0..count).map(|_| (*what).to_owned()));
    }
    doubled.extend((0..dev.count(SHARED).await).map(|_| "numbers".to_owned()));
    let texts = dev.texts().await;
    let unproven: Vec<String> = sqlx::query_scalar(UNPROVEN).fetch_all(dev.rows()).await.unwrap();
    for phone in people.acknowledged().keys() {
        let count = texts.iter().filter(|text| text.to == *phone).count();
        let replaced = unproven.iter().filter(|to| *to == phone).count();
        if !(1..=1 + replaced).contains(&count) {
            doubled.push(format!("{count} texts to one phone, {replaced} codes replaced"));
        }
    }
    let several: Vec<String> = sqlx::query_scalar(SEVERAL).fetch_all(dev.rows()).await.unwrap();
    say(&format!("messages of those who have several: {several:#?}"));
    doubled
}
