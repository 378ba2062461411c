//! One line for a workflow of ordinary needs: what it is, who is outside, what must hold.

use std::{sync::Arc, time::Duration};

use engine::{App, Engine, JobDetail, JobId, NewJob, Registry, State, Workflow};
use futures::future::LocalBoxFuture;
use rand::{SeedableRng, rngs::StdRng, seq::IteratorRandom};
use serde_json::Value;
use sqlx::PgPool;

use crate::{
    Calls, Case, Fault, TestDb,
    seed::{is_full, seed},
    stand::Stand,
};

/// Boundaries that each fault is tried at when nobody asks for all: over a few runs each of them has its turn.
const SAMPLE: usize = 3;

/// Faults that are tried in a run that is not full: there are many workflows, so over a few runs each fault has its turn at each.
const FAULTS: usize = 2;

/// A workflow and what must hold of it. [`CrashMatrix::run`] tries faults at its boundaries.
pub struct CrashMatrix<A: App> {
    pub(crate) name: String,
    pub(crate) registry: Arc<Registry<A>>,
    pub(crate) job: Box<dyn Fn() -> NewJob>,
    pub(crate) clients: Option<Arc<A::Clients>>,
    pub(crate) settings: Option<Arc<A::Settings>>,
    pub(crate) calls: Calls,
    schema: Vec<String>,
    pub(crate) signals: Vec<(String, Value)>,
    pub(crate) nudge: Option<Box<dyn Nudge>>,
    pub(crate) clock: Option<Box<dyn Fn(Duration)>>,
    pub(crate) invariants: Vec<(String, Box<dyn Invariant>)>,
    faults: Option<Vec<Fault>>,
    sample: usize,
}

/// What the outside does for a run to get on.
pub(crate) trait Nudge {
    fn nudge<'a>(&'a self, engine: &'a Engine, job: JobId) -> LocalBoxFuture<'a, ()>;
}

impl<F: AsyncFn(&Engine, JobId)> Nudge for F {
    fn nudge<'a>(&'a self, engine: &'a Engine, job: JobId) -> LocalBoxFuture<'a, ()> {
        Box::pin(self(engine, job))
    }
}

/// What must hold of a run that has ended.
pub(crate) trait Invariant {
    fn check<'a>(&'a self, done: &'a Done) -> LocalBoxFuture<'a, Result<(), String>>;
}

impl<F: AsyncFn(&Done) -> Result<(), String>> Invariant for F {
    fn check<'a>(&'a self, done: &'a Done) -> LocalBoxFuture<'a, Result<(), String>> {
        Box::pin(self(done))
    }
}

/// A run that has ended, as an invariant sees it.
#[derive(Debug)]
pub struct Done {
    /// The job, with its whole story.
    pub job: JobDetail,
    /// Who is outside.
    pub calls: Calls,
    /// The database, as a superuser: every row of every table.
    pub rows: PgPool,
}

impl Done {
    /// Where the run stands: a final state, or parked.
    pub fn state(&self) -> State {
        self.job.summary.state
    }

    /// Whether the workflow's work is all there.
    pub fn succeeded(&self) -> bool {
        self.state() == State::Succeeded
    }

    /// How many rows a statement gives whose `$1` is the job's id.
    pub async fn count(&self, statement: &'static str) -> i64 {
        let rows = sqlx::query(statement).bind(self.job.summary.id.as_uuid()).fetch_all(&self.rows);
        i64::try_from(rows.await.expect("a statement").len()).unwrap_or(i64::MAX)
    }
}

impl<A: App> CrashMatrix<A> {
    /// For a workflow of this registry. Each run is a job that `make` gives.
    pub fn of<W: Workflow<A>>(
        registry: Registry<A>,
        make: impl Fn() -> W + 'static,
    ) -> CrashMatrix<A> {
        CrashMatrix::of_job(W::KIND, registry, move || make().job())
    }

    /// The same for jobs that are more than their arguments: a priority, a unique key, a start.
    pub fn of_job(
        name: &str,
        registry: Registry<A>,
        job: impl Fn() -> NewJob + 'static,
    ) -> CrashMatrix<A> {
        CrashMatrix {
            name: name.to_owned(),
            registry: Arc::new(registry),
            job: Box::new(job),
            clients: None,
            settings: None,
            calls: Calls::new(),
            schema: Vec::new(),
            signals: Vec::new(),
            nudge: None,
            clock: None,
            invariants: Vec::new(),
            faults: None,
            sample: SAMPLE,
        }
    }

