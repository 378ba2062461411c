//! What is measured, the same for every peer: a peer says how its jobs are added and worked, and all clocks are here.
//!
//! Each peer is a program `peer-NAME drain|enqueue|bulk|steps|pickup --url … --jobs N [--setting default|fastest]` that
//! prints one line of JSON a figure. It expects a database of its own, and leaves its rows in it.

mod figure; // the line of JSON
mod marks; // where handlers say that they have begun
mod measure; // the clocks
mod options; // the command line
mod watch; // the peer's tables, seen from outside

use std::{process::ExitCode, time::Duration};

pub use self::{
    figure::Identity,
    marks::mark,
    options::{Options, Setting, What},
};

/// What every job carries: about 100 bytes of arguments.
pub const NOTE_BYTES: usize = 80;

/// The note itself.
pub fn note() -> String {
    "x".repeat(NOTE_BYTES)
}

/// How many callers add jobs at once when that is measured: a server's pool for one program.
pub const CALLERS: usize = 16;

/// A system of jobs on Postgres, set up on an empty database.
pub trait Peer: Clone + Send + Sync + 'static {
    /// Sets up its tables, and its pools of connections.
    fn set_up(options: &Options) -> impl Future<Output = anyhow::Result<Self>>;

    /// Which it is, at this setting.
    fn identity(setting: Setting) -> Identity;

    /// SQL that says whether any job has not ended yet.
    fn unfinished() -> &'static str;

    /// Adds one job that does nothing. Returns when that is committed.
    fn add(&self) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Adds many, in the way that its documents name for many. Without one: one by one, by 16 callers.
    fn add_many(&self, count: usize) -> impl Future<Output = anyhow::Result<()>> + Send {
        measure::by_callers(self.clone(), CALLERS, count)
    }

    /// Starts its worker, to go on until this process ends. Its handler calls [`mark`] and does nothing else.
    fn work(&self) -> impl Future<Output = anyhow::Result<()>>;

    /// For how long its worker, once started, is slower to notice a job than what was set. Waited out before a latency.
    fn settles_in(&self) -> Duration {
        Duration::ZERO
    }

    /// The same for workflows of five checkpointed steps, if it has such.
    fn flows(&self) -> Option<impl Flows> {
        None::<NoFlows>
    }
}

/// Workflows of five steps. The first step calls [`mark`].
pub trait Flows: Clone + Send + Sync + 'static {
    /// Adds one to its queue. Returns when that is committed.
    fn add(&self) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Adds many.
    fn add_many(&self, count: usize) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Starts its worker, to go on until this process ends.
    fn work(&self) -> impl Future<Output = anyhow::Result<()>>;
}

/// Of a peer without workflows.
#[derive(Debug, Clone)]
pub enum NoFlows {}

impl Flows for NoFlows {
    async fn add(&self) -> anyhow::Result<()> {
        match *self {}
    }

    async fn add_many(&self, _: usize) -> anyhow::Result<()> {
        match *self {}
    }

    async fn work(&self) -> anyhow::Result<()> {
        match *self {}
    }
}

/// The program of a peer.
pub fn main<P: Peer>() -> ExitCode {
    let done = Options::read(std::env::args().skip(1)).and_then(|options| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(measure::run::<P>(&options))
    });
    match done {
        // Not by leaving main: workers are still running, and their shutdown is not what is measured.
        Ok(()) => std::process::exit(0),
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::exit(1)
        }
    }
}
