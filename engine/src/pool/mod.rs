//! A pool: the part of a process that runs jobs. Claiming, heartbeat and housekeeping are tasks of their own, so that
//! none of them waits for another or for a handler.

mod claim;
mod gated;
mod heartbeat;
mod housekeeping;
mod live;
mod marks;
mod pace;
mod passing;
mod queues;
mod rescue;
mod retention;
mod spacing;
mod timers;
mod watch;

use std::{sync::Arc, time::Duration};

use tokio::sync::{Notify, Semaphore, mpsc, watch as watched};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use self::claim::jittered;
pub use self::retention::Keep;
pub(crate) use self::retention::once as forget_once;
use self::{live::Live, pace::Pace, queues::Queues};
use crate::{
    cause::{Cause, Parking},
    committer::{CommitError, Finish, Op},
    context::{ChildEnd, Suspension},
    engine::Engine,
    error::Error,
    leased::{LeaseClock, LeasedJob},
    registry::Registry,
    runner::{self, Deeds, Departure, Ending, Final},
    store::{
        failures::FailureRow,
        leases::{FinishRow, SuspendRow},
    },
    time::interval,
    trace,
    workflow::App,
};

/// How a pool behaves.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// `default`, `voice`: for people and metrics.
    pub name: String,
    /// The version of the program, for people.
    pub version: String,
    /// Where this pool can be reached from outside, if it can.
    pub address: Option<String>,
    /// Queues that it serves; all that its registry names, if empty.
    pub queues: Vec<String>,
    /// Jobs it holds at once, running or about to.
    pub slots: usize,
    /// How long it may be silent before others take its jobs.
    pub lease: Duration,
    /// How often an idle pool looks for work that no wake-up announced.
    pub poll: Duration,
    /// Whether it waits, while there is a backlog, for room for a batch worth its statement. A pool whose jobs somebody is
    /// waiting for takes each as soon as there is room for one.
    pub batches: bool,
    /// How long is kept what is over.
    pub keep: Keep,
}

impl PoolConfig {
    /// A pool for ordinary work.
    pub fn batch(slots: usize) -> PoolConfig {
        PoolConfig {
            name: "default".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            address: None,
            queues: Vec::new(),
            slots,
            // Three missed heartbeats: a pause of the machine is no death, and a dead worker's work is seconds late.
            lease: Duration::from_secs(10),
            poll: Duration::from_millis(500),
            batches: true,
            keep: Keep::default(),
        }
    }

    /// A pool for what somebody is waiting for at this moment: live calls. Its death is noticed sooner, at the price of a
    /// heartbeat more often.
    pub fn live(name: &str, slots: usize) -> PoolConfig {
        PoolConfig {
            name: name.to_owned(),
            lease: Duration::from_secs(3),
            // Only where a wake-up was lost.
            poll: Duration::from_millis(100),
            batches: false,
            ..PoolConfig::batch(slots)
        }
    }
}

/// What a pool asks for, by number.
struct Serves {
    queue_ids: Vec<i16>,
    kind_ids: Vec<i16>,
}

impl Serves {
    fn of<A: App>(engine: &Engine, registry: &Registry<A>, config: &PoolConfig) -> Serves {
        let names = engine.names();
        let queues =
            if config.queues.is_empty() { registry.queues() } else { config.queues.clone() };
        let kinds = registry.kinds();
        Serves {
            queue_ids: queues.iter().filter_map(|name| names.queue(name).ok()).collect(),
            kind_ids: kinds.iter().filter_map(|name| names.kind(name).ok()).collect(),
        }
    }
}

/// A running pool. Its jobs come out of the receiver that [`Pool::join`] returns; each goes through [`Pool::attempt`]
/// and [`Pool::settle`].
pub struct Pool<A: App> {
    engine: Engine,
    registry: Arc<Registry<A>>,
    clients: Arc<A::Clients>,
    settings: Arc<A::Settings>,
    config: PoolConfig,
    serves: Serves,
    live: Arc<Live>,
    queues: Queues,
    pace: Pace,
    /// Rings when a job with permits has left.
    freed: Notify,
    lease: Arc<LeaseClock>,
    room: Arc<Semaphore>,
    /// Why nothing new is taken although the pool stays: as an operator has said.
    rest: watched::Sender<Option<String>>,
    /// Take nothing new, hand back at the next boundary.
    drain: CancellationToken,
    /// Stop claiming and housekeeping.
    stop: CancellationToken,
    /// Stop the heartbeat.
    leave: CancellationToken,
    tasks: TaskTracker,
    beats: TaskTracker,
}

