//! The jobs that are measured.

use std::time::Instant;

use engine::{App, Context, Failure, JobId, Registry, Retention, Workflow};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

/// The application of the benchmarks.
pub(crate) struct Measured;

/// Where jobs say that they have begun.
pub(crate) struct Starts(pub(crate) mpsc::UnboundedSender<(JobId, Instant)>);

impl App for Measured {
    type Clients = Starts;
    type Settings = ();
}

pub(crate) fn registry() -> Registry<Measured> {
    Registry::default().with::<Noop>().with::<Five>().with::<Mark>().with::<Nothing>()
}

/// Does nothing.
#[derive(Serialize, Deserialize)]
pub(crate) struct Noop {
    /// What an ordinary job carries: about 100 bytes.
    pub(crate) note: String,
}

impl Noop {
    pub(crate) fn usual() -> Noop {
        Noop { note: "x".repeat(80) }
    }
}

impl Workflow<Measured> for Noop {
    const KIND: &'static str = "bench_noop";
    const QUEUE: &'static str = "bench";
    const RETENTION: Retention = Retention::Brief;
    type Output = ();

    async fn run(&self, _: &Context<'_, Measured>) -> Result<(), Failure> {
        Ok(())
    }
}

/// What every worker of ours can do, if its kinds for trying are switched on.
#[derive(Serialize, Deserialize)]
pub(crate) struct Nothing {}

impl Workflow<Measured> for Nothing {
    const KIND: &'static str = "noop";
    const QUEUE: &'static str = "try";
    const RETENTION: Retention = Retention::Brief;
    type Output = ();

    async fn run(&self, _: &Context<'_, Measured>) -> Result<(), Failure> {
        Ok(())
    }
}

/// Five checkpointed steps.
#[derive(Serialize, Deserialize)]
pub(crate) struct Five {}

impl Workflow<Measured> for Five {
    const KIND: &'static str = "bench_five";
    const QUEUE: &'static str = "bench";
    const RETENTION: Retention = Retention::Brief;
    type Output = u32;

    async fn run(&self, ctx: &Context<'_, Measured>) -> Result<u32, Failure> {
        let mut sum = 0;
        for step in ["one", "two", "three", "four", "five"] {
            sum += ctx.step(step, async |_, _| Ok(1_u32)).await?;
        }
        Ok(sum)
    }
}

/// Says when it began.
#[derive(Serialize, Deserialize)]
pub(crate) struct Mark {}

impl Workflow<Measured> for Mark {
    const KIND: &'static str = "bench_mark";
    const QUEUE: &'static str = "bench_pickup";
    const RETENTION: Retention = Retention::Brief;
    type Output = ();

    async fn run(&self, ctx: &Context<'_, Measured>) -> Result<(), Failure> {
        let id = ctx.job_id();
        ctx.step("begun", async |starts: &Starts, _| {
            starts.0.send((id, Instant::now())).map_err(Failure::permanent)
        })
        .await
    }
}
