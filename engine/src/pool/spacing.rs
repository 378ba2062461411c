//! How often something is looked for that is seldom there: as often as is cheap. While somebody holds a transaction open,
//! such a look walks over every row that has gone since.

use std::time::Duration;

/// A look that took no longer may be part of every round.
const QUICK: Duration = Duration::from_millis(10);

/// After one that was slow, so many times its length until the next, anywhere: together they take a sixteenth of a core.
const FACTOR: u32 = 16;

/// How long one worker goes without a look, however many there are.
pub(super) const REST_MAX: Duration = Duration::from_mins(1);

/// How long this worker need not look again: `fleet` workers do.
pub(super) fn rest(took: Duration, fleet: u32) -> Duration {
    let rest = took.saturating_mul(FACTOR).saturating_mul(fleet);
    if took <= QUICK { Duration::ZERO } else { rest.min(REST_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_looks_are_rare_in_proportion_to_what_they_take_and_to_how_many_make_them() {
        let rest = |took, fleet| rest(Duration::from_millis(took), fleet);
        assert_eq!(rest(10, 100), Duration::ZERO);
        assert_eq!(rest(50, 4), Duration::from_millis(50 * 16 * 4));
        assert_eq!(rest(900, 1000), REST_MAX);
    }
}
