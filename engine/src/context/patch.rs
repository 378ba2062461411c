//! Telling old runs from new ones, for a workflow that was changed while runs of it are in flight.

use serde_json::Value;

use super::Context;
use crate::{failure::Failure, workflow::App};

/// What a step stores under another key than its own: when a wait ends, that a permit was given back.
const BESIDE: [&str; 2] = ["~until", "~released"];

impl<A: App> Context<'_, A> {
    /// Whether this run does what was added under this name. True for a run that comes to this place for the first time;
    /// false for one that has passed it under older code, which shows in a stored step that it has not met yet in this
    /// execution. The answer is stored: it is the same wherever the name is asked again in this branch of the run.
    pub async fn patched(&self, name: &str) -> Result<bool, Failure> {
        let key = self.claim_once(&format!("patch:{name}"))?;
        if let Some(answer) = self.inner().lock().patches.get(&key) {
            return Ok(*answer);
        }
        let answer = if let Some(stored) = self.remembered(&key, "patch").await {
            self.decoded(&stored).await?
        } else {
            self.boundary().await;
            let answer = !self.was_further();
            self.keep(key.clone(), "patch", Value::Bool(answer), None).await?;
            answer
        };
        self.inner().lock().patches.insert(key, answer);
        Ok(answer)
    }

    /// Whether an earlier execution of this branch has stored what this one has not come to.
    fn was_further(&self) -> bool {
        let inner = self.inner().lock();
        inner.memo.keys_of_body(self.job().has_deed()).any(|key| {
            // What is stored beside a step (the end of a wait) is met with the step.
            let step = BESIDE.iter().find_map(|suffix| key.strip_suffix(suffix)).unwrap_or(key);
            self.node.holds(key) && !key.ends_with("~out") && !inner.met.contains(step)
        })
    }
}
