//! The rounds of one figure.

/// Numbers in the order in which they were measured.
#[derive(Debug, Clone, Default)]
pub struct Series(Vec<f64>);

impl Series {
    /// Adds a round.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The smallest; NaN of nothing.
    pub fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::min)
    }

    /// The largest; NaN of nothing.
    pub fn max(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::max)
    }

    /// The middle one; NaN of nothing.
    pub fn median(&self) -> f64 {
        self.percentile(50.0)
    }

    /// The value that this share of all (0 to 100) does not exceed: the nearest rank. NaN of nothing.
    pub fn percentile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank within a vector"
        )]
        let rank = (share / 100.0 * sorted.len() as f64).ceil().max(1.0) as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }

    /// Round by round, ours by theirs.
    #[must_use]
    pub fn ratio_to(&self, other: &Series) -> Series {
        Series(self.0.iter().zip(&other.0).map(|(ours, theirs)| ours / theirs).collect())
    }
}

impl FromIterator<f64> for Series {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Series {
        Series(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let series: Series = (1..=100).map(f64::from).collect();
        assert_eq!(series.median().total_cmp(&50.0), std::cmp::Ordering::Equal);
        assert_eq!(series.percentile(99.0).total_cmp(&99.0), std::cmp::Ordering::Equal);
        assert_eq!(series.percentile(100.0).total_cmp(&100.0), std::cmp::Ordering::Equal);
    }

    #[test]
    fn of_nothing_there_is_no_number() {
        assert!(Series::default().median().is_nan());
        assert!(Series::default().min().is_nan());
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let ours: Series = [2.0, 30.0].into_iter().collect();
        let floor: Series = [1.0, 10.0].into_iter().collect();
        assert_eq!(ours.ratio_to(&floor).max().total_cmp(&3.0), std::cmp::Ordering::Equal);
    }
}
