//! `apalis` 1.0 on `apalis-postgres`, with `apalis-workflow`. Tasks that are done stay.

use std::{process::ExitCode, time::Duration};

use apalis::prelude::*;
use apalis_postgres::{Config, PgPool, PostgresStorage, queries};
use apalis_workflow::SteppedFlow;
use peer::{Flows, Identity, Options, Peer, Setting, mark};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;

const NOOPS: &str = "noop";
const FIVES: &str = "five";

/// Jobs of one statement when many are added.
const BULK: usize = 5000;

/// Jobs of one fetch at its fastest, and how often it looks when there are none.
const BATCH: usize = 1000;
const POLL: Duration = Duration::from_millis(20);

/// Its default looks again when its heartbeat is due; this is what its example of workflows does.
const POLL_SHOWN: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    peer::main::<Apalis>()
}

#[derive(Serialize, Deserialize)]
struct Noop {
    note: String,
}

impl Noop {
    fn usual() -> Noop {
        Noop { note: peer::note() }
    }
}

async fn noop(_: Noop) -> Result<(), BoxDynError> {
    mark();
    Ok(())
}

#[derive(Clone)]
struct Apalis {
    setting: Setting,
    pool: PgPool,
}

impl Apalis {
    fn storage<Args>(&self, queue: &str) -> PostgresStorage<Args> {
        let config = Config::default().queue(queue);
        PostgresStorage::new(&self.pool).with_config(match self.setting {
            Setting::Default => config,
            Setting::Fastest => config.batch_size(BATCH).lock_tasks(false),
        })
    }

    async fn push_all(&self, queue: &str, args: Vec<u8>, count: usize) -> anyhow::Result<()> {
        let mut left = count;
        while left > 0 {
            let batch = left.min(BULK);
            left -= batch;
            let tasks = (0..batch).map(|_| TaskBuilder::new(args.clone()).build()).collect();
            let mut conn = self.pool.acquire().await?;
            queries::push_tasks(&mut *conn, queue, tasks).await?;
        }
        Ok(())
    }
}

/// Polls a worker on a thread of its own, as its examples do on the main one: `worker.run().await`.
fn aside<E, W>(worker: impl FnOnce() -> W + Send + 'static)
where
    E: std::fmt::Debug,
    W: Future<Output = Result<(), E>>,
{
    let runtime = tokio::runtime::Handle::current();
    drop(std::thread::spawn(move || {
        eprintln!("the worker has ended: {:?}", runtime.block_on(worker()));
    }));
}

impl Peer for Apalis {
    async fn set_up(options: &Options) -> anyhow::Result<Apalis> {
        let connections = match options.setting {
            Setting::Default => 10,
            Setting::Fastest => 32,
        };
        let pool = PgPoolOptions::new().max_connections(connections).connect(&options.url).await?;
        PostgresStorage::setup(&pool).await?;
        Ok(Apalis { setting: options.setting, pool })
    }

    fn identity(setting: Setting) -> Identity {
        let settings = match setting {
            Setting::Default => "as in its README's example of LISTEN: batches of 10",
            Setting::Fastest => {
                "LISTEN, batches of 1,000, lock_tasks off, parallelize(tokio::spawn), poll 20 ms"
            }
        };
        Identity { peer: "apalis-postgres", version: "1.0.0", settings, keeps_history: true }
    }

    fn unfinished() -> &'static str {
        "select exists (select from apalis.jobs where status <> 'Done')"
    }

    async fn add(&self) -> anyhow::Result<()> {
        self.storage(NOOPS).push(Noop::usual()).await.map_err(|error| anyhow::anyhow!("{error}"))
    }

    async fn add_many(&self, count: usize) -> anyhow::Result<()> {
        self.push_all(NOOPS, serde_json::to_vec(&Noop::usual())?, count).await
    }

    async fn work(&self) -> anyhow::Result<()> {
        let peer = self.clone();
        aside(move || async move {
            let storage = peer.storage(NOOPS).with_pubsub();
            match peer.setting {
                Setting::Default => {
                    WorkerBuilder::new("noops").backend(storage).build(noop).run().await
                }
                Setting::Fastest => {
                    let builder =
                        WorkerBuilder::new("noops").backend(storage.poll_with_interval(POLL));
                    builder.parallelize(tokio::spawn).build(noop).run().await
                }
            }
        });
        Ok(())
    }

    fn flows(&self) -> Option<impl Flows> {
        Some(Five(self.clone()))
    }
}

/// A stepped flow: each step is a task of its own that adds the next one.
#[derive(Clone)]
struct Five(Apalis);

async fn next(sum: u32) -> Result<u32, BoxDynError> {
    Ok(sum + 1)
}

async fn begin(sum: u32) -> Result<u32, BoxDynError> {
    mark();
    Ok(sum + 1)
}

impl Flows for Five {
    async fn add(&self) -> anyhow::Result<()> {
        self.0.storage(FIVES).push(0_u32).await.map_err(|error| anyhow::anyhow!("{error}"))
    }

    async fn add_many(&self, count: usize) -> anyhow::Result<()> {
        self.0.push_all(FIVES, serde_json::to_vec(&0_u32)?, count).await
    }

    async fn work(&self) -> anyhow::Result<()> {
        let peer = self.0.clone();
        aside(move || async move {
            let flow = SteppedFlow::new("five")
                .and_then(begin)
                .and_then(next)
                .and_then(next)
                .and_then(next)
                .and_then(next);
            let poll = match peer.setting {
                Setting::Default => POLL_SHOWN,
                Setting::Fastest => POLL,
            };
            let storage = peer.storage(FIVES).with_pubsub().poll_with_interval(poll);
            WorkerBuilder::new("fives").backend(storage).build(flow).run().await
        });
        Ok(())
    }
}
