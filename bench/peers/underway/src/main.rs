//! `underway`: tasks, and jobs of several steps. Tasks that have succeeded stay, for two weeks.

use std::{process::ExitCode, sync::Arc};

use jiff::ToSpan;
use peer::{CALLERS, Flows, Identity, Options, Peer, Setting, mark, note};
use sqlx::{PgPool, Postgres, Transaction, postgres::PgPoolOptions};
use underway::{Job, Queue, Task, To, Worker, task::Result as TaskResult};

/// Loops of a worker at its fastest.
const CONCURRENCY: usize = 16;

/// Connections: a loop holds one while its task runs and needs another.
const CONNECTIONS: u32 = 48;

fn main() -> ExitCode {
    peer::main::<Underway>()
}

#[derive(Clone)]
struct Noop;

impl Task for Noop {
    type Input = String;
    type Output = ();

    async fn execute(&self, _: Transaction<'_, Postgres>, _: String) -> TaskResult<()> {
        mark();
        Ok(())
    }
}

#[derive(Clone)]
struct Underway {
    setting: Setting,
    pool: PgPool,
    queue: Arc<Queue<Noop>>,
    job: Job<u32, ()>,
}

async fn pool(options: &Options) -> anyhow::Result<PgPool> {
    let connections = match options.setting {
        Setting::Default => 10,
        Setting::Fastest => CONNECTIONS,
    };
    Ok(PgPoolOptions::new().max_connections(connections).connect(&options.url).await?)
}

/// Five steps; each is a task of its own that adds the next one in its transaction.
async fn job(pool: PgPool) -> anyhow::Result<Job<u32, ()>> {
    Ok(Job::builder()
        .step(|_, sum: u32| async move {
            mark();
            To::next(sum + 1)
        })
        .step(|_, sum: u32| async move { To::next(sum + 1) })
        .step(|_, sum: u32| async move { To::next(sum + 1) })
        .step(|_, sum: u32| async move { To::next(sum + 1) })
        .step(|_, _: u32| async move { To::done() })
        .name("five")
        .pool(pool)
        .build()
        .await?)
}

fn start<T: Task + Clone + Sync>(mut worker: Worker<T>, setting: Setting) {
    if setting == Setting::Fastest {
        worker.set_concurrency_limit(CONCURRENCY);
    }
    drop(tokio::spawn(async move {
        let ended = match setting {
            Setting::Default => worker.run().await,
            Setting::Fastest => worker.run_every(5.milliseconds()).await,
        };
        eprintln!("the worker has ended: {ended:?}");
    }));
}

impl Peer for Underway {
    async fn set_up(options: &Options) -> anyhow::Result<Underway> {
        let pool = pool(options).await?;
        underway::run_migrations(&pool).await?;
        let queue = Queue::builder().name("noop").pool(pool.clone()).build().await?;
        let job = job(pool.clone()).await?;
        Ok(Underway { setting: options.setting, pool, queue: queue.into(), job })
    }

    fn identity(setting: Setting) -> Identity {
        let settings = match setting {
            Setting::Default => "as it comes",
            Setting::Fastest => "concurrency 16, 48 connections, poll 5 ms",
        };
        Identity { peer: "underway", version: "0.2.0", settings, keeps_history: true }
    }

    fn unfinished() -> &'static str {
        "select exists (select from underway.task where state in ('pending', 'in_progress'))"
    }

    async fn add(&self) -> anyhow::Result<()> {
        self.queue.enqueue(&self.pool, &Noop, &note()).await?;
        Ok(())
    }

    async fn add_many(&self, count: usize) -> anyhow::Result<()> {
        let mut conn = self.pool.acquire().await?;
        self.queue.enqueue_multi(&mut *conn, &Noop, &vec![note(); count]).await?;
        Ok(())
    }

    async fn work(&self) -> anyhow::Result<()> {
        start(Worker::new(self.queue.clone(), Noop), self.setting);
        Ok(())
    }

    fn flows(&self) -> Option<impl Flows> {
        Some(Five(self.clone()))
    }
}

#[derive(Clone)]
struct Five(Underway);

impl Flows for Five {
    async fn add(&self) -> anyhow::Result<()> {
        self.0.job.enqueue(&0).await?;
        Ok(())
    }

    async fn add_many(&self, count: usize) -> anyhow::Result<()> {
        for _ in 0..count.div_ceil(CALLERS) {
            let all = (0..CALLERS).map(|_| self.add());
            futures::future::try_join_all(all).await?;
        }
        Ok(())
    }

    async fn work(&self) -> anyhow::Result<()> {
        start(self.0.job.worker(), self.0.setting);
        Ok(())
    }
}
