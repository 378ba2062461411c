//! The gates of a kind's jobs by their arguments, for those that are enqueued by name.

use serde_json::Value;

use super::Gates;
use crate::{registry::Registry, workflow::App};

/// Asks the workflows of a registry, whatever their application is.
pub(crate) struct GatesOf(Box<Ask>);

type Ask = dyn Fn(&str, &Value) -> Gates + Send + Sync;

impl std::fmt::Debug for GatesOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GatesOf")
    }
}

impl GatesOf {
    pub(crate) fn of<A: App>(registry: &Registry<A>) -> GatesOf {
        let workflows = registry.workflows.clone();
        GatesOf(Box::new(move |kind, args| {
            workflows.get(kind).map_or_else(Gates::none, |workflow| workflow.gates(args))
        }))
    }

    /// None for a kind that nobody here knows.
    pub(crate) fn ask(&self, kind: &str, args: &Value) -> Gates {
        (self.0)(kind, args)
    }
}
