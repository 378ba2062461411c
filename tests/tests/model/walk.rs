//! Walks through the machine of states by chance, the model and the database side by side. One that finds a difference is
//! made as short as it can be.

use std::{cell::RefCell, time::Duration};

use engine::Enqueued;
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};
use tests::{
    fleet::Experiment,
    seed::{is_full, seed},
};

use crate::{model::Job, puppet::Told, stage::Stage};

/// Walks when nobody asks for all, and when somebody does.
const WALKS: (u32, u32) = (16, 400);

/// Each costs as long as the stage's patience.
const SHRINKS_MAX: u32 = 12;

/// One step of a walk. A job is named by its number among those that there are.
#[derive(Debug, Clone, Copy)]
enum Move {
    Enqueue(Option<u8>),
    Tell(usize, Told),
    Pull(usize, u8),
    Advance(u64),
    Cancel(usize),
    Retry(usize),
    WorkerDies,
    LeaseEnds(Told),
}

fn told() -> impl Strategy<Value = Told> {
    prop_oneof![
        4 => Just(Told::Do),
        3 => Just(Told::Wait),
        2 => Just(Told::Sleep),
        2 => Just(Told::Race),
        2 => Just(Told::Retry),
        1 => Just(Told::Finish),
        1 => Just(Told::Fail),
    ]
}

fn step() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => proptest::option::of(0..2_u8).prop_map(Move::Enqueue),
        12 => (0..4_usize, told()).prop_map(|(job, told)| Move::Tell(job, told)),
        4 => (0..4_usize, 0..3_u8).prop_map(|(job, pull)| Move::Pull(job, pull)),
        3 => prop_oneof![Just(30_u64), Just(61), Just(121)].prop_map(Move::Advance),
        2 => (0..4_usize).prop_map(Move::Cancel),
        2 => (0..4_usize).prop_map(Move::Retry),
        1 => Just(Move::WorkerDies),
        1 => told().prop_map(Move::LeaseEnds),
    ]
}

/// A walk that has begun.
struct Walk<'s> {
    stage: &'s mut Stage,
    /// Keeps the unique keys of two walks apart.
    number: u32,
    now: Duration,
    jobs: Vec<(engine::JobId, Job)>,
    /// Of workers, so far: the third would send a job away for a while.
    deaths: u32,
}

impl Walk<'_> {
    async fn go(&mut self, step: Move) {
        match step {
            Move::Enqueue(key) => self.enqueue(key).await,
            Move::Tell(job, told) => {
                let now = self.now;
                if let Some((id, job)) = pick(&mut self.jobs, job)
                    && job.state() == engine::State::Running
                {
                    self.stage.tell(*id, told).await;
                    job.told(told, now);
                }
            }
            Move::Pull(job, pull) => {
                if let Some((id, job)) = pick(&mut self.jobs, job) {
                    self.stage.pull(*id, pull).await;
                    job.pulled(pull);
                }
            }
            Move::Advance(secs) => {
                self.now += Duration::from_secs(secs);
                self.stage.advance(Duration::from_secs(secs)).await;
                let now = self.now;
                self.jobs.iter_mut().for_each(|(_, job)| job.clock(now));
            }
            Move::Cancel(job) => {
                if let Some((id, job)) = pick(&mut self.jobs, job) {
                    self.stage.cancel(*id).await;
                    job.cancelled();
                }
            }
            Move::Retry(job) => {
                if let Some((id, job)) = pick(&mut self.jobs, job)
                    && !job.is_over()
                {
                    self.stage.retry(*id).await;
                    job.retried();
                }
            }
            Move::WorkerDies | Move::LeaseEnds(_) if self.deaths == 2 => {}
            Move::WorkerDies => {
                self.deaths += 1;
                self.stage.worker_dies().await;
                self.jobs.iter_mut().for_each(|(_, job)| job.orphaned());
            }
            Move::LeaseEnds(late) => {
                self.deaths += 1;
                self.jobs.iter_mut().for_each(|(_, job)| job.orphaned());
                self.stage.lease_ends(late, &self.jobs).await;
            }
        }
        for (id, job) in &self.jobs {
            self.stage.is_as(*id, job).await;
        }
    }

    async fn enqueue(&mut self, key: Option<u8>) {
        let name = key.map(|key| format!("{}-{key}", self.number));
        let enqueued = self.stage.enqueue(name).await;
        let holder =
            self.jobs.iter().find(|(_, job)| key.is_some() && job.key == key && !job.is_over());
        match (holder, enqueued) {
            (Some((id, _)), Enqueued::Duplicate(first)) => assert_eq!(*id, first),
            (None, Enqueued::New(id)) => self.jobs.push((id, Job::new(key))),
            (holder, enqueued) => panic!("{enqueued:?} while the key is held by {holder:?}"),
        }
    }
}

fn pick(jobs: &mut [(engine::JobId, Job)], number: usize) -> Option<&mut (engine::JobId, Job)> {
    let count = jobs.len();
    jobs.get_mut(number % count.max(1))
}

#[test]
fn whatever_is_done_to_jobs_the_database_is_where_the_model_is() {
    let seed = seed();
    println!("TRUNKLINE_SEED={seed}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stage = RefCell::new(Some(runtime.block_on(Stage::new())));
    let cases = if is_full() { WALKS.1 } else { WALKS.0 };
    let config = Config {
        cases,
        max_shrink_iters: SHRINKS_MAX,
        failure_persistence: None,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let (walks, moves) = (RefCell::new(0_u32), RefCell::new(0_usize));
    let found = TestRunner::new_with_rng(config, chance).run(
        &proptest::collection::vec(step(), 1..20),
        |steps| {
            *walks.borrow_mut() += 1;
            *moves.borrow_mut() += steps.len();
            let number = *walks.borrow();
            // A walk that went astray leaves a stage that nobody can trust.
            let mut own = stage.take().unwrap_or_else(|| runtime.block_on(Stage::new()));
            let walked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                runtime.block_on(async {
                    let mut walk = Walk {
                        stage: &mut own,
                        number,
                        now: Duration::ZERO,
                        jobs: Vec::new(),
                        deaths: 0,
                    };
                    for step in &steps {
                        walk.go(*step).await;
                    }
                    let jobs = walk.jobs;
                    own.clear(&jobs).await;
                });
            }));
            match walked {
                Ok(()) => {
                    stage.replace(Some(own));
                    Ok(())
                }
                Err(panic) => {
                    std::mem::forget(own);
                    let why = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                    Err(TestCaseError::fail(why))
                }
            }
        },
    );
    let moves = u64::try_from(*moves.borrow()).unwrap();
    Experiment {
        promise: 2,
        experiment: "walks through the machine of states, beside a model of it".to_owned(),
        faults: moves,
        checked: u64::from(*walks.borrow()),
        violations: u64::from(found.is_err()),
        recovery_ms: None,
        seed,
    }
    .record();
    match found {
        Ok(()) => {}
        Err(TestError::Fail(why, steps)) => panic!("TRUNKLINE_SEED={seed}: {why}: {steps:#?}"),
        Err(error) => panic!("TRUNKLINE_SEED={seed}: {error}"),
    }
}