    /// What it is called in the report, if not by its kind.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// What steps and effects are handed. The provider behind it remembers in [`Calls`].
    #[must_use]
    pub fn clients<C: Into<Arc<A::Clients>>>(mut self, clients: impl FnOnce(Calls) -> C) -> Self {
        self.clients = Some(clients(self.calls.clone()).into());
        self
    }

    /// What everything may read.
    #[must_use]
    pub fn settings(mut self, settings: impl Into<Arc<A::Settings>>) -> Self {
        self.settings = Some(settings.into());
        self
    }

    /// Tables of one's own, made before anything else. The application's role is `trunkline_app`.
    #[must_use]
    pub fn schema(mut self, sql: &str) -> Self {
        self.schema.push(sql.to_owned());
        self
    }

    /// A signal that the outside sends once, when the run waits for it.
    #[must_use]
    pub fn signal(mut self, name: &str, payload: impl Into<Value>) -> Self {
        self.signals.push((name.to_owned(), payload.into()));
        self
    }

    /// Whatever else the outside does for a run to get on. Called again and again, so it must look before it acts.
    #[must_use]
    pub fn nudge(mut self, nudge: impl AsyncFn(&Engine, JobId) + 'static) -> Self {
        self.nudge = Some(Box::new(nudge));
        self
    }

    /// A clock outside that follows the database's: told how far ahead that one is whenever it is moved.
    #[must_use]
    pub fn clock(mut self, follow: impl Fn(Duration) + 'static) -> Self {
        self.clock = Some(Box::new(follow));
        self
    }

    /// What must hold when a run has ended, whatever went wrong and however it ended.
    #[must_use]
    pub fn invariant(
        mut self,
        name: &str,
        check: impl AsyncFn(&Done) -> Result<(), String> + 'static,
    ) -> Self {
        self.invariants.push((name.to_owned(), Box::new(check)));
        self
    }

    /// These faults, and in any run; without this, all in a full run, and otherwise a few that a seed chooses.
    #[must_use]
    pub fn faults(mut self, faults: &[Fault]) -> Self {
        self.faults = Some(faults.to_vec());
        self
    }

    /// At so many boundaries in a run that is not full.
    #[must_use]
    pub fn sample(mut self, boundaries: usize) -> Self {
        self.sample = boundaries;
        self
    }

    /// Brings up a database for it: a [`Play`](crate::Play) for [`crate::crash_matrix`].
    pub async fn case(self) -> Case<A> {
        let db = TestDb::new().await;
        self.calls.forget();
        for sql in &self.schema {
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone()))
                .execute(db.owner())
                .await
                .expect("tables");
        }
        let engine = Engine::connect(db.engine_config(), &self.registry).await.expect("an engine");
        Case::new(self, engine, db)
    }

    /// Tries the faults at the boundaries, writes down how many were delivered, and fails if anything did not hold.
    ///
    /// # Panics
    /// When something did not hold.
    pub async fn run(self) {
        let (faults, sample) = (self.faults.clone().unwrap_or_else(chosen), self.sample);
        let calm: Vec<_> =
            faults.iter().copied().filter(|fault| *fault != Fault::Restart).collect();
        let mut matrix = Some(self);
        if !calm.is_empty() {
            matrix = Some(Box::pin(matrix.take().expect("a matrix").try_out(&calm, sample)).await);
        }
        if faults.contains(&Fault::Restart) {
            let _server = crate::OwnServer::start();
            let restart = [Fault::Restart];
            Box::pin(matrix.take().expect("a matrix").try_out(&restart, sample)).await;
        }
    }

    /// All of these on one database.
    async fn try_out(self, faults: &[Fault], sample: usize) -> CrashMatrix<A> {
        let case = self.case().await;
        let mut stand = Stand::before(&case).await;
        let boundaries = stand.count().await;
        for fault in faults {
            stand.try_out(*fault, boundaries, sample).await.settle();
        }
        stand.leave().await;
        case.into_matrix()
    }
}

fn chosen() -> Vec<Fault> {
    if is_full() {
        return Fault::ALL.to_vec();
    }
    Fault::ALL.into_iter().sample(&mut StdRng::seed_from_u64(seed()), FAULTS)
}
