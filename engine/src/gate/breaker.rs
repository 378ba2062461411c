//! A breaker: leaves a scope alone that fails again and again, tries it with a few, and comes back step by step. Pure; the
//! database keeps its state, so that the whole fleet has one.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Failures within [`WINDOW`] that open it. Fewer happen to any provider on any day.
const FAILURES_MAX: usize = 5;

/// While it comes back, fewer will do: the last time is not long ago.
const FAILURES_RAMP_MAX: usize = 2;

/// Failures further apart than that have nothing to do with each other.
const WINDOW: TimeDelta = TimeDelta::seconds(60);

/// How long it stays open the first time; each time that it opens again at once, twice as long.
const OPEN_FOR: TimeDelta = TimeDelta::seconds(30);

/// The longest.
const OPEN_MAX: TimeDelta = TimeDelta::minutes(10);

/// Jobs let through to see whether it works again. All of them must succeed.
const CANARIES: u32 = 2;

/// While it comes back, twice as many may start in each such piece of time as in the one before.
const RAMP_EVERY: TimeDelta = TimeDelta::seconds(5);

/// When so many may start in a piece of time, it is closed: there is no need to count any more.
const RAMP_MAX: u32 = 64;

/// What a breaker knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Breaker {
    phase: Phase,
    /// When the last failures were; at most [`FAILURES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    failures: Vec<DateTime<Utc>>,
    /// How often it has opened since it was last closed.
    #[serde(default)]
    trips: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
enum Phase {
    #[default]
    Closed,
    Open {
        until: DateTime<Utc>,
    },
    HalfOpen {
        good: u32,
    },
    Ramp {
        step: u32,
        since: DateTime<Utc>,
        started: u32,
    },
}

/// What a breaker is told by a worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct News {
    pub(crate) at: DateTime<Utc>,
    /// A canary succeeded; else an attempt failed in a way that may be the scope's fault.
    pub(crate) good: bool,
}

/// What a breaker says to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Run.
    Pass,
    /// Run, and be watched.
    Canary,
    /// Not before then.
    At(DateTime<Utc>),
    /// When the canaries are back.
    Wait,
}

impl Breaker {
    /// Takes in what happened, in order.
    pub(crate) fn hear(&mut self, news: News, now: DateTime<Utc>) {
        let failures_max = match &mut self.phase {
            // What was under way when it opened says nothing new.
            Phase::Open { .. } => return,
            Phase::HalfOpen { good } if news.good => {
                *good += 1;
                if *good >= CANARIES {
                    self.failures.clear();
                    self.phase = Phase::Ramp { step: 1, since: now, started: 0 };
                }
                return;
            }
            Phase::HalfOpen { .. } => 1,
            Phase::Ramp { .. } => FAILURES_RAMP_MAX,
            Phase::Closed => FAILURES_MAX,
        };
        if news.good {
            return;
        }
        self.failures.retain(|at| *at > news.at - WINDOW);
        self.failures.push(news.at);
        if self.failures.len() >= failures_max {
            let pause = (0..self.trips).fold(OPEN_FOR, |pause, _| (pause * 2).min(OPEN_MAX));
            self.failures.clear();
            self.trips = self.trips.saturating_add(1);
            self.phase = Phase::Open { until: news.at + pause };
        }
    }

    /// May a job run? `canaries`: how many are out.
    pub(crate) fn ask(&mut self, now: DateTime<Utc>, canaries: u32) -> Answer {
        self.catch_up(now);
        match &mut self.phase {
            Phase::Closed => Answer::Pass,
            Phase::Open { until } => Answer::At(*until),
            Phase::HalfOpen { good } if *good + canaries < CANARIES => Answer::Canary,
            Phase::HalfOpen { .. } => Answer::Wait,
            Phase::Ramp { step, started, .. } if *started < *step => {
                *started += 1;
                Answer::Pass
            }
            Phase::Ramp { since, .. } => Answer::At(*since + RAMP_EVERY),
        }
    }

