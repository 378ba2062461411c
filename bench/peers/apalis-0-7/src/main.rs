//! `apalis` 0.7 on `apalis-sql` 0.7. Jobs that are done stay.

use std::{process::ExitCode, time::Duration};

use apalis::prelude::*;
use apalis_sql::{
    Config,
    postgres::{PgListen, PgPool, PostgresStorage},
    sqlx::postgres::PgPoolOptions,
};
use peer::{Identity, Options, Peer, Setting, mark};
use serde::{Deserialize, Serialize};

const NAMESPACE: &str = "noop";

/// Jobs of one fetch at its fastest, and how often it fetches.
const BUFFER: usize = 1000;
const POLL: Duration = Duration::from_millis(5);

fn main() -> ExitCode {
    peer::main::<Apalis>()
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Noop {
    note: String,
}

async fn noop(_: Noop) -> Result<(), Error> {
    mark();
    Ok(())
}

#[derive(Clone)]
struct Apalis {
    setting: Setting,
    storage: PostgresStorage<Noop>,
    pool: PgPool,
}

impl Peer for Apalis {
    async fn set_up(options: &Options) -> anyhow::Result<Apalis> {
        let connections = match options.setting {
            Setting::Default => 10,
            Setting::Fastest => 32,
        };
        let pool = PgPoolOptions::new().max_connections(connections).connect(&options.url).await?;
        PostgresStorage::setup(&pool).await?;
        let config = Config::new(NAMESPACE);
        let config = match options.setting {
            Setting::Default => config,
            Setting::Fastest => config.set_buffer_size(BUFFER).set_poll_interval(POLL),
        };
        let storage = PostgresStorage::new_with_config(pool.clone(), config);
        Ok(Apalis { setting: options.setting, storage, pool })
    }

    fn identity(setting: Setting) -> Identity {
        let settings = match setting {
            Setting::Default => "as it comes: 10 jobs each 100 ms",
            Setting::Fastest => "buffer 1,000, poll 5 ms, LISTEN, 32 connections",
        };
        Identity { peer: "apalis-sql", version: "0.7.4", settings, keeps_history: true }
    }

    fn unfinished() -> &'static str {
        "select exists (select from apalis.jobs where status <> 'Done')"
    }

    async fn add(&self) -> anyhow::Result<()> {
        self.storage.clone().push(Noop { note: peer::note() }).await?;
        Ok(())
    }

    async fn work(&self) -> anyhow::Result<()> {
        let mut storage = self.storage.clone();
        if self.setting == Setting::Fastest {
            let mut listen = PgListen::new(self.pool.clone()).await?;
            listen.subscribe_with(&mut storage);
            drop(tokio::spawn(listen.listen()));
        }
        let worker = WorkerBuilder::new("noops").backend(storage).build_fn(noop);
        drop(tokio::spawn(worker.run()));
        Ok(())
    }
}
