//! What is: the same jobs on a real Postgres, under real workers.

use std::{sync::Arc, time::Duration};

use crash_matrix::Calls;
use engine::{
    CancelMode, Engine, Enqueued, Hold, JobId, Operator, Registry, State, Unique, Workflow,
};
use tests::{TestDb, TestWorker, WorkerOptions, holds, wait_until};

use crate::{
    model::Job,
    puppet::{Puppet, Strings, Theatre, Told},
};

/// Short, so that a worker soon hears that something is to be cancelled.
const LEASE: Duration = Duration::from_secs(3);

/// Two busy cores can be this slow; and what goes astray is looked for a dozen times, to make it short.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything.
pub(crate) struct Stage {
    engine: Engine,
    registry: Arc<Registry<Theatre>>,
    calls: Calls,
    worker: (TestWorker<Theatre>, Arc<Strings>),
    db: TestDb,
}

impl Stage {
    pub(crate) async fn new() -> Stage {
        let db = TestDb::new().await;
        let registry = Arc::new(Registry::default().with::<Puppet>());
        let engine = Engine::connect(db.engine_config(), &registry).await.unwrap();
        let calls = Calls::new();
        let worker = worker(&db, &registry, &calls).await;
        Stage { engine, registry, calls, worker, db }
    }

    /// Gives the job that stands for the request now.
    pub(crate) async fn enqueue(&self, key: Option<String>) -> Enqueued {
        let mut job = Puppet {}.job();
        if let Some(key) = key {
            job = job.unique(Unique::new("puppet", &key, Hold::WhileLive));
        }
        self.engine.enqueue(job).await.unwrap()
    }

    /// Tells the puppet, once it asks.
    pub(crate) async fn tell(&self, job: JobId, told: Told) {
        wait_until("it asks", async || holds(self.worker.1.tell(job, told))).await;
    }

    pub(crate) async fn pull(&self, job: JobId, pull: u8) {
        let mut tx = self.engine.begin().await.unwrap();
        tx.signal(job, "pull", &pull, Some(&pull.to_string())).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn advance(&self, by: Duration) {
        self.db.advance(by).await;
    }

    /// Cancels it; if a worker has it, until that one knows.
    pub(crate) async fn cancel(&self, job: JobId) {
        let mut tx = self.engine.begin().await.unwrap();
        if tx.cancel(job, CancelMode::Undo, &Operator::new("model")).await.is_ok() {
            tx.commit().await.unwrap();
        }
        let asked = self.db.now().await;
        // It reads what is to be cancelled right after it has beaten, so after the second beat it has.
        for _ in 0..2 {
            let after = self.db.now().await.max(asked);
            wait_until("its worker beats", async || {
                let beaten = "select exists (select from trunkline.workers where pool = $1 and heartbeat_at > $2)";
                let beaten = sqlx::query_scalar(beaten).bind(self.worker.0.name()).bind(after);
                holds(beaten.fetch_one(self.db.owner()).await.ok()?)
            })
            .await;
        }
    }

    /// Tries it again now, if that can be.
    pub(crate) async fn retry(&self, job: JobId) {
        let mut tx = self.engine.begin().await.unwrap();
        if tx.retry(job, &Operator::new("model")).await.is_ok() {
            tx.commit().await.unwrap();
        }
    }

    /// The worker dies, and another takes over.
    pub(crate) async fn worker_dies(&mut self) {
        let next = worker(&self.db, &self.registry, &self.calls).await;
        let (dead, _) = std::mem::replace(&mut self.worker, next);
        self.db.end_lease_of(&dead.kill()).await;
    }

    /// The worker's lease ends, another takes over, and then the first one's puppets do what they are told: it does not
    /// count.
    pub(crate) async fn lease_ends(&mut self, late: Told, jobs: &[(JobId, Job)]) {
        let next = worker(&self.db, &self.registry, &self.calls).await;
        let (mut old, strings) = std::mem::replace(&mut self.worker, next);
        // Awake, it would begin a new life at once, and might be given the very same jobs.
        old.freeze();
        self.db.end_lease_of(old.name()).await;
        for (id, job) in jobs {
            self.is_as(*id, job).await;
        }
        for (id, _) in jobs {
            strings.tell(*id, late);
        }
        old.thaw();
        wait_until("the old one lets go", async || holds(old.in_hand() == 0)).await;
        old.drain(Duration::from_secs(10)).await;
    }

    /// Waits until a job is as the model says.
    pub(crate) async fn is_as(&self, id: JobId, job: &Job) {
        let expected = (job.state(), job.answers, job.deeds, job.pulls.len(), true);
        let seen =
            crash_matrix::within(PATIENCE, async || holds(self.look(id).await? == expected)).await;
        assert!(
            seen.is_some(),
            "{id} is {:?} instead of {expected:?} ({job:?})",
            self.look(id).await
        );
    }

    async fn look(&self, id: JobId) -> Option<(State, usize, usize, usize, bool)> {
        let state = self.engine.job(id).await.ok()??.summary.state;
        let counts = "select (select count(*) from trunkline.checkpoints
                              where job_id = $1 and form = 'step' and key not like '%#%/%'), -- none of a branch's
                             (select count(*) from trunkline.signals where job_id = $1)";
        let (answers, pulls): (i64, i64) =
            sqlx::query_as(counts).bind(id.as_uuid()).fetch_one(self.db.owner()).await.ok()?;
        let count = |number: i64| usize::try_from(number).unwrap();
        // A puppet that runs asks; one that does not has nothing to say.
        let asks = self.worker.1.is_asked(id) == (state == State::Running);
        // What a job never took that ended in the first worker's hands is tidied away later.
        let pulls = if state.is_final() { 0 } else { count(pulls) };
        Some((state, count(answers), self.calls.standing(id).len(), pulls, asks))
    }

    /// Ends what is left, so that the next play begins with nothing.
    pub(crate) async fn clear(&self, jobs: &[(JobId, Job)]) {
        for (id, _) in jobs {
            wait_until("it is over", async || {
                let job = self.engine.job(*id).await.ok()??;
                if job.summary.state.is_final() {
                    return Some(());
                }
                self.worker.1.tell(*id, Told::Finish);
                if job.summary.state != State::Running {
                    self.advance(Duration::from_mins(3)).await;
                }
                None
            })
            .await;
        }
    }
}

async fn worker(
    db: &TestDb,
    registry: &Arc<Registry<Theatre>>,
    calls: &Calls,
) -> (TestWorker<Theatre>, Arc<Strings>) {
    let strings = Strings::new(calls.clone());
    let options = WorkerOptions { slots: 64, lease: LEASE, ..WorkerOptions::default() };
    let (config, registry) = (db.engine_config(), Arc::clone(registry));
    let worker =
        TestWorker::start(config, registry, Arc::clone(&strings), Arc::new(()), options).await;
    (worker, strings)
}
