//! The command line of a peer's program.

use std::time::Duration;

use anyhow::{Context, bail};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A backlog of jobs that do nothing, from the first start to the last end.
    Drain,
    /// Jobs coming in one by one, from one caller and from 16.
    Enqueue,
    /// Jobs coming in at once.
    Bulk,
    /// Workflows of five checkpointed steps from the queue, and the latency of one.
    Steps,
    /// From the return of an enqueue to the first line of the job, when idle.
    Pickup,
}

/// How the peer is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// As its documents begin.
    Default,
    /// As fast as its documents, or its own benchmark, make it.
    Fastest,
}

impl Setting {
    /// Its name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Setting::Default => "default",
            Setting::Fastest => "fastest",
        }
    }
}

/// One run.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is measured.
    pub what: What,
    /// A database of its own.
    pub url: String,
    /// How many jobs.
    pub jobs: usize,
    /// How the peer is set.
    pub setting: Setting,
    /// When one by one is measured: no more after so long. What was done by then counts.
    pub budget: Duration,
}

/// Long enough for a few jobs of somebody who looks once a second.
const BUDGET: Duration = Duration::from_secs(8);

impl Options {
    /// Reads the arguments behind the program's name.
    pub fn read(args: impl Iterator<Item = String>) -> anyhow::Result<Options> {
        let mut args = args;
        let what = match args.next().as_deref() {
            Some("drain") => What::Drain,
            Some("enqueue") => What::Enqueue,
            Some("bulk") => What::Bulk,
            Some("steps") => What::Steps,
            Some("pickup") => What::Pickup,
            other => bail!("drain, enqueue, bulk, steps or pickup, not {other:?}"),
        };
        let (mut url, mut jobs, mut setting) = (None, None, Setting::Default);
        while let Some(name) = args.next() {
            let value = args.next().with_context(|| format!("{name} needs a value"))?;
            match (name.as_str(), value.as_str()) {
                ("--url", _) => url = Some(value),
                ("--jobs", count) => jobs = Some(count.parse().context("--jobs")?),
                ("--setting", "default") => setting = Setting::Default,
                ("--setting", "fastest") => setting = Setting::Fastest,
                _ => bail!("unknown: {name} {value}"),
            }
        }
        Ok(Options {
            what,
            url: url.context("--url is missing")?,
            jobs: jobs.context("--jobs is missing")?,
            setting,
            budget: BUDGET,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> anyhow::Result<Options> {
        Options::read(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn a_whole_command_line_is_read() {
        let options = read("drain --url postgres://x --jobs 7 --setting fastest").expect("is one");
        assert_eq!((options.what, options.jobs), (What::Drain, 7));
        assert_eq!(options.setting, Setting::Fastest);
    }

    #[test]
    fn what_is_unknown_or_missing_is_said() {
        for line in ["walk", "drain --jobs 7", "drain --url x", "drain --url x --jobs 7 --fast 1"] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
