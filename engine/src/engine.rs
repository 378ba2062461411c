//! The engine as a process holds it: pools of connections, the committer, the wake-ups.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use sqlx::{Connection as _, PgConnection as Connection, PgPool, postgres::PgConnectOptions};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admin::CancelMode,
    committer::{Committer, Op},
    connections::{self, ENGINE_CONNECTIONS, HEARTBEAT_CONNECTIONS, READING_CONNECTIONS},
    error::Error,
    gate::{Gates, GatesOf},
    job::{ARGS_BYTES_MAX, Enqueued, JobId, NewJob, Start},
    json,
    names::Names,
    panics,
    registry::Registry,
    scheduler::Schedule,
    sealed::Sealer,
    shapes::Shapes,
    state::{Course, State},
    store::{
        self,
        db::{self, BEGIN, BEGIN_OWN, CALL_TIMEOUT, Db},
        jobs::JobRow,
        loops::{Loops, Planned},
    },
    time::interval,
    trace,
    tx::Tx,
    vitals::Chart,
    wakeups::{Wake, Wakeups, announce, listen},
    workflow::App,
};

/// Of what an operator's look may take, the part for each of its statements, in tenths: the server stops one that takes
/// longer, before we hang up on it.
const STATEMENT_TENTHS: u32 = 8;

/// How a process reaches its database.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where, as the application's role. A transaction-mode pooler may stand in between.
    pub url: secrecy::SecretString,
    /// Where without a pooler: for LISTEN, commits and claims. Without it, other processes' wake-ups are found by polling, and
    /// a claim takes three round trips.
    pub direct_url: Option<secrecy::SecretString>,
    /// Connections for callers' own transactions (API handlers, `transaction` steps).
    pub product_connections: u32,
    /// Keys for what is stored encrypted.
    pub sealer: Arc<Sealer>,
}

/// A handle on the engine. Clones are the same.
#[derive(Debug, Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    /// How long an operator's look may take.
    look_max: Duration,
}

