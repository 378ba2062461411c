//! What is printed.

use serde::Serialize;

use crate::Setting;

/// Which peer, and what it promises.
#[derive(Debug, Clone, Serialize)]
pub struct Identity {
    /// Its name in its registry.
    pub peer: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What was set, in its own words.
    pub settings: &'static str,
    /// Whether a job that has ended leaves a row.
    pub keeps_history: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    identity: &'a Identity,
    setting: &'static str,
    metric: &'static str,
    value: f64,
    unit: &'static str,
    jobs: usize,
}

/// Says figures.
pub(crate) struct Sayer {
    pub(crate) identity: Identity,
    pub(crate) setting: Setting,
}

impl Sayer {
    pub(crate) fn say(
        &self,
        metric: &'static str,
        value: f64,
        unit: &'static str,
        jobs: usize,
    ) -> anyhow::Result<()> {
        let setting = self.setting.as_str();
        let line = Line { identity: &self.identity, setting, metric, value, unit, jobs };
        println!("{}", serde_json::to_string(&line)?);
        Ok(())
    }
}
