//! A worker as a process is one: with its own runtime, its own engine and its own connections, so that it can be killed,
//! frozen and drained without the test's own code being any the wiser.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use engine::{App, Config, Ending, Engine, Pool, PoolConfig, Registry};
use tokio::runtime::Runtime;

/// How a worker of a test is.
pub struct WorkerOptions {
    /// Jobs at once.
    pub slots: usize,
    /// How long it may be silent. Long enough for a busy machine; tests end leases by hand.
    pub lease: Duration,
    /// Queues, all if empty.
    pub queues: Vec<String>,
}

impl Default for WorkerOptions {
    fn default() -> WorkerOptions {
        WorkerOptions { slots: 16, lease: Duration::from_secs(6), queues: Vec::new() }
    }
}

/// A running worker. Dropped, it is killed.
pub struct TestWorker<A: App> {
    name: String,
    runtime: Option<Runtime>,
    engine: Engine,
    pool: Arc<Pool<A>>,
    thaw: Option<mpsc::Sender<()>>,
}

impl<A: App> TestWorker<A> {
    /// Connects and joins.
    pub async fn start(
        config: Config,
        registry: Arc<Registry<A>>,
        clients: Arc<A::Clients>,
        settings: Arc<A::Settings>,
        options: WorkerOptions,
    ) -> TestWorker<A> {
        TestWorker::start_breaking(config, registry, clients, settings, options, None).await
    }

    /// As [`TestWorker::start`]; with `breaks`, no attempt comes to anything, and this is how it ends instead.
    pub async fn start_breaking(
        config: Config,
        registry: Arc<Registry<A>>,
        clients: Arc<A::Clients>,
        settings: Arc<A::Settings>,
        options: WorkerOptions,
        breaks: Option<fn() -> Ending>,
    ) -> TestWorker<A> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let name = format!("worker-{}", STARTED.fetch_add(1, Ordering::Relaxed));
        // One thread, so that whoever blocks it stops the whole "process".
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name(&name)
            .enable_all()
            .build()
            .expect("a runtime");
        let pool_config = PoolConfig {
            name: name.clone(),
            lease: options.lease,
            queues: options.queues,
            ..PoolConfig::batch(options.slots)
        };
        let begun = runtime.spawn(async move {
            let engine = Engine::connect(config, &registry).await.expect("an engine");
            let joined = Pool::join(engine.clone(), registry, clients, settings, pool_config).await;
            let (pool, mut jobs) = joined.expect("a pool");
            let runner = Arc::clone(&pool);
            tokio::spawn(async move {
                while let Some(batch) = jobs.recv().await {
                    for job in batch {
                        let pool = Arc::clone(&runner);
                        tokio::spawn(async move {
                            let ending = match breaks {
                                Some(ending) => ending(),
                                None => pool.attempt(&job).await,
                            };
                            pool.settle(&job, ending).await;
                        });
                    }
                }
            });
            (engine, pool)
        });
        let (engine, pool) = begun.await.expect("a worker");
        TestWorker { name, runtime: Some(runtime), engine, pool, thaw: None }
    }

    /// Its pool's name, by which [`crate::TestDb::end_lease_of`] knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its engine. Its futures may be awaited anywhere.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// How many jobs it has in hand.
    pub fn in_hand(&self) -> usize {
        self.pool.in_hand()
    }

    /// As kill -9: everything stops where it is, nothing is said to anybody. Its lease lives on.
    pub fn kill(mut self) -> String {
        self.stop();
        self.name.clone()
    }

    /// As SIGSTOP: returns when nothing moves any more.
    pub fn freeze(&mut self) {
        let (frozen, is_frozen) = mpsc::channel();
        let (thaw, thawed) = mpsc::channel::<()>();
        self.runtime.as_ref().expect("it lives").spawn(async move {
            frozen.send(()).ok();
            thawed.recv().ok(); // blocks the only thread, on purpose
        });
        is_frozen.recv().expect("it lives");
        self.thaw = Some(thaw);
    }

    /// As SIGCONT.
    pub fn thaw(&mut self) {
        self.thaw = None;
    }

    /// As SIGTERM: takes nothing new, lets jobs reach a boundary within the grace, hands the rest back.
    pub async fn drain(mut self, grace: Duration) {
        let (pool, engine) = (Arc::clone(&self.pool), self.engine.clone());
        let left = self.runtime.as_ref().expect("it lives").spawn(async move {
            pool.leave_after(grace).await;
            engine.close().await;
        });
        left.await.expect("it leaves");
        self.stop();
    }

    fn stop(&mut self) {
        self.thaw = None;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl<A: App> Drop for TestWorker<A> {
    fn drop(&mut self) {
        self.stop();
    }
}