#[derive(Debug)]
struct Inner {
    db: Db,
    loops: Loops,
    beats: Db,
    reads: Db,
    product: PgPool,
    committer: Committer,
    wakeups: Wakeups,
    names: Names,
    gates: GatesOf,
    /// How long runs may take, of the kinds that say so.
    deadlines: BTreeMap<&'static str, Duration>,
    shapes: Shapes,
    sealer: Arc<Sealer>,
    /// What this process's code declares; set once, while connecting.
    schedules: OnceLock<Vec<Schedule>>,
    chart: Chart,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Engine {
    /// Connects, and starts the committer and the wake-ups.
    pub async fn connect<A: App>(config: Config, registry: &Registry<A>) -> Result<Engine, Error> {
        use secrecy::ExposeSecret;
        panics::remember_places();
        let options: PgConnectOptions = config.url.expose_secret().parse()?;
        store::in_the_clear::warn_of("DATABASE_URL", &options);
        if let Some(words) = store::pooler::statements_get_lost(&options).await? {
            return Err(Error::Pooler { words });
        }
        // The engine's own calls are repeated when a connection turns out to be broken, so they do without a ping before
        // each use, which would double the round trips. A caller's transaction cannot be repeated by us.
        let db = Db::new(db::connections(&options, ENGINE_CONNECTIONS, false));
        let beats = db::connections(&options, HEARTBEAT_CONNECTIONS, false);
        let reads = Db::new(db::connections(&options, READING_CONNECTIONS, true));
        let product = db::connections_for_callers(&options, config.product_connections);
        #[cfg(feature = "planted-bugs")]
        let beats = if crate::planted::is(crate::planted::Bug::HeartbeatOnSharedPool) {
            product.clone()
        } else {
            beats
        };
        let beats = Db::new(beats);
        let loops = Loops::past_poolers(config.direct_url.as_ref(), &db)?;
        let (wakeups, pending) = Wakeups::new();
        let (committer, _) = Committer::start(loops.db.clone(), wakeups.clone());
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let mut pools = vec![
            ("statements", db.pool().clone()),
            ("heartbeats", beats.pool().clone()),
            ("reading", reads.pool().clone()),
            ("product", product.clone()),
        ];
        if loops.planned == Planned::Always {
            pools.push(("loops", loops.db.pool().clone()));
        }
        tasks.spawn(connections::show(pools, stop.clone()));
        tasks.spawn(announce(db.clone(), wakeups.sender(), pending));
        if let Some(url) = config.direct_url {
            let (wakeups, stop) = (wakeups.clone(), stop.clone());
            tasks.spawn(async move { listen(wakeups, url.expose_secret().to_owned(), stop).await });
        }
        let inner = Inner {
            db,
            loops,
            beats,
            reads,
            product,
            committer,
            wakeups,
            names: Names::default(),
            gates: GatesOf::of(registry),
            deadlines: registry.deadlines(),
            shapes: Shapes::of(registry),
            sealer: config.sealer,
            schedules: OnceLock::new(),
            chart: Chart::default(),
            stop,
            tasks,
        };
        let engine = Engine { inner: Arc::new(inner), look_max: CALL_TIMEOUT };
        engine.register(registry).await?;
        Ok(engine)
    }

    /// Makes the kinds, queues and schedules of a registry known to the database.
    async fn register<A: App>(&self, registry: &Registry<A>) -> Result<(), Error> {
        let kinds: Vec<_> = registry.kinds().into_iter().map(ToOwned::to_owned).collect();
        self.inner.names.register(&self.inner.db, &kinds, &registry.queues()).await?;
        let schedules = self.inner.schedules.get_or_init(|| registry.schedules.clone());
        crate::scheduler::declare(self, schedules).await
    }

    /// Begins a caller's own transaction.
    pub async fn begin(&self) -> Result<Tx, Error> {
        self.begin_as(BEGIN).await
    }

    /// The same with limits of its own.
    pub(crate) async fn begin_as(&self, words: &'static str) -> Result<Tx, Error> {
        self.begin_on(&self.inner.product, words).await
    }

    /// What time it is, by the clock that decides: the database's.
    pub async fn now(&self) -> Result<chrono::DateTime<chrono::Utc>, Error> {
        Ok(self.inner.db.run(async |conn| store::clock::now(conn).await).await?)
    }

    /// Begins a short transaction of the engine's own.
    pub(crate) async fn begin_own(&self) -> Result<Tx, Error> {
        self.begin_on(self.inner.db.pool(), BEGIN_OWN).await
    }

    async fn begin_on(&self, pool: &PgPool, words: &'static str) -> Result<Tx, Error> {
        match tokio::time::timeout(CALL_TIMEOUT, pool.begin_with(words)).await {
            Ok(begun) => Ok(Tx::new(begun?, self.clone())),
            Err(_) => Err(Error::TimedOut),
        }
    }

    /// Enqueues a job by itself. Acknowledged means committed.
    pub async fn enqueue(&self, job: NewJob) -> Result<Enqueued, Error> {
        if job.unique.is_some() || job.deed.is_some() {
            let mut tx = self.begin().await?;
            let enqueued = tx.enqueue(job).await?;
            tx.commit().await?;
            return Ok(enqueued);
        }
        let mut row = self.row_of(&job)?;
        let _sending = trace::send(&job, &mut row);
        self.inner.committer.commit(Op::Enqueue(vec![row])).await?;
        Ok(Enqueued::New(job.id))
    }

    /// Enqueues many jobs in one transaction: all of them or none. Acknowledged means committed.
    pub async fn enqueue_all(&self, jobs: Vec<NewJob>) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        tx.enqueue_all(jobs).await?;
        tx.commit().await
    }

    /// Makes the jobs of due schedules until told to stop: for a process without a pool, which does it by itself.
    pub async fn schedule_until(&self, stop: CancellationToken) {
        crate::scheduler::run(self.clone(), stop).await;
    }

    /// Forgets now what is older than it is kept. Every pool does it by itself, every ten minutes.
    pub async fn forget(&self, keep: &crate::pool::Keep) -> Result<(), Error> {
        Ok(crate::pool::forget_once(self, keep).await?)
    }

    /// The same engine, whose looks for operators (lists, counts, details) give up after `limit` and not after five seconds.
    #[must_use]
    pub fn looking_within(&self, limit: Duration) -> Engine {
        Engine { inner: Arc::clone(&self.inner), look_max: limit }
    }

    /// Encrypts and decrypts what is stored.
    pub fn sealer(&self) -> &Arc<Sealer> {
        &self.inner.sealer
    }

    /// Whether the database answers, and how quickly.
    pub async fn ping(&self) -> Result<Duration, Error> {
        let began = std::time::Instant::now();
        self.inner.db.run(async |conn| store::clock::now(conn).await).await?;
        Ok(began.elapsed())
    }

    /// Waits for what is on its way and stops the wake-ups. Pools must have been drained before.
    pub async fn close(&self) {
        self.inner.stop.cancel();
        self.inner.product.close().await;
        self.inner.beats.pool().close().await;
    }

