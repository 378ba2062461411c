//! `dbos`: workflows from its queue. Everything that has happened stays.

use std::{process::ExitCode, time::Duration};

use dbos::{Client, ClientConfig, Config, DBOS, QueueConflict, QueueOptions, WorkflowHandle, step};
use peer::{CALLERS, Flows, Identity, Options, Peer, Setting, mark, note};

const QUEUE: &str = "bench";

/// Its queue is asked once a second at first, and a tenth more often after each answer: in so long it has come down to
/// what was set.
const SETTLE: Duration = Duration::from_secs(11);

fn main() -> ExitCode {
    peer::main::<Dbos>()
}

#[derive(Clone)]
struct Dbos {
    options: Options,
    client: Client,
}

impl Dbos {
    fn connections(&self) -> u32 {
        match self.options.setting {
            Setting::Default => 10,
            Setting::Fastest => 32,
        }
    }

    async fn enqueue<P: serde::Serialize>(&self, workflow: &str, input: P) -> anyhow::Result<()> {
        let _: WorkflowHandle<u32> = self.client.enqueue(workflow, QUEUE, input).await?;
        Ok(())
    }

    /// Registers both workflows and the queue, and begins to take from it.
    async fn launch(&self) -> anyhow::Result<()> {
        let dbos = DBOS::new(Config {
            app_version: Some("1".to_owned()),
            max_connections: self.connections(),
            ..Config::new("bench", &self.options.url)
        });
        dbos.register_workflow("noop", |_: String| async {
            mark();
            Ok::<u32, dbos::Error>(0)
        })?;
        dbos.register_workflow("five", |(): ()| async {
            mark();
            let mut sum = 0_u32;
            for name in ["one", "two", "three", "four", "five"] {
                sum += step(name, || async { Ok::<u32, dbos::Error>(1) }).await?;
            }
            Ok::<u32, dbos::Error>(sum)
        })?;
        dbos.launch().await?;
        let mut queue = QueueOptions::default();
        if self.options.setting == Setting::Fastest {
            queue.polling_interval = Duration::from_millis(5);
        }
        dbos.register_queue(QUEUE, queue, QueueConflict::UpdateIfLatestVersion).await?;
        // Dropping it does not end it, but it is to live as long as the process.
        std::mem::forget(dbos);
        Ok(())
    }
}

impl Peer for Dbos {
    async fn set_up(options: &Options) -> anyhow::Result<Dbos> {
        // Only a launch brings the schema up to date.
        let first = DBOS::new(Config {
            app_version: Some("1".to_owned()),
            ..Config::new("bench", &options.url)
        });
        first.launch().await?;
        first.shutdown().await;
        let mut config = ClientConfig::new(&options.url);
        config.app_name = Some("bench".to_owned());
        if options.setting == Setting::Fastest {
            config.max_connections = 16;
        }
        Ok(Dbos { options: options.clone(), client: Client::connect(config).await? })
    }

    fn identity(setting: Setting) -> Identity {
        let settings = match setting {
            Setting::Default => "as it comes",
            Setting::Fastest => "32 connections, poll 5 ms, no limit of concurrency",
        };
        Identity { peer: "dbos", version: "0.5.0", settings, keeps_history: true }
    }

    fn unfinished() -> &'static str {
        "select exists (select from dbos.workflow_status where status in ('ENQUEUED', 'PENDING', 'DELAYED'))"
    }

    async fn add(&self) -> anyhow::Result<()> {
        self.enqueue("noop", note()).await
    }

    async fn work(&self) -> anyhow::Result<()> {
        self.launch().await
    }

    fn settles_in(&self) -> Duration {
        match self.options.setting {
            Setting::Default => Duration::ZERO,
            Setting::Fastest => SETTLE,
        }
    }

    fn flows(&self) -> Option<impl Flows> {
        Some(Five(self.clone()))
    }
}

#[derive(Clone)]
struct Five(Dbos);

impl Flows for Five {
    async fn add(&self) -> anyhow::Result<()> {
        self.0.enqueue("five", ()).await
    }

    async fn add_many(&self, count: usize) -> anyhow::Result<()> {
        for _ in 0..count.div_ceil(CALLERS) {
            futures::future::try_join_all((0..CALLERS).map(|_| self.add())).await?;
        }
        Ok(())
    }

    async fn work(&self) -> anyhow::Result<()> {
        self.0.launch().await
    }
}
