//! What an experiment found out: a line for a person, and an entry in `target/promises.json`.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How long it took until somebody else had a dead worker's job.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Recovery {
    /// Half of them were quicker, in milliseconds.
    pub p50: u64,
    /// 99 of 100 were quicker, in milliseconds.
    pub p99: u64,
}

impl Recovery {
    /// Of these times; `None` of none.
    pub fn of(times: &[Duration]) -> Option<Recovery> {
        Some(Recovery { p50: percentile(times, 50)?, p99: percentile(times, 99)? })
    }
}

/// The time, in milliseconds, that so many per cent of these do not exceed.
pub fn percentile(times: &[Duration], percent: usize) -> Option<u64> {
    let mut times: Vec<_> = times.iter().map(Duration::as_millis).collect();
    times.sort_unstable();
    let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
    times.get(place).and_then(|time| u64::try_from(*time).ok())
}

/// One experiment about one promise of the engine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Experiment {
    /// Its number in the list of promises.
    pub promise: u8,
    /// What was done.
    pub experiment: String,
    /// Things that really went wrong.
    pub faults: u64,
    /// Things that were looked at afterwards.
    pub checked: u64,
    /// How many of them broke the promise.
    pub violations: u64,
    /// How quickly dead workers' jobs went on, where that was measured.
    pub recovery_ms: Option<Recovery>,
    /// Plays the same again.
    pub seed: u64,
}

impl Experiment {
    /// Writes it down. An earlier entry about the same is replaced. Tests of several processes may do this at once.
    pub fn record(&self) {
        crate::seed::say(&serde_json::to_string(self).expect("JSON"));
        // What a mistake leads to that was built in on purpose is no finding.
        if daemon::config::Env::of_process().is_set("TRUNKLINE_PLANTED") {
            return;
        }
        let path = file();
        let lock = File::create(path.with_extension("lock")).expect("a lock's file");
        lock.lock().expect("a lock");
        let mut all: Vec<Experiment> = fs::read(&path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        all.retain(|one| (one.promise, &one.experiment) != (self.promise, &self.experiment));
        all.push(self.clone());
        all.sort_by(|one, other| {
            (one.promise, &one.experiment).cmp(&(other.promise, &other.experiment))
        });
        let all: Value = serde_json::to_value(&all).expect("JSON");
        fs::write(&path, format!("{all:#}\n")).expect("written");
    }
}

/// `target/promises.json`, wherever the target is: this program lies below it.
fn file() -> PathBuf {
    let me = std::env::current_exe().expect("this program");
    let target = me.ancestors().find(|path| path.join("CACHEDIR.TAG").is_file());
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    target.map_or(usual, Path::to_path_buf).join("promises.json")
}
