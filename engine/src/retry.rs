//! When to try again: arithmetic and jitter, no clocks. The database adds the delay to its own time.

use std::time::Duration;

use rand::RngExt;

/// Longer pauses are a schedule's business, and an operator who repairs a provider should not wait longer for the proof.
const CAP_DEFAULT: Duration = Duration::from_hours(1);

/// How patient a step, a job or an undo is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    first: Duration,
    /// Empty: `first`, doubled. Otherwise these, then the last of them doubled.
    delays: &'static [Duration],
    cap: Duration,
    jitter: Jitter,
    attempts_max: u16,
}

/// How chance changes a delay, so that what failed together does not come back together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jitter {
    /// Anything between nothing and the delay: spreads a crowd best.
    Full,
    /// The delay and up to this many per cent more: never earlier than promised.
    Up(u8),
    /// Exactly the delay.
    None,
}

impl RetryPolicy {
    /// A step: 127 s of pauses at the most, which outlives a provider's restart but not a person's patience.
    pub const STEP: RetryPolicy =
        RetryPolicy::exponential(Duration::from_secs(1), 8).capped(Duration::from_mins(5));

    /// An undo: 27 minutes of pauses at the most. What stays undone costs money or a person's time, so it waits for an
    /// outage to end before it parks the run.
    pub const UNDO: RetryPolicy =
        RetryPolicy::exponential(Duration::from_secs(1), 12).capped(Duration::from_mins(10));

    /// A whole job: 62 s of pauses at the most, because its steps have been patient already.
    pub const JOB: RetryPolicy = RetryPolicy::exponential(Duration::from_secs(2), 6);

    /// Doubles from `first`, with full jitter, up to an hour. No attempts count as one.
    #[must_use]
    pub const fn exponential(first: Duration, attempts_max: u16) -> Self {
        RetryPolicy {
            first,
            delays: &[],
            cap: CAP_DEFAULT,
            jitter: Jitter::Full,
            attempts_max: if attempts_max == 0 { 1 } else { attempts_max },
        }
    }

    /// These delays, then the last one doubled, with full jitter. The cap is an hour, or the longest of the delays if
    /// that is more: what is written out is never shortened. No delays at all do not compile in a constant.
    #[must_use]
    pub const fn delays(delays: &'static [Duration], attempts_max: u16) -> Self {
        assert!(!delays.is_empty(), "a retry policy needs a delay");
        let mut cap = CAP_DEFAULT;
        let mut i = 0;
        while i < delays.len() {
            if delays[i].as_nanos() > cap.as_nanos() {
                cap = delays[i];
            }
            i += 1;
        }
        RetryPolicy { delays, cap, ..RetryPolicy::exponential(delays[0], attempts_max) }
    }

    /// No delay is longer than this, before [`Jitter::Up`] adds its part.
    #[must_use]
    pub const fn capped(self, cap: Duration) -> Self {
        RetryPolicy { cap, ..self }
    }

    /// Another jitter than the full one.
    #[must_use]
    pub const fn jitter(self, jitter: Jitter) -> Self {
        RetryPolicy { jitter, ..self }
    }

    /// One attempt.
    #[must_use]
    pub const fn never() -> Self {
        RetryPolicy::exponential(Duration::ZERO, 1)
    }

    /// How many attempts there are in all; at least one.
    pub const fn attempts_max(&self) -> u16 {
        self.attempts_max
    }

    /// How long to wait after this attempt, counted from 1, has failed; `None` when it was the last.
    pub fn next_delay(&self, attempt: u16, rng: &mut impl rand::Rng) -> Option<Duration> {
        if attempt >= self.attempts_max {
            return None;
        }
        let delay = nanos(self.delay(attempt));
        let nanos = match self.jitter {
            Jitter::None => delay,
            Jitter::Full => rng.random_range(0..=delay),
            Jitter::Up(percent) => {
                let most = (delay / 100).saturating_mul(u64::from(percent));
                delay.saturating_add(rng.random_range(0..=most))
            }
        };
        Some(Duration::from_nanos(nanos))
    }

    /// The delay after this attempt, before chance has its say.
    fn delay(&self, attempt: u16) -> Duration {
        let index = usize::from(attempt.saturating_sub(1));
        let (from, doublings) = match (self.delays.get(index), self.delays.last()) {
            (Some(delay), _) => (*delay, 0),
            (None, Some(last)) => (*last, index - (self.delays.len() - 1)),
            (None, None) => (self.first, index),
        };
        let factor = u32::try_from(doublings).ok().and_then(|n| 1_u64.checked_shl(n));
        let nanos = nanos(from).saturating_mul(factor.unwrap_or(u64::MAX));
        Duration::from_nanos(nanos).min(self.cap)
    }
}

