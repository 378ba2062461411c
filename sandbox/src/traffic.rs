//! Requests and effects, counted by path.

use std::collections::BTreeMap;

use serde::Serialize;

/// What one path has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Requests that arrived, however they ended.
    pub requests: u64,
    /// Requests that changed something.
    pub effects: u64,
    /// The requests, by method.
    pub methods: BTreeMap<String, u64>,
}

/// All paths. They are route patterns, not addresses, so there are few of them.
#[derive(Default)]
pub(crate) struct Paths(BTreeMap<String, Traffic>);

impl Paths {
    pub(crate) fn request(&mut self, path: &str, method: &str) {
        let traffic = self.0.entry(path.to_owned()).or_default();
        traffic.requests += 1;
        *traffic.methods.entry(method.to_owned()).or_default() += 1;
    }

    pub(crate) fn effect(&mut self, path: &str) {
        self.0.entry(path.to_owned()).or_default().effects += 1;
    }

    pub(crate) fn snapshot(&self) -> BTreeMap<String, Traffic> {
        self.0.clone()
    }
}
