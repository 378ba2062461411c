//! What came of trying a fault at the boundaries of a workflow.

use crate::{Fault, report::Experiment, seed::say};

/// What came of one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The workflow, and the way it was played.
    pub case: String,
    /// What was to go wrong.
    pub fault: Fault,
    /// Boundaries of a run in which nothing goes wrong.
    pub boundaries: i64,
    /// Boundaries at which it was to go wrong.
    pub tried: usize,
    /// Runs in which it did.
    pub delivered: usize,
    /// What did not hold in the end.
    pub violations: Vec<String>,
    /// Chooses the boundaries again.
    pub seed: u64,
}

impl Tally {
    /// Says it, and writes it down for `target/promises.json`.
    ///
    /// # Panics
    /// When something did not hold, or too few of the faults were delivered to prove anything.
    pub fn settle(&self) {
        let Tally { case, fault, boundaries, tried, delivered, violations, seed } = self;
        say(&format!(
            "{case}: {fault}: {boundaries} boundaries, {tried} chosen by TRUNKLINE_SEED={seed}, {delivered} faults \
             delivered, {} violations",
            violations.len()
        ));
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Experiment {
            promise: fault.promise(),
            experiment: format!("crash matrix, {case}: {fault}"),
            faults: count(*delivered),
            checked: count(*tried),
            violations: count(violations.len()),
            recovery_ms: None,
            seed: *seed,
        }
        .record();
        assert!(violations.is_empty(), "TRUNKLINE_SEED={seed} {case}: {fault}: {violations:#?}");
        // Two jobs that commit together pass as one, so the last places are not always reached.
        assert!(
            delivered * 10 >= tried * 7,
            "TRUNKLINE_SEED={seed} {case}: {fault}: only {delivered} of {tried} were delivered"
        );
    }
}
