//! Pools: how many jobs run at once, and in which process.

use std::{sync::Arc, time::Duration};

use apalis::{layers::WorkerBuilderExt, prelude::WorkerBuilder};
use engine::{App, Engine, Pool, PoolConfig, Registry};
use tokio::task::JoinHandle;

use crate::{backend::JobBackend, handler::attempt};

/// A pool at work.
pub struct Running<A: App> {
    pool: Arc<Pool<A>>,
    worker: JoinHandle<Result<(), String>>,
}

/// A pool ended by itself, which it should not.
#[derive(Debug, thiserror::Error)]
#[error("the worker ended: {0}")]
pub struct Stopped(String);

/// Starts a pool: an apalis worker over the engine, in a task of its own.
pub async fn start<A: App>(
    engine: Engine,
    registry: Arc<Registry<A>>,
    clients: Arc<A::Clients>,
    settings: Arc<A::Settings>,
    config: PoolConfig,
) -> Result<Running<A>, engine::Error> {
    let (name, slots) = (config.name.clone(), config.slots);
    let (pool, batches) = Pool::join(engine, registry, clients, settings, config).await?;
    let backend = JobBackend::new(Arc::clone(&pool), batches);
    // A panic ends its attempt's own task (handler.rs), so no layer need catch it here.
    let worker = WorkerBuilder::new(name)
        .backend(backend)
        .data(Arc::clone(&pool))
        .concurrency(slots)
        .build(attempt::<A>);
    let worker = tokio::spawn(async move { worker.run().await.map_err(|error| error.to_string()) });
    Ok(Running { pool, worker })
}

impl<A: App> Running<A> {
    /// Resolves when the worker ends by itself.
    pub async fn ended(&mut self) -> Result<(), Stopped> {
        match (&mut self.worker).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(Stopped(why)),
            Err(error) => Err(Stopped(error.to_string())),
        }
    }

    /// Takes nothing new, lets runs reach their next boundary within the grace, hands the rest back, and leaves.
    pub async fn stop(self, grace: Duration) {
        self.pool.leave_after(grace).await;
        self.worker.abort();
    }

    /// Takes nothing new; runs leave at their next boundary.
    pub fn drain(&self) {
        self.pool.drain();
    }

    /// How many jobs are in the hands of this pool.
    pub fn in_hand(&self) -> usize {
        self.pool.in_hand()
    }
}