impl<A: App> Pool<A> {
    /// Enters the worker and starts its tasks. Batches of claimed jobs come out of the receiver.
    pub async fn join(
        engine: Engine,
        registry: Arc<Registry<A>>,
        clients: Arc<A::Clients>,
        settings: Arc<A::Settings>,
        config: PoolConfig,
    ) -> Result<(Arc<Pool<A>>, mpsc::Receiver<Vec<LeasedJob>>), Error> {
        let lease = Arc::new(LeaseClock::new());
        let serves = Serves::of(&engine, &registry, &config);
        let worker_id = heartbeat::enter(&engine, &config, &serves, &lease, None).await?;
        let pool = Arc::new(Pool {
            live: Arc::new(Live::new(worker_id)),
            queues: Queues::default(),
            pace: Pace::default(),
            freed: Notify::new(),
            lease,
            room: Arc::new(Semaphore::new(config.slots)),
            engine,
            registry,
            clients,
            settings,
            config,
            serves,
            rest: watched::Sender::new(None),
            drain: CancellationToken::new(),
            stop: CancellationToken::new(),
            leave: CancellationToken::new(),
            tasks: TaskTracker::new(),
            beats: TaskTracker::new(),
        });
        // One batch under way is enough: room for more is only given when jobs are done.
        let (batches, jobs) = mpsc::channel(1);
        pool.beats.spawn(heartbeat::beat(Arc::clone(&pool)));
        pool.tasks.spawn(claim::claim(Arc::clone(&pool), batches));
        pool.tasks.spawn(timers::promote(Arc::clone(&pool)));
        pool.tasks.spawn(rescue::rescue(Arc::clone(&pool)));
        pool.tasks.spawn(passing::pass_on(Arc::clone(&pool)));
        pool.tasks.spawn(housekeeping::tidy(Arc::clone(&pool)));
        pool.tasks.spawn(watch::watch(Arc::clone(&pool)));
        pool.tasks.spawn(retention::forget(Arc::clone(&pool)));
        pool.tasks.spawn(crate::scheduler::run(pool.engine.clone(), pool.stop.clone()));
        pool.tasks.close();
        pool.beats.close();
        Ok((pool, jobs))
    }

    /// Runs a job once. Writes its steps, but not how it ended.
    pub async fn attempt(&self, job: &LeasedJob) -> Ending {
        crate::metrics::started(job);
        let (engine, clients) = (&self.engine, &self.clients);
        let span = trace::process(job);
        let work = runner::attempt(engine, &self.registry, clients, &self.settings, job);
        let ending = span.within(work).await;
        span.end_attempt(&ending);
        ending
    }

    /// Writes how an attempt ended; the job's room is free when it is committed. A lease that was lost is let go of:
    /// the job is somebody else's.
    pub async fn settle(&self, job: &LeasedJob, ending: Ending) {
        let outcome = ending.outcome();
        let committed = match ending {
            Ending::Finished { state, deeds } => self.finish(job, &state, deeds).await,
            // Boxed, as in `runner`: most attempts simply end.
            Ending::Retried(failure) => Box::pin(self.retry(job, &failure)).await,
            Ending::Left(Departure(suspension)) => Box::pin(self.leave(job, suspension)).await,
        };
        self.live.remove(job);
        if job.is_gated() || self.queues.is_limited(job.queue_id()) {
            // Its place is free for the next one of its lane.
            self.freed.notify_one();
            self.engine.wakeups().ring([job.queue_id()]);
        }
        match committed {
            Ok(()) => {
                self.pace.ended(job.kind_id(), job.elapsed());
                crate::metrics::finished(job, outcome);
            }
            Err(CommitError::Fenced) => {
                tracing::info!(job.id = %job.id(), job.kind = job.kind(), "the lease was lost; another worker has the job");
                crate::metrics::finished(job, "lost");
            }
            Err(error) => {
                // It is nobody's now: the look for claims that nobody heard of brings it back.
                self.live.doubt();
                tracing::warn!(job.id = %job.id(), job.kind = job.kind(), %error, "an attempt's end was not written");
                crate::metrics::finished(job, "lost");
            }
        }
    }

    async fn finish(
        &self,
        job: &LeasedJob,
        state: &Final,
        deeds: Deeds,
    ) -> Result<(), CommitError> {
        let told = ChildEnd::of(state);
        if let Final::Failed(why) = state {
            tracing::warn!(job.id = %job.id(), job.kind = job.kind(), ?deeds, "a job failed: {why}");
        }
        let row = FinishRow {
            fence: job.fence(),
            state: told.state.as_str(),
            undone: deeds == Deeds::Undone,
            kept: deeds == Deeds::Kept,
            output: (told.state == crate::State::Succeeded).then(|| told.output.clone()),
            error: told.error.clone().map(|text| serde_json::json!({ "message": text })),
        };
        let tells =
            job.parent().map(|parent| (parent, serde_json::to_value(&told).unwrap_or_default()));
        self.engine
            .committer()
            .commit(Op::Finish(Box::new(Finish {
                row,
                unique_key: job.unique_key().map(<[u8]>::to_vec),
                tells,
                // The first claim of a job that was enqueued by itself may have signals too, but who sends one to a job
                // that never waits? The sweep of leftovers finds those.
                may_have_signals: job.epoch() > 1,
                may_have_progress: job.may_have_progress(),
            })))
            .await
    }

