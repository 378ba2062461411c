//! How fast it is: each figure beside its *floor*, what the same server does in the same run with plain SQL on the same
//! rows and nothing around it. Runs of ours and of the floor take turns, so that a noisy moment hits both.
//!
//! Absolute rates depend on the machine; the ratios are what to compare.

mod extent; // how much, and how far that is
mod figure; // what is printed
mod series; // medians and percentiles of rounds

mod host; // which Postgres
mod kinds; // the jobs that are measured
mod meter; // what work costs the database
mod plot; // curves over time, as SVG
mod process; // this program, once more
mod rig; // a database with engines and pools on it
mod samples; // how long claims took, from the engine's own mouth

mod floor; // plain SQL for the same rows

mod depth; // whether claims become slower the more there is
mod drain; // how fast a backlog goes
mod enqueue; // how fast jobs come in
mod fleet; // one worker process and four
mod ingest; // how fast webhooks come in
mod pickup; // how soon an idle worker begins
mod soak; // half an hour, ten minutes of it beside a held transaction
mod steps; // workflows of five checkpointed steps
mod voice; // live calls

use std::path::Path;

pub use self::{
    extent::{Extent, Round},
    figure::Figure,
    host::Host,
    series::Series,
};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bench {
    /// A backlog of jobs that do nothing.
    Drain,
    /// Jobs coming in, from one caller and from many, one by one and in bulk.
    Enqueue,
    /// From an enqueue to the first line of the job.
    Pickup,
    /// Workflows of five steps.
    Steps,
    /// Webhooks coming in over HTTP.
    Ingest,
    /// One worker process and four, each as its users start it. Takes minutes, so it is not one of [`Bench::ALL`].
    Fleet,
    /// Claims beside millions of jobs. Takes minutes and gigabytes, so it is not one of [`Bench::ALL`].
    Depth,
    /// Half an hour of load. Not one of [`Bench::ALL`] either.
    Soak,
    /// Live calls. Takes minutes, so it is not one of [`Bench::ALL`].
    Voice,
}

impl Bench {
    /// Those of the engine.
    pub const ALL: [Bench; 5] =
        [Bench::Drain, Bench::Enqueue, Bench::Pickup, Bench::Steps, Bench::Ingest];

    /// Its name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Bench::Drain => "drain",
            Bench::Enqueue => "enqueue",
            Bench::Pickup => "pickup",
            Bench::Steps => "steps",
            Bench::Ingest => "ingest",
            Bench::Fleet => "fleet",
            Bench::Depth => "depth",
            Bench::Soak => "soak",
            Bench::Voice => "voice",
        }
    }
}

/// Measures one thing. Every figure is handed to `say` as soon as it is there; curves go into `folder`.
pub async fn measure(
    bench: Bench,
    host: &Host,
    extent: Extent,
    folder: &Path,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    match bench {
        Bench::Drain => drain::measure(host, extent, say).await,
        Bench::Enqueue => enqueue::measure(host, extent, say).await,
        Bench::Pickup => pickup::measure(host, extent, say).await,
        Bench::Steps => steps::measure(host, extent, say).await,
        Bench::Ingest => ingest::measure(host, extent, say).await,
        Bench::Fleet => fleet::measure(host, extent, say).await,
        Bench::Depth => depth::measure(host, extent, say).await,
        Bench::Soak => soak::measure(host, extent, folder, say).await,
        Bench::Voice => voice::measure(extent, say).await,
    }
}