/// 584 years fit; no policy means more.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rng() -> StdRng {
        StdRng::seed_from_u64(7)
    }

    fn all(policy: RetryPolicy) -> Vec<u64> {
        let mut rng = rng();
        (1..)
            .map_while(|attempt| policy.next_delay(attempt, &mut rng))
            .map(|delay| delay.as_secs())
            .collect()
    }

    #[test]
    fn delays_double_until_the_cap_and_end_with_the_attempts() {
        let policy = RetryPolicy::exponential(SECOND, 7).capped(10 * SECOND).jitter(Jitter::None);
        assert_eq!(all(policy), [1, 2, 4, 8, 10, 10]);
    }

    #[test]
    fn written_out_delays_come_first_and_the_last_one_doubles() {
        const POLICY: RetryPolicy =
            RetryPolicy::delays(&[Duration::from_secs(1), Duration::from_secs(5)], 6)
                .jitter(Jitter::None);
        assert_eq!(all(POLICY), [1, 5, 10, 20, 40]);
    }

    #[test]
    fn a_written_out_delay_is_not_shortened_by_the_default_cap() {
        const POLICY: RetryPolicy =
            RetryPolicy::delays(&[Duration::from_hours(6)], 3).jitter(Jitter::None);
        assert_eq!(all(POLICY), [6 * 3600, 6 * 3600]);
    }

    #[test]
    fn one_attempt_is_never_repeated() {
        assert_eq!(RetryPolicy::never().next_delay(1, &mut rng()), None);
        assert_eq!(RetryPolicy::exponential(SECOND, 0).attempts_max(), 1);
    }

    #[test]
    fn jitter_upwards_is_never_early_and_at_most_its_percentage_late() {
        const SMS: RetryPolicy = RetryPolicy::delays(
            &[
                Duration::from_secs(1),
                Duration::from_secs(2),
                Duration::from_secs(4),
                Duration::from_mins(1),
            ],
            8,
        )
        .jitter(Jitter::Up(20));
        let mut rng = rng();
        let mut late = false;
        for (attempt, base) in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 60.0), (5, 120.0), (7, 480.0)] {
            for _ in 0..200 {
                let delay = SMS.next_delay(attempt, &mut rng).unwrap().as_secs_f64();
                assert!((base..=base * 1.2).contains(&delay), "{attempt}: {delay}");
                late |= delay > base * 1.15;
            }
        }
        assert!(late, "chance uses the whole of its range");
        assert_eq!(SMS.next_delay(8, &mut rng), None);
    }

    #[test]
    fn full_jitter_uses_the_whole_range() {
        let policy = RetryPolicy::exponential(10 * SECOND, 2);
        let mut rng = rng();
        let drawn: Vec<_> = (0..500).map(|_| policy.next_delay(1, &mut rng).unwrap()).collect();
        assert!(drawn.iter().all(|delay| *delay <= 10 * SECOND));
        assert!(drawn.iter().any(|delay| *delay < SECOND));
        assert!(drawn.iter().any(|delay| *delay > 9 * SECOND));
    }

    #[test]
    fn the_documented_sums_hold() {
        let sum = |policy: RetryPolicy| all(policy.jitter(Jitter::None)).iter().sum::<u64>();
        assert_eq!(sum(RetryPolicy::STEP), 127);
        assert_eq!(sum(RetryPolicy::UNDO), 27 * 60 + 3);
        assert_eq!(sum(RetryPolicy::JOB), 62);
    }

    fn any_jitter() -> impl Strategy<Value = Jitter> {
        prop_oneof![Just(Jitter::Full), Just(Jitter::None), any::<u8>().prop_map(Jitter::Up)]
    }

    proptest! {
        #[test]
        fn nothing_overflows_at_any_attempt(
            first in any::<Duration>(),
            cap in any::<Duration>(),
            jitter in any_jitter(),
            attempts_max in any::<u16>(),
            attempt in any::<u16>(),
            seed in any::<u64>(),
        ) {
            let policy = RetryPolicy::exponential(first, attempts_max).capped(cap).jitter(jitter);
            let delay = policy.next_delay(attempt, &mut StdRng::seed_from_u64(seed));
            prop_assert_eq!(delay.is_none(), attempt >= policy.attempts_max());
            if let (Some(delay), Jitter::Full | Jitter::None) = (delay, jitter) {
                prop_assert!(delay <= cap);
            }
        }

        #[test]
        fn without_chance_a_later_attempt_never_waits_less(
            first in any::<Duration>(),
            cap in any::<Duration>(),
            attempt in 1..u16::MAX - 1,
        ) {
            let policy = RetryPolicy::exponential(first, u16::MAX).capped(cap);
            prop_assert!(policy.delay(attempt) <= policy.delay(attempt + 1));
        }
    }
}
