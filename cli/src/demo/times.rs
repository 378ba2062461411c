//! How long things took over many runs.

use std::time::Duration;

use serde::Serialize;

use super::play::Played;

/// All runs so far, in milliseconds.
#[derive(Default)]
pub(crate) struct Times {
    sign_up: Vec<f64>,
    code_arrived: Vec<f64>,
    verify_to_access: Vec<f64>,
}

/// What of them is told, in milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) runs: usize,
    pub(crate) sign_up: Quantiles,
    pub(crate) code_arrived: Quantiles,
    pub(crate) verify_to_access: Quantiles,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the unit belongs into the name that scripts read")]
pub(crate) struct Quantiles {
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) max_ms: f64,
}

impl Times {
    pub(crate) fn add(&mut self, played: &Played) {
        self.sign_up.push(ms(played.sign_up));
        self.code_arrived.push(ms(played.code_arrived));
        self.verify_to_access.push(ms(played.verify_to_access));
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures {
            runs: self.sign_up.len(),
            sign_up: quantiles(&self.sign_up),
            code_arrived: quantiles(&self.code_arrived),
            verify_to_access: quantiles(&self.verify_to_access),
        }
    }
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

fn quantiles(times: &[f64]) -> Quantiles {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    // The nearest rank: a time that was really seen.
    let at = |percent: usize| {
        sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0.0)
    };
    Quantiles { p50_ms: at(50), p95_ms: at(95), max_ms: at(100) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_time_that_was_seen() {
        let times: Vec<f64> = (1..=200).map(f64::from).collect();
        let told = quantiles(&times);
        assert!((told.p50_ms, told.p95_ms, told.max_ms) == (100.0, 190.0, 200.0));
    }
}
