//! The same backlog for one worker process and for four with as many slots together: what being many costs, and what memory
//! one takes. Processes as users start them, with everything that a worker has.

use std::collections::BTreeMap;

use anyhow::ensure;
use futures::future::try_join_all;

use crate::{
    Extent, Figure, Host, Series,
    kinds::Nothing,
    meter::{self, Cost},
    process::{self, Process},
    rig::{ended, engine, fill, rate},
};

/// A backlog of some seconds.
const JOBS: usize = 200_000;

/// In all, however many processes there are.
const SLOTS: usize = 256;
const PROCESSES: usize = 4;

const MIB: f64 = 1024.0 * 1024.0;

pub(crate) async fn measure(
    host: &Host,
    extent: Extent,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    ensure!(
        host.is_throwaway(),
        "whole workers would take up other jobs too: without DATABASE_URL, on a database of its own"
    );
    let (mut one, mut four) = (Rounds::default(), Rounds::default());
    for _ in extent.rounds_of("fleet") {
        one.add(&drain(host, extent.of(JOBS), 1).await?);
        four.add(&drain(host, extent.of(JOBS), PROCESSES).await?);
    }
    say(Figure::new("fleet", "jobs_per_s_one", "1/s", &one.rate));
    say(Figure::new("fleet", "jobs_per_s_four", "1/s", &four.rate).beside(&four.rate, &one.rate));
    say(Figure::new("fleet", "wal_bytes_one", "bytes", &one.wal));
    say(Figure::new("fleet", "wal_bytes_four", "bytes", &four.wal).beside(&four.wal, &one.wal));
    say(Figure::new("fleet", "commits_one", "commits", &one.commits));
    let commits = Figure::new("fleet", "commits_four", "commits", &four.commits);
    say(commits.beside(&four.commits, &one.commits));
    say(Figure::new("fleet", "peak_memory_one", "MiB", &one.memory));
    say(Figure::new("fleet", "peak_memory_each_of_four", "MiB", &four.memory));
    Ok(())
}

/// What one backlog took.
struct Drained {
    jobs_per_s: f64,
    /// Of one job.
    cost: Cost,
    /// Of the process that had the most.
    memory_mib: f64,
}

#[derive(Default)]
struct Rounds {
    rate: Series,
    wal: Series,
    commits: Series,
    memory: Series,
}

impl Rounds {
    fn add(&mut self, drained: &Drained) {
        self.rate.push(drained.jobs_per_s);
        self.wal.push(drained.cost.wal_bytes);
        self.commits.push(drained.cost.commits);
        self.memory.push(drained.memory_mib);
    }
}

async fn drain(host: &Host, count: usize, processes: usize) -> anyhow::Result<Drained> {
    let mut conn = host.connection().await?;
    let before = fill(&engine(host).await?, count, || Nothing {}).await?;
    let from = meter::read(&mut conn).await?;
    let variables = variables(host);
    let slots = (SLOTS / processes).to_string();
    let arguments = ["worker", "--slots", &slots];
    // All at once: until the last one is there, those before it have the backlog to themselves.
    let fleet = (0..processes).map(|_| Process::start(&arguments, &variables));
    let fleet = try_join_all(fleet).await?;
    let seconds = ended(&mut conn, before, count).await?;
    let cost = from.until(meter::read(&mut conn).await?);
    let mut most = 0;
    for worker in fleet {
        most = most.max(worker.peak_memory()?);
        worker.stop().await?;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let memory_mib = most as f64 / MIB;
    let jobs = rate(count, 1.0);
    let cost = Cost { wal_bytes: cost.wal_bytes / jobs, commits: cost.commits / jobs };
    Ok(Drained { jobs_per_s: rate(count, seconds), cost, memory_mib })
}

fn variables(host: &Host) -> BTreeMap<String, String> {
    let mut variables = process::variables(host);
    variables.insert("TRUNKLINE_TRY_KINDS".to_owned(), "1".to_owned());
    variables
}
