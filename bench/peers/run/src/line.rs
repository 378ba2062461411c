//! A figure, as a peer's program prints it and as it is saved.

use std::{fmt, path::Path};

use serde::{Deserialize, Serialize};

use crate::server::Host;

/// One figure of one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) peer: String,
    pub(crate) version: String,
    pub(crate) setting: String,
    pub(crate) settings: String,
    pub(crate) keeps_history: bool,
    pub(crate) metric: String,
    pub(crate) value: f64,
    pub(crate) unit: String,
    /// With how many jobs.
    pub(crate) jobs: usize,
    /// Which round; figures of one round are compared with each other.
    #[serde(default)]
    pub(crate) round: usize,
    /// The server, as it says itself.
    #[serde(default)]
    pub(crate) server: String,
}

impl Line {
    pub(crate) fn of(mut self, round: usize, host: &Host) -> Line {
        self.round = round;
        self.server = host.settings().to_owned();
        self
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Line { round, peer, setting, metric, value, unit, jobs, .. } = self;
        write!(f, "round {round}: {peer} ({setting}) {metric} {value:.2} {unit}, {jobs} jobs")
    }
}

/// What was saved.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Line>> {
    let text = std::fs::read_to_string(path)?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}