    async fn retry(&self, job: &LeasedJob, failure: &crate::Failure) -> Result<(), CommitError> {
        let attempts_max = self.registry.retry_of(job.kind()).attempts_max();
        self.note(job, failure).await;
        if job.attempt().unsigned_abs() >= attempts_max {
            // Reached when the handler itself broke: the body had no say, so its deeds are for an operator to see to.
            let why = format!("gave up after {} attempts: {}", job.attempt(), failure.text());
            return self.leave(job, Suspension::parked(Cause::GaveUp, None, why)).await;
        }
        let delay = self.registry.job_delay(job, failure);
        let reason = format!("tried again, attempt {}", job.attempt() + 1);
        self.leave(job, Suspension::again(delay, reason, true)).await
    }

    async fn leave(&self, job: &LeasedJob, suspension: Suspension) -> Result<(), CommitError> {
        let fence = job.fence();
        let row = match suspension {
            Suspension::Lost => return self.let_go(job).await,
            Suspension::Interrupted | Suspension::Cancelled | Suspension::Expired => {
                return self.engine.committer().commit(Op::Release(fence)).await;
            }
            Suspension::Parked(Parking { cause, entry, reason }) => {
                tracing::warn!(job.id = %job.id(), job.kind = job.kind(), cause = cause.as_str(), "a job is parked: {reason}");
                SuspendRow {
                    fence,
                    state: "parked",
                    cause: Some(cause.as_str()),
                    entry,
                    reason: cut(&reason),
                    due_after: None,
                    due_at: None,
                    due_by: None,
                    wakes: Vec::new(),
                    attempts_charged: 0,
                }
            }
            Suspension::Until(until) => SuspendRow {
                fence,
                state: if until.between_attempts { "scheduled" } else { "waiting" },
                cause: None,
                entry: None,
                reason: cut(&until.reason),
                due_after: until.after.map(interval),
                due_at: until.at,
                due_by: self.registry.deadline_of(job),
                wakes: until.wakes,
                attempts_charged: i16::from(until.charged),
            },
        };
        self.engine.committer().commit(Op::Suspend(row)).await
    }

    /// A run that was not sure of its lease has stopped. The database may still count it: then the job goes back now,
    /// instead of waiting until somebody finds that nobody has it in hand. If the whole pool has lost its lease, others
    /// are about to take its jobs, and a request to the outside may still be on its way: that is left to the rescue.
    async fn let_go(&self, job: &LeasedJob) -> Result<(), CommitError> {
        if !job.lost().is_cancelled() {
            self.engine.committer().commit(Op::Release(job.fence())).await?;
        }
        Err(CommitError::Fenced)
    }

    async fn note(&self, job: &LeasedJob, failure: &crate::Failure) {
        let row = FailureRow {
            fence: job.fence(),
            failure_id: crate::JobId::mint().as_uuid(),
            key: None,
            phase: "do",
            attempt: job.attempt(),
            class: failure.class.as_str(),
            error: failure.text.clone(),
        };
        let _ = self.engine.committer().submit(Op::Fail(row)).await;
    }

    /// Takes nothing new. Runs hand themselves back at their next boundary; the receiver ends when the last batch is out.
    pub fn drain(&self) {
        self.drain.cancel();
        self.stop.cancel();
    }

    /// How many jobs are in the hands of this pool.
    pub fn in_hand(&self) -> usize {
        self.live.len()
    }

    /// Waits until every job in hand is settled, at most this long; what is then left is handed back at once. Leaves the
    /// list of workers.
    pub async fn leave_after(&self, grace: Duration) {
        self.drain();
        let _ = tokio::time::timeout(grace, self.live.empty()).await;
        // A claim that was on its way when we began to drain has brought its jobs by then.
        self.tasks.wait().await;
        for job in self.live.all() {
            job.lost().cancel();
            match self.engine.committer().commit(Op::Release(job.fence())).await {
                Ok(()) | Err(CommitError::Fenced) => {}
                Err(_) => self.live.doubt(),
            }
        }
        self.pace.tell(&self.engine).await;
        self.leave.cancel();
        self.beats.wait().await;
        // With a doubt about its leases it is left on the list, to be missed there: others look for them then.
        if self.live.doubted().is_none_or(|doubted| doubted.elapsed() > rescue::UNHEARD_FOR) {
            heartbeat::leave(&self.engine, self.live.worker_id()).await;
        }
    }
}

/// A reason is a line, not a document.
fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}
