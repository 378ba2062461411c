//! `graphile_worker`: a Rust rewrite of Graphile Worker. Jobs that have succeeded are deleted.

use std::{process::ExitCode, time::Duration};

use graphile_worker::{
    Database, IntoTaskHandlerResult, JobSpec, LocalQueueConfig, TaskHandler, WorkerContext,
    WorkerOptions, WorkerUtils, tokio_postgres::TokioPostgresDatabase,
};
use peer::{Identity, Options, Peer, Setting, mark};
use serde::{Deserialize, Serialize};

const SCHEMA: &str = "graphile_worker";

/// Jobs of one call when many are added.
const BULK: usize = 5000;

/// Of its own benchmark (`benches/perf_test.rs`), but for the machine's two cores.
const CONNECTIONS: usize = 32;
const CONCURRENCY: usize = 500;
const LOCAL_QUEUE: usize = 5000;
const BATCH_DELAY: Duration = Duration::from_millis(5);

fn main() -> ExitCode {
    peer::main::<Graphile>()
}

#[derive(Clone, Serialize, Deserialize)]
struct Noop {
    note: String,
}

impl TaskHandler for Noop {
    const IDENTIFIER: &'static str = "noop";

    async fn run(self, _: WorkerContext) -> impl IntoTaskHandlerResult {
        mark();
        Ok::<(), String>(())
    }
}

#[derive(Clone)]
struct Graphile {
    options: Options,
    utils: WorkerUtils,
}

/// A pool of its driver: the default one is sqlx's, the one of its benchmark is tokio-postgres.
async fn database(options: &Options) -> anyhow::Result<Database> {
    Ok(match options.setting {
        Setting::Default => {
            let pool = sqlx::postgres::PgPoolOptions::new().max_connections(20);
            pool.connect(&options.url).await?.into()
        }
        Setting::Fastest => TokioPostgresDatabase::from_url(&options.url, CONNECTIONS)?.into(),
    })
}

impl Peer for Graphile {
    async fn set_up(options: &Options) -> anyhow::Result<Graphile> {
        let utils = WorkerUtils::new(database(options).await?, SCHEMA);
        utils.migrate().await?;
        Ok(Graphile { options: options.clone(), utils })
    }

    fn identity(setting: Setting) -> Identity {
        let settings = match setting {
            Setting::Default => "as it comes",
            Setting::Fastest => {
                "tokio-postgres, concurrency 500, local queue 5,000, poll 5 ms, completions batched for 5 ms"
            }
        };
        Identity { peer: "graphile_worker", version: "0.14.1", settings, keeps_history: false }
    }

    fn unfinished() -> &'static str {
        "select exists (select from graphile_worker._private_jobs)"
    }

    async fn add(&self) -> anyhow::Result<()> {
        self.utils.add_job(Noop { note: peer::note() }, JobSpec::default()).await?;
        Ok(())
    }

    async fn add_many(&self, count: usize) -> anyhow::Result<()> {
        let spec = JobSpec::default();
        let mut left = count;
        while left > 0 {
            let jobs: Vec<_> =
                (0..left.min(BULK)).map(|_| (Noop { note: peer::note() }, &spec)).collect();
            left -= jobs.len();
            self.utils.add_jobs(&jobs).await?;
        }
        Ok(())
    }

    async fn work(&self) -> anyhow::Result<()> {
        let mut worker = WorkerOptions::default()
            .database(database(&self.options).await?)
            .schema(SCHEMA)
            .define_job::<Noop>();
        if self.options.setting == Setting::Fastest {
            worker = worker
                .concurrency(CONCURRENCY)
                .poll_interval(Duration::from_millis(5))
                .complete_job_batch_delay(BATCH_DELAY)
                .local_queue(LocalQueueConfig::default().with_size(LOCAL_QUEUE));
        }
        let worker = worker.init().await?;
        drop(tokio::spawn(async move {
            if let Err(error) = worker.run().await {
                eprintln!("the worker has ended: {error}");
            }
        }));
        Ok(())
    }
}
