//! `awa`: tables that are appended to, and emptied by turns. Jobs that have completed stay for a while.

use std::{process::ExitCode, sync::Arc, time::Duration};

use awa::{
    Client, InsertOpts, InsertParams, JobArgs, JobContext, JobError, JobResult, QueueConfig,
    QueueStorage, QueueStorageConfig, Worker, insert_many_copy_from_pool, insert_with, migrations,
    model::insert::params_with,
};
use peer::{Identity, Options, Peer, Setting, mark};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::sync::OnceCell;

const QUEUE: &str = "bench";

/// Jobs of one call when many are added.
const BULK: usize = 5000;

/// Slots at its fastest.
const WORKERS: u32 = 512;

fn main() -> ExitCode {
    peer::main::<Awa>()
}

#[derive(Debug, Serialize, Deserialize, JobArgs)]
struct Noop {
    note: String,
}

impl Noop {
    fn usual() -> Noop {
        Noop { note: peer::note() }
    }
}

struct Handler;

#[async_trait::async_trait]
impl Worker for Handler {
    fn kind(&self) -> &'static str {
        Noop::kind()
    }

    async fn perform(&self, _: &JobContext) -> Result<JobResult, JobError> {
        mark();
        Ok(JobResult::Completed)
    }
}

#[derive(Clone)]
struct Awa {
    setting: Setting,
    pool: PgPool,
    /// Its worker stops when this is dropped.
    client: Arc<OnceCell<Client>>,
}

fn opts() -> InsertOpts {
    InsertOpts { queue: QUEUE.to_owned(), ..InsertOpts::default() }
}

impl Peer for Awa {
    async fn set_up(options: &Options) -> anyhow::Result<Awa> {
        let connections = match options.setting {
            Setting::Default => 10,
            Setting::Fastest => 32,
        };
        let pool = PgPoolOptions::new().max_connections(connections).connect(&options.url).await?;
        migrations::run(&pool).await?;
        Ok(Awa { setting: options.setting, pool, client: Arc::default() })
    }

    fn identity(setting: Setting) -> Identity {
        let settings = match setting {
            Setting::Default => "as it comes",
            Setting::Fastest => {
                "512 workers, no deadline per job, poll 50 ms, 32 connections, COPY"
            }
        };
        Identity { peer: "awa", version: "0.6.9", settings, keeps_history: true }
    }

    fn unfinished() -> &'static str {
        "select exists (select from awa.jobs where state not in ('completed', 'failed', 'cancelled'))"
    }

    async fn add(&self) -> anyhow::Result<()> {
        insert_with(&self.pool, &Noop::usual(), opts()).await?;
        Ok(())
    }

    async fn add_many(&self, count: usize) -> anyhow::Result<()> {
        let store = QueueStorage::new(QueueStorageConfig::default())?;
        let mut left = count;
        while left > 0 {
            let jobs: Vec<InsertParams> = (0..left.min(BULK))
                .map(|_| params_with(&Noop::usual(), opts()))
                .collect::<Result<_, _>>()?;
            left -= jobs.len();
            let _added = match self.setting {
                Setting::Default => insert_many_copy_from_pool(&self.pool, &jobs).await?.len(),
                Setting::Fastest => store.enqueue_params_copy(&self.pool, &jobs).await?,
            };
        }
        Ok(())
    }

    async fn work(&self) -> anyhow::Result<()> {
        let queue = match self.setting {
            Setting::Default => QueueConfig::default(),
            Setting::Fastest => QueueConfig {
                max_workers: WORKERS,
                poll_interval: Duration::from_millis(50),
                deadline_duration: Duration::ZERO,
                ..QueueConfig::default()
            },
        };
        let client = Client::builder(self.pool.clone())
            .queue(QUEUE, queue)
            .register_worker(Handler)
            .build()?;
        client.start().await?;
        self.client.set(client).map_err(|_| anyhow::anyhow!("started twice"))
    }
}