    /// What an operator is told; `None`: it is closed.
    pub(crate) fn says(&self, now: DateTime<Utc>) -> Option<(&'static str, Option<DateTime<Utc>>)> {
        let mut seen = self.clone();
        seen.catch_up(now);
        match seen.phase {
            Phase::Closed => None,
            Phase::Open { until } => Some(("open", Some(until))),
            Phase::HalfOpen { .. } => Some(("half-open", None)),
            Phase::Ramp { since, .. } => Some(("coming back", Some(since + RAMP_EVERY))),
        }
    }

    /// Moves on with time alone.
    fn catch_up(&mut self, now: DateTime<Utc>) {
        if matches!(self.phase, Phase::Open { until } if until <= now) {
            self.phase = Phase::HalfOpen { good: 0 };
        }
        while let Phase::Ramp { step, since, .. } = self.phase {
            if now < since + RAMP_EVERY {
                break;
            }
            self.phase = if step >= RAMP_MAX {
                self.trips = 0;
                Phase::Closed
            } else {
                Phase::Ramp { step: step * 2, since: since + RAMP_EVERY, started: 0 }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn bad(seconds: i64) -> News {
        News { at: at(seconds), good: false }
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        for second in 0..5 {
            assert_eq!(breaker.ask(at(second), 0), Answer::Pass);
            breaker.hear(bad(second), at(second));
        }
        breaker
    }

    #[test]
    fn five_failures_within_a_minute_open_it_and_five_in_an_hour_do_not() {
        assert_eq!(opened().ask(at(5), 0), Answer::At(at(34)));
        let mut breaker = Breaker::default();
        for minutes in 0..50 {
            breaker.hear(bad(minutes * 70), at(minutes * 70));
            assert_eq!(breaker.ask(at(minutes * 70), 0), Answer::Pass);
        }
    }

    #[test]
    fn when_its_time_is_over_two_canaries_go_and_no_third() {
        let mut breaker = opened();
        assert_eq!(breaker.ask(at(34), 0), Answer::Canary);
        assert_eq!(breaker.ask(at(34), 1), Answer::Canary);
        assert_eq!(breaker.ask(at(34), 2), Answer::Wait);
        breaker.hear(News { at: at(35), good: true }, at(35));
        assert_eq!(breaker.ask(at(35), 1), Answer::Wait);
    }

    #[test]
    fn a_canary_that_fails_opens_it_for_twice_as_long() {
        let mut breaker = opened();
        assert_eq!(breaker.ask(at(34), 0), Answer::Canary);
        breaker.hear(bad(40), at(40));
        assert_eq!(breaker.ask(at(41), 0), Answer::At(at(100)));
    }

    #[test]
    fn it_comes_back_with_twice_as_many_in_each_piece_of_time() {
        let mut breaker = opened();
        assert_eq!(breaker.ask(at(34), 0), Answer::Canary);
        for _ in 0..2 {
            breaker.hear(News { at: at(40), good: true }, at(40));
        }
        let mut started = Vec::new();
        for piece in 0..8 {
            let now = at(40 + piece * 5);
            let passed = (0..1000).take_while(|_| breaker.ask(now, 0) == Answer::Pass).count();
            started.push(passed);
        }
        assert_eq!(started, [1, 2, 4, 8, 16, 32, 64, 1000]);
        assert_eq!(breaker.says(at(80)), None);
    }

    #[test]
    fn it_never_stays_open_for_longer_than_its_longest() {
        let mut breaker = opened();
        let mut now = at(34);
        for _ in 0..20 {
            assert_eq!(breaker.ask(now, 0), Answer::Canary);
            breaker.hear(News { at: now, good: false }, now);
            let Answer::At(until) = breaker.ask(now, 0) else { panic!("open") };
            assert!(until - now <= OPEN_MAX);
            now = until;
        }
    }
}
