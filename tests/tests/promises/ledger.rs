//! Effects that can be counted from outside: lines in a file, written by jobs of the kind `ledger`.

use std::{collections::HashMap, path::PathBuf};

use tests::fleet::Dev;

/// The file.
pub(crate) struct Ledger {
    path: PathBuf,
}

impl Ledger {
    /// In the folder of a running instance.
    pub(crate) fn of(dev: &Dev) -> Ledger {
        Ledger { path: dev.home().join("ledger") }
    }

    /// The variable that tells workers of it.
    pub(crate) fn variable(&self) -> (&'static str, &str) {
        ("TRUNKLINE_LEDGER", self.path.to_str().unwrap())
    }

    /// How many lines there are for each key.
    pub(crate) fn lines(&self) -> HashMap<String, usize> {
        let mut lines = HashMap::new();
        for line in std::fs::read_to_string(&self.path).unwrap_or_default().lines() {
            let key = line.split(' ').next().unwrap_or_default();
            *lines.entry(key.to_owned()).or_default() += 1;
        }
        lines
    }

    /// Keys that stand there more than once.
    pub(crate) fn doubled(&self) -> usize {
        self.lines().values().filter(|count| **count > 1).count()
    }
}
