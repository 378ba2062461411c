//! What a worker says of itself, in Prometheus' text format.

use std::collections::BTreeMap;

/// Its numbers at an instant, or those of a while.
#[derive(Debug, Default)]
pub(super) struct Gauges(BTreeMap<String, f64>);

impl Gauges {
    pub(super) fn read(text: &str) -> Gauges {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let read = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Gauges(lines.filter_map(read).collect())
    }

    /// What has been added since.
    pub(super) fn since(&self, before: &Gauges) -> Gauges {
        let added = |(name, value): (&String, &f64)| {
            (name.clone(), value - before.0.get(name).copied().unwrap_or_default())
        };
        Gauges(self.0.iter().map(added).collect())
    }

    /// The sum over all labels.
    pub(super) fn of(&self, metric: &str) -> f64 {
        let of_it = self.0.iter().filter(|(name, _)| name.split('{').next() == Some(metric));
        of_it.map(|(_, value)| value).sum()
    }

    /// A quantile of a histogram over all labels, in its unit: read off a straight line within the bucket. Of the last
    /// bucket, which has no end, its beginning.
    pub(super) fn quantile(&self, metric: &str, share: f64) -> f64 {
        let bucket = format!("{metric}_bucket");
        let mut counts: Vec<(f64, f64)> = Vec::new();
        for (name, count) in
            self.0.iter().filter(|(name, _)| name.split('{').next() == Some(&*bucket))
        {
            let Some(bound) = name.split("le=\"").nth(1).and_then(|it| it.split('"').next()) else {
                continue;
            };
            let bound =
                if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap_or(f64::NAN) };
            match counts.iter_mut().find(|(known, _)| known.total_cmp(&bound).is_eq()) {
                Some((_, sum)) => *sum += count,
                None => counts.push((bound, *count)),
            }
        }
        counts.sort_by(|one, other| one.0.total_cmp(&other.0));
        let rank = share * counts.last().map_or(0.0, |(_, all)| *all);
        let mut below = (0.0, 0.0);
        for (bound, count) in counts {
            if count >= rank && count > below.1 {
                let part = (rank - below.1) / (count - below.1);
                return if bound.is_finite() {
                    below.0 + (bound - below.0) * part
                } else {
                    below.0
                };
            }
            below = (bound, count);
        }
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_read_off_the_buckets_of_all_labels() {
        let text = "x_bucket{d=\"up\",le=\"0.1\"} 40\nx_bucket{d=\"down\",le=\"0.1\"} 10\n\
                    x_bucket{d=\"up\",le=\"0.2\"} 50\nx_bucket{d=\"down\",le=\"0.2\"} 50\n\
                    x_bucket{d=\"up\",le=\"+Inf\"} 50\nx_bucket{d=\"down\",le=\"+Inf\"} 50\n# HELP x y\n";
        let gauges = Gauges::read(text);
        assert!((gauges.quantile("x", 0.5) - 0.1).abs() < 1e-9);
        assert!((gauges.quantile("x", 0.75) - 0.15).abs() < 1e-9);
        assert!(gauges.quantile("y", 0.5).is_nan());
    }

    #[test]
    fn a_while_is_the_difference_of_two_instants() {
        let (before, after) =
            (Gauges::read("a{x=\"1\"} 1\n"), Gauges::read("a{x=\"1\"} 4\na{x=\"2\"} 2\n"));
        assert!((after.since(&before).of("a") - 5.0).abs() < 1e-9);
    }
}
