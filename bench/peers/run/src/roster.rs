//! Who takes part in what, with how many jobs: as many as take a few seconds.

use std::fmt;

use crate::args::Args;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bench {
    /// A backlog of jobs that do nothing.
    Drain,
    /// Jobs coming in one by one, and at once.
    Enqueue,
    /// From an enqueue to the first line of the job, when idle.
    Pickup,
    /// Workflows of five checkpointed steps.
    Steps,
}

impl Bench {
    pub(crate) const ALL: [Bench; 4] = [Bench::Drain, Bench::Enqueue, Bench::Pickup, Bench::Steps];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Bench::Drain => "drain",
            Bench::Enqueue => "enqueue",
            Bench::Pickup => "pickup",
            Bench::Steps => "steps",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Bench> {
        Bench::ALL.into_iter().find(|bench| bench.as_str() == name)
    }
}

/// Whose turn it is.
#[derive(Debug)]
pub(crate) enum Contestant {
    /// `trunkline bench`, with so many per cent of its usual number of jobs.
    Ours { bench: Bench, scale: usize },
    /// A peer's program.
    Theirs(Run),
}

/// One run of a peer's program.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) program: &'static str,
    pub(crate) setting: &'static str,
    /// What its program calls it.
    pub(crate) what: &'static str,
    pub(crate) jobs: usize,
}

impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Contestant::Ours { bench, .. } => write!(f, "trunkline bench {}", bench.as_str()),
            Contestant::Theirs(Run { program, setting, what, .. }) => {
                write!(f, "{program} ({setting}) {what}")
            }
        }
    }
}

/// A peer at a setting, with its numbers of jobs; 0: it does not take part.
struct Entry {
    program: &'static str,
    setting: &'static str,
    drain: usize,
    enqueue: usize,
    bulk: usize,
    pickup: usize,
    steps: usize,
}

const fn entry(program: &'static str, setting: &'static str, jobs: [usize; 5]) -> Entry {
    let [drain, enqueue, bulk, pickup, steps] = jobs;
    Entry { program, setting, drain, enqueue, bulk, pickup, steps }
}

/// Enqueue and bulk depend on the setting of few, so most are measured once, at their fastest.
const ENTRIES: &[Entry] = &[
    entry("peer-apalis-0-7", "default", [300, 0, 0, 100, 0]),
    entry("peer-apalis-0-7", "fastest", [10_000, 5000, 5000, 100, 0]),
    entry("peer-apalis-1-0", "default", [2000, 0, 0, 100, 300]),
    entry("peer-apalis-1-0", "fastest", [50_000, 5000, 50_000, 100, 1000]),
    entry("peer-awa", "default", [10_000, 0, 10_000, 100, 0]),
    entry("peer-awa", "fastest", [50_000, 5000, 50_000, 100, 0]),
    entry("peer-dbos", "default", [2000, 0, 0, 20, 500]),
    entry("peer-dbos", "fastest", [3000, 5000, 5000, 100, 1000]),
    entry("peer-fang", "default", [1000, 0, 0, 0, 0]),
    entry("peer-fang", "fastest", [5000, 8000, 8000, 100, 0]),
    entry("peer-graphile-worker", "default", [3000, 5000, 50_000, 100, 0]),
    entry("peer-graphile-worker", "fastest", [50_000, 5000, 50_000, 100, 0]),
    entry("peer-sqlxmq", "default", [3000, 0, 0, 100, 300]),
    entry("peer-sqlxmq", "fastest", [5000, 5000, 5000, 100, 500]),
    entry("peer-underway", "default", [400, 0, 0, 50, 50]),
    entry("peer-underway", "fastest", [1000, 5000, 50_000, 50, 100]),
    entry("graphile-worker.mjs", "default", [3000, 0, 0, 100, 0]),
    entry("graphile-worker.mjs", "fastest", [50_000, 5000, 50_000, 100, 0]),
    entry("pg-boss.mjs", "default", [40, 0, 0, 10, 0]),
    entry("pg-boss.mjs", "fastest", [50_000, 5000, 50_000, 50, 0]),
    entry("dbos.mjs", "default", [500, 0, 0, 10, 200]),
    entry("dbos.mjs", "fastest", [500, 2000, 2000, 50, 300]),
];

/// Jobs of ours: per cent of the usual number, so that a turn takes as long as another's.
const fn scale_of(bench: Bench) -> usize {
    match bench {
        Bench::Drain | Bench::Enqueue | Bench::Steps => 100,
        Bench::Pickup => 20,
    }
}

pub(crate) fn of(bench: Bench, args: &Args) -> Vec<Contestant> {
    let scaled = |jobs: usize| (jobs * args.scale / 100).max(jobs.min(20));
    let mut all = Vec::new();
    if args.wants("trunkline", None) {
        all.push(Contestant::Ours { bench, scale: (scale_of(bench) * args.scale / 100).max(1) });
    }
    for entry in ENTRIES.iter().filter(|entry| args.wants(entry.program, Some(entry.setting))) {
        let turns: &[(&'static str, usize)] = match bench {
            Bench::Drain => &[("drain", entry.drain)],
            Bench::Enqueue => &[("enqueue", entry.enqueue), ("bulk", entry.bulk)],
            Bench::Pickup => &[("pickup", entry.pickup)],
            Bench::Steps => &[("steps", entry.steps)],
        };
        for (what, jobs) in turns.iter().filter(|(_, jobs)| *jobs > 0) {
            let Entry { program, setting, .. } = *entry;
            all.push(Contestant::Theirs(Run { program, setting, what, jobs: scaled(*jobs) }));
        }
    }
    all
}
