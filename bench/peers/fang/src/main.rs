//! `fang`, its async half: a worker is a loop of one claim, one run and one delete.

use std::{process::ExitCode, time::Duration};

use fang::{
    AsyncQueue, AsyncQueueable, AsyncRunnable, AsyncWorkerPool, FangError, SleepParams,
    async_trait,
    serde::{Deserialize, Serialize},
    typetag,
};
use peer::{Identity, Options, Peer, Setting, mark};

const SCHEMA: &str = include_str!(concat!(env!("OUT_DIR"), "/schema.sql"));

/// What its README shows, and what two cores can use.
const WORKERS_SHOWN: u32 = 2;
const WORKERS_MANY: u32 = 16;

fn main() -> ExitCode {
    peer::main::<Fang>()
}

#[derive(Serialize, Deserialize)]
#[serde(crate = "fang::serde")]
struct Noop {
    note: String,
}

#[typetag::serde]
#[async_trait]
impl AsyncRunnable for Noop {
    async fn run(&self, _: &dyn AsyncQueueable) -> Result<(), FangError> {
        mark();
        Ok(())
    }
}

#[derive(Clone)]
struct Fang {
    options: Options,
    queue: AsyncQueue,
}

async fn connected(url: &str, connections: u32) -> anyhow::Result<AsyncQueue> {
    let mut queue = AsyncQueue::builder().uri(url).max_pool_size(connections).build();
    queue.connect().await?;
    Ok(queue)
}

impl Peer for Fang {
    async fn set_up(options: &Options) -> anyhow::Result<Fang> {
        let pool = sqlx::PgPool::connect(&options.url).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        // Whoever adds has a pool of its own at both settings: the callers are 16.
        let queue = connected(&options.url, WORKERS_MANY).await?;
        Ok(Fang { options: options.clone(), queue })
    }

    fn identity(setting: Setting) -> Identity {
        let settings = match setting {
            Setting::Default => "2 workers and connections, as in its README",
            Setting::Fastest => "16 workers and connections, sleep 1 to 10 ms",
        };
        Identity { peer: "fang", version: "0.11.0", settings, keeps_history: false }
    }

    fn unfinished() -> &'static str {
        "select exists (select from fang_tasks)"
    }

    async fn add(&self) -> anyhow::Result<()> {
        self.queue.insert_task(&Noop { note: peer::note() }).await?;
        Ok(())
    }

    async fn work(&self) -> anyhow::Result<()> {
        let (workers, sleep) = match self.options.setting {
            Setting::Default => (WORKERS_SHOWN, SleepParams::default()),
            Setting::Fastest => (WORKERS_MANY, short()),
        };
        AsyncWorkerPool::<AsyncQueue>::builder()
            .queue(connected(&self.options.url, workers).await?)
            .number_of_workers(workers)
            .sleep_params(sleep)
            .build()
            .start()
            .await;
        Ok(())
    }
}

fn short() -> SleepParams {
    let millis = Duration::from_millis;
    SleepParams {
        sleep_period: millis(1),
        max_sleep_period: millis(10),
        min_sleep_period: millis(1),
        sleep_step: millis(1),
    }
}
