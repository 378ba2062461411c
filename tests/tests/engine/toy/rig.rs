//! Everything a test of the engine needs: a database, an engine as the API has one, workers, and the world.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use engine::{
    CancelMode, Ending, Engine, JobDetail, JobId, NewJob, Operator, Registry, State, Workflow,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::Value;
use sqlx::Row;
use tests::{TestDb, TestWorker, WorkerOptions, wait_until};

use super::{Act, Script, Toy, World, registry};

/// Where transactions write, and how often what they wrote was taken back.
const LEDGER: &str = "
    create schema toy;
    create table toy.ledger (id bigint generated always as identity primary key, line text not null,
        undone integer not null default 0);
    grant usage on schema toy to trunkline_app;
    grant select, insert, update, delete on toy.ledger to trunkline_app;";

/// All of it. Workers come last, so that they are gone when the database is looked at.
pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) world: Arc<World>,
    pub(crate) registry: Arc<Registry<Toy>>,
    pub(crate) db: TestDb,
}

impl Rig {
    /// A fresh one.
    pub(crate) async fn new() -> Rig {
        Rig::with(registry()).await
    }

    /// With another registry.
    pub(crate) async fn with(registry: Registry<Toy>) -> Rig {
        Rig::on(TestDb::new().await, registry).await
    }

    /// On a database of its own.
    pub(crate) async fn on(db: TestDb, registry: Registry<Toy>) -> Rig {
        sqlx::raw_sql(LEDGER).execute(db.owner()).await.expect("a ledger");
        let engine = Engine::connect(db.engine_config(), &registry).await.expect("an engine");
        Rig { engine, world: Arc::default(), registry: Arc::new(registry), db }
    }

    /// A worker with everything as usual.
    pub(crate) async fn worker(&self) -> TestWorker<Toy> {
        self.worker_with(WorkerOptions::default()).await
    }

    /// A worker of another kind.
    pub(crate) async fn worker_with(&self, options: WorkerOptions) -> TestWorker<Toy> {
        self.worker_at(self.db.engine_config(), options).await
    }

    /// A worker that reaches the database by another way.
    pub(crate) async fn worker_at(
        &self,
        config: engine::Config,
        options: WorkerOptions,
    ) -> TestWorker<Toy> {
        let (registry, world) = (Arc::clone(&self.registry), Arc::clone(&self.world));
        TestWorker::start(config, registry, world, Arc::new(()), options).await
    }

    /// A worker in which no attempt comes to anything: each ends like this.
    pub(crate) async fn breaking_worker(&self, ending: fn() -> Ending) -> TestWorker<Toy> {
        let (registry, world) = (Arc::clone(&self.registry), Arc::clone(&self.world));
        let (config, options) = (self.db.engine_config(), WorkerOptions::default());
        TestWorker::start_breaking(config, registry, world, Arc::new(()), options, Some(ending))
            .await
    }

    /// Enqueues a script.
    pub(crate) async fn play(&self, acts: impl Into<Vec<Act>>) -> JobId {
        self.enqueue(Script(acts.into()).job()).await
    }

    /// Enqueues a job.
    pub(crate) async fn enqueue(&self, job: NewJob) -> JobId {
        self.engine.enqueue(job).await.expect("enqueued").id()
    }

    /// The job as operators see it.
    pub(crate) async fn job(&self, id: JobId) -> JobDetail {
        self.engine.job(id).await.expect("a database").expect("a job")
    }

    /// Waits until the job is in a state.
    pub(crate) async fn becomes(&self, id: JobId, state: State) -> JobDetail {
        let what = format!("{id} becomes {state}");
        wait_until(&what, async || {
            let job = self.engine.job(id).await.ok()??;
            assert!(
                job.summary.state == state || !job.summary.state.is_final(),
                "{what}, but is {}: {:?} {:#?}",
                job.summary.state,
                job.summary.error,
                job.steps,
            );
            (job.summary.state == state).then_some(job)
        })
        .await
    }

    /// Waits until it has succeeded.
    pub(crate) async fn succeeds(&self, id: JobId) -> Vec<Value> {
        let output = self.becomes(id, State::Succeeded).await.output.expect("an output");
        serde_json::from_value(output).expect("outputs of a script")
    }

    /// Waits until it is in a state and what it says of itself contains a text.
    pub(crate) async fn becomes_because(&self, id: JobId, state: State, text: &str) -> JobDetail {
        let job = self.becomes(id, state).await;
        let said = job.summary.error.clone().unwrap_or_default();
        assert!(said.contains(text), "{said:?} does not say {text:?}");
        job
    }

    /// Waits until it is between two attempts, and moves the clock to the next.
    pub(crate) async fn skip_pause(&self, id: JobId) -> Duration {
        let what = format!("{id} comes to a pause");
        let due = wait_until(&what, async || {
            let job = self.job(id).await;
            job.due.filter(|_| matches!(job.summary.state, State::Scheduled | State::Waiting))
        })
        .await;
        let pause = (due - self.db.now().await).to_std().unwrap_or_default();
        self.db.advance(pause).await;
        pause
    }