    pub(crate) fn row_of(&self, job: &NewJob) -> Result<JobRow, Error> {
        json::check(&job.args, ARGS_BYTES_MAX).map_err(Error::BadJson)?;
        let (due_after, due_at) = match job.start {
            Start::Now => (None, None),
            Start::After(time) => (Some(interval(time)), None),
            Start::At(instant) => (None, Some(instant)),
        };
        let (expires_after, expires_at) = match job.expires {
            Start::Now => (None, None),
            Start::After(time) => (Some(interval(time)), None),
            Start::At(instant) => (None, Some(instant)),
        };
        let gates = job.gates.clone().unwrap_or_else(|| self.inner.gates.ask(&job.kind, &job.args));
        if let Some(why) = gates.fault() {
            return Err(Error::BadGates { why });
        }
        Ok(JobRow {
            lane: gates.lane(&job.kind),
            gates: (!gates.is_empty())
                .then(|| serde_json::to_value(&gates))
                .transpose()
                .map_err(Error::Encode)?,
            expires_after,
            expires_at,
            deadline: job.deadline.map(interval),
            deadline_of_kind: self.inner.deadlines.get(job.kind.as_str()).copied().map(interval),
            job_id: job.id.as_uuid(),
            retention: job.retention.code(),
            kind_id: self.inner.names.kind(&job.kind)?,
            queue_id: self.inner.names.queue(&job.queue)?,
            priority: job.priority,
            args: job.args.clone(),
            tenant_id: job.tenant,
            parent_id: job.parent.as_ref().map(|parent| parent.id.as_uuid()),
            parent_step: job.parent.as_ref().map(|parent| parent.step.clone()),
            unique_key: job.unique.as_ref().map(|unique| unique.key.clone()),
            traceparent: job.traceparent.clone(),
            has_deed: job.deed.is_some(),
            due_after,
            due_at,
        })
    }

    /// Has a job end with nothing of it left: cancels it if it lives, opens it again if it succeeded. Does nothing to one
    /// that is over or on its way there.
    pub(crate) async fn take_back(&self, job: JobId) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        let succeeded = [State::Succeeded.as_str().to_owned()];
        let id = job.as_uuid();
        match store::outcomes::outcome_reopen(
            &mut tx,
            id,
            &succeeded,
            Course::UndoingCancelled.code(),
        )
        .await?
        {
            Some(queue) => tx.wake_mut().queue(queue),
            None => {
                crate::admin::cancel_in(&mut tx, job, CancelMode::Undo, false).await?;
            }
        }
        tx.commit().await
    }

    /// Cancels a job if it lives, and waits for nothing.
    pub(crate) async fn let_go(&self, job: JobId) -> Result<(), Error> {
        let mut tx = self.begin().await?;
        crate::admin::cancel_in(&mut tx, job, CancelMode::Undo, false).await?;
        tx.commit().await
    }

    /// Tells sleepers, after a commit.
    pub(crate) fn wake(&self, wake: Wake) {
        self.inner.wakeups.ring(wake.queues);
        if !wake.jobs.is_empty() {
            let committer = self.inner.committer.clone();
            // Not awaited: whoever committed has its answer; what is lost here, the sweep finds.
            self.inner.tasks.spawn(async move {
                let _ = committer.commit(Op::Look(wake.jobs)).await;
            });
        }
        if !wake.cancels.is_empty() {
            let engine = self.clone();
            self.inner.tasks.spawn(async move {
                for job in wake.cancels {
                    if let Err(error) = crate::admin::enforce(&engine, job).await {
                        tracing::debug!(job.id = %job, %error, "a cancel is left to the sweep");
                    }
                }
            });
        }
    }

    /// The schedules that this process's code declares.
    pub(crate) fn schedules_declared(&self) -> &[Schedule] {
        self.inner.schedules.get().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn chart(&self) -> &Chart {
        &self.inner.chart
    }

    pub(crate) fn db(&self) -> &Db {
        &self.inner.db
    }

    pub(crate) fn loops(&self) -> &Loops {
        &self.inner.loops
    }

    pub(crate) fn beats(&self) -> &Db {
        &self.inner.beats
    }

    /// For operators: a statement that takes too long is stopped by the server, too.
    pub(crate) async fn read<T, F>(&self, f: F) -> Result<T, Error>
    where
        F: AsyncFnOnce(&mut Connection) -> Result<T, sqlx::Error>,
    {
        let read = async |conn: &mut Connection| {
            let mut tx = conn.begin().await?;
            store::clock::statements_limit(&mut tx, self.look_max * STATEMENT_TENTHS / 10).await?;
            let found = f(&mut tx).await?;
            tx.commit().await?;
            Ok(found)
        };
        Ok(self.inner.reads.run_within(self.look_max, read).await?)
    }

    pub(crate) fn committer(&self) -> &Committer {
        &self.inner.committer
    }

    pub(crate) fn wakeups(&self) -> &Wakeups {
        &self.inner.wakeups
    }

    /// What a job of this kind has to pass, by its arguments.
    pub(crate) fn gates_of(&self, kind: &str, args: &serde_json::Value) -> Gates {
        self.inner.gates.ask(kind, args)
    }

    pub(crate) fn shapes(&self) -> &Shapes {
        &self.inner.shapes
    }

    pub(crate) fn names(&self) -> &Names {
        &self.inner.names
    }
}
