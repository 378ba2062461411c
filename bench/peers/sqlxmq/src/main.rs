//! `sqlxmq`: jobs that have completed are deleted; a handler may checkpoint itself.

use std::{error::Error, process::ExitCode, sync::Arc};

use peer::{Flows, Identity, Options, Peer, Setting, mark};
use serde::{Deserialize, Serialize};
use sqlx::{PgPool, postgres::PgPoolOptions};
use sqlxmq::{Checkpoint, CurrentJob, JobRegistry, JobRunnerHandle, job};
use tokio::sync::OnceCell;

const SCHEMA: &str = include_str!(concat!(env!("OUT_DIR"), "/schema.sql"));

fn main() -> ExitCode {
    peer::main::<Sqlxmq>()
}

#[derive(Serialize, Deserialize)]
struct Noop {
    note: String,
}

#[job]
async fn noop(mut job: CurrentJob) -> Result<(), Box<dyn Error + Send + Sync>> {
    mark();
    job.complete().await?;
    Ok(())
}

#[job]
async fn five(mut job: CurrentJob) -> Result<(), Box<dyn Error + Send + Sync>> {
    mark();
    for step in 1..=5_u32 {
        let mut checkpoint = Checkpoint::new();
        checkpoint.set_json(&step)?;
        job.checkpoint(&checkpoint).await?;
    }
    job.complete().await?;
    Ok(())
}

#[derive(Clone)]
struct Sqlxmq {
    setting: Setting,
    pool: PgPool,
    /// The worker stops when this is dropped.
    running: Arc<OnceCell<JobRunnerHandle>>,
}

impl Peer for Sqlxmq {
    async fn set_up(options: &Options) -> anyhow::Result<Sqlxmq> {
        let connections = match options.setting {
            Setting::Default => 10,
            Setting::Fastest => 32,
        };
        let pool = PgPoolOptions::new().max_connections(connections).connect(&options.url).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        Ok(Sqlxmq { setting: options.setting, pool, running: Arc::default() })
    }

    fn identity(setting: Setting) -> Identity {
        let settings = match setting {
            Setting::Default => "concurrency 10 to 20, as in its README",
            Setting::Fastest => "concurrency 50 to 100, no keep-alive, 32 connections",
        };
        Identity { peer: "sqlxmq", version: "0.6.0", settings, keeps_history: false }
    }

    fn unfinished() -> &'static str {
        "select exists (select from mq_msgs where id <> uuid_nil())"
    }

    async fn add(&self) -> anyhow::Result<()> {
        noop.builder().set_json(&Noop { note: peer::note() })?.spawn(&self.pool).await?;
        Ok(())
    }

    async fn work(&self) -> anyhow::Result<()> {
        let mut runner = JobRegistry::new(&[noop, five]).runner(&self.pool);
        match self.setting {
            Setting::Default => runner.set_concurrency(10, 20),
            Setting::Fastest => runner.set_concurrency(50, 100).set_keep_alive(false),
        };
        self.running.set(runner.run().await?).map_err(|_| anyhow::anyhow!("started twice"))
    }

    fn flows(&self) -> Option<impl Flows> {
        Some(Five(self.clone()))
    }
}

/// Five checkpoints of one job.
#[derive(Clone)]
struct Five(Sqlxmq);

impl Flows for Five {
    async fn add(&self) -> anyhow::Result<()> {
        five.builder().set_json(&0_u32)?.spawn(&self.0.pool).await?;
        Ok(())
    }

    async fn add_many(&self, count: usize) -> anyhow::Result<()> {
        for _ in 0..count {
            self.add().await?;
        }
        Ok(())
    }

    async fn work(&self) -> anyhow::Result<()> {
        self.0.work().await
    }
}