    /// Moves the clock over every pause until the job has succeeded.
    pub(crate) async fn skip_to_end(&self, id: JobId) {
        wait_until(&format!("{id} succeeds"), async || {
            let job = self.job(id).await;
            if let (Some(due), false) = (job.due, job.summary.state.is_final()) {
                self.db.advance((due - self.db.now().await).to_std().unwrap_or_default()).await;
            }
            (job.summary.state == State::Succeeded).then_some(())
        })
        .await;
    }

    /// Waits until a job was claimed this often.
    pub(crate) async fn claimed(&self, id: JobId, times: i32) {
        wait_until(&format!("{times} claims"), async || {
            tests::holds(self.epoch(id).await >= times)
        })
        .await;
    }

    /// Lets a killed worker's lease end.
    pub(crate) async fn bury(&self, worker: TestWorker<Toy>) {
        self.db.end_lease_of(&worker.kill()).await;
    }

    /// Sends a signal.
    pub(crate) async fn signal(
        &self,
        id: JobId,
        name: &str,
        payload: Value,
        dedupe_key: Option<&str>,
    ) {
        let mut tx = self.engine.begin().await.expect("a transaction");
        tx.signal(id, name, &payload, dedupe_key).await.expect("a signal");
        tx.commit().await.expect("a commit");
    }

    /// Cancels in the usual way.
    pub(crate) async fn cancel(&self, id: JobId) {
        self.cancel_as(id, CancelMode::Undo).await;
    }

    /// Cancels in this way.
    pub(crate) async fn cancel_as(&self, id: JobId, mode: CancelMode) {
        let mut tx = self.engine.begin().await.expect("a transaction");
        tx.cancel(id, mode, &operator()).await.expect("cancelled");
        tx.commit().await.expect("a commit");
    }

    /// Tries again.
    pub(crate) async fn retry(&self, id: JobId) {
        let mut tx = self.engine.begin().await.expect("a transaction");
        tx.retry(id, &operator()).await.expect("tried again");
        tx.commit().await.expect("a commit");
    }

    /// The lines of the ledger table, and how often each was taken back.
    pub(crate) async fn ledger(&self) -> Vec<(String, i32)> {
        let rows = sqlx::query("select line, undone from toy.ledger order by id")
            .fetch_all(self.db.owner())
            .await;
        rows.expect("a ledger").iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// How often a job was claimed.
    pub(crate) async fn epoch(&self, id: JobId) -> i32 {
        let statement = "select epoch from trunkline.outcomes where job_id = $1
                         union all select epoch from trunkline.leases where job_id = $1
                         union all select epoch from trunkline.waits where job_id = $1
                         union all select epoch from trunkline.ready where job_id = $1";
        sqlx::query_scalar(statement)
            .bind(id.as_uuid())
            .fetch_one(self.db.owner())
            .await
            .expect("a job")
    }

    /// The only child of a job.
    pub(crate) async fn child_of(&self, id: JobId) -> JobId {
        wait_until("a child", async || {
            let statement = "select job_id from trunkline.jobs where parent_id = $1";
            let child: Option<sqlx::types::Uuid> = sqlx::query_scalar(statement)
                .bind(id.as_uuid())
                .fetch_optional(self.db.owner())
                .await
                .ok()?;
            child.map(JobId::from)
        })
        .await
    }
}

/// Who asks for what, where a test does not care.
pub(crate) fn operator() -> Operator {
    Operator::new("operator:ada").because("a test")
}

/// Short names for acts.
impl Act {
    pub(crate) fn step(name: &str) -> Act {
        Act::Step(name.to_owned())
    }

    pub(crate) fn deed(name: &str) -> Act {
        Act::Deed(name.to_owned())
    }

    pub(crate) fn entry(line: &str) -> Act {
        Act::Entry(line.to_owned())
    }

    pub(crate) fn wait(name: &str) -> Act {
        Act::Wait(name.to_owned(), None)
    }

    pub(crate) fn pivot(name: &str) -> Act {
        Act::Pivot(name.to_owned())
    }

    pub(crate) fn body(name: &str) -> Act {
        Act::Body(name.to_owned())
    }
}

/// How many late writes were rejected in this process so far.
pub(crate) fn stale_writes() -> u64 {
    counted(engine::metrics::STALE)
}

/// What a counter of this process has come to so far, over all its labels.
pub(crate) fn counted(name: &str) -> u64 {
    static METRICS: OnceLock<PrometheusHandle> = OnceLock::new();
    let metrics = METRICS
        .get_or_init(|| PrometheusBuilder::new().install_recorder().expect("the only recorder"));
    let text = metrics.render();
    let lines = text.lines().filter_map(|line| line.strip_prefix(name));
    let counts = lines.filter_map(|rest| rest.rsplit(' ').next()?.parse::<u64>().ok());
    counts.sum()
}
