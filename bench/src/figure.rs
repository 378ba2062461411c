//! What is printed: one line a figure.

use std::fmt;

use serde::Serialize;

use crate::series::Series;

/// One measured number with its spread, and what plain SQL reached beside it.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// Which benchmark.
    pub bench: &'static str,
    /// Which of its figures.
    pub metric: &'static str,
    /// The median of the rounds.
    pub value: f64,
    /// In which unit.
    pub unit: &'static str,
    /// How many rounds.
    pub runs: usize,
    /// The smallest round.
    pub min: f64,
    /// The largest round.
    pub max: f64,
    /// The median of the floor's rounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// The median of value by floor, round by round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio_to_floor: Option<f64>,
}

impl Figure {
    /// Without a floor.
    pub(crate) fn new(
        bench: &'static str,
        metric: &'static str,
        unit: &'static str,
        ours: &Series,
    ) -> Figure {
        Figure {
            bench,
            metric,
            value: ours.median(),
            unit,
            runs: ours.len(),
            min: ours.min(),
            max: ours.max(),
            floor: None,
            ratio_to_floor: None,
        }
    }

    /// Beside the floor's rounds.
    pub(crate) fn beside(mut self, ours: &Series, floor: &Series) -> Figure {
        self.floor = Some(floor.median());
        self.ratio_to_floor = Some(ours.ratio_to(floor).median());
        self
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figure { bench, metric, value, unit, runs, min, max, .. } = self;
        write!(
            f,
            "{bench:8} {metric:24} {value:>12.2} {unit:8} {min:.2} to {max:.2} in {runs} runs"
        )?;
        if let (Some(floor), Some(ratio)) = (self.floor, self.ratio_to_floor) {
            write!(f, "; floor {floor:.2}, ratio {ratio:.2}")?;
        }
        Ok(())
    }
}
