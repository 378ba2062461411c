//! What a due schedule does, given its clock and how long ago it was due. Pure.

use chrono::{DateTime, TimeDelta, Utc};

use crate::cron::Cron;

/// Up to here a tick is only late: a failover or a deploy takes less. Older ones were missed.
const LATE_MAX: TimeDelta = TimeDelta::seconds(60);

/// The most ticks that a schedule catches up with.
pub const CATCH_UP_MAX: u16 = 100;

/// What happens to ticks that nobody was there to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missed {
    /// They are left out; a tick that is at most a minute late still runs.
    Skip,
    /// However many there were, the first of them runs, once and late.
    #[default]
    RunOnce,
    /// Each of them runs, oldest first; if there are more than `max` (at most [`CATCH_UP_MAX`]), only the newest `max`.
    CatchUp {
        /// So many at the most.
        max: u16,
    },
}

impl Missed {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Missed::Skip => "skip",
            Missed::RunOnce => "run_once",
            Missed::CatchUp { .. } => "catch_up",
        }
    }

    /// The bound, as the database keeps it; `None` where there is none.
    pub(crate) fn max(self) -> Option<i16> {
        match self {
            Missed::Skip | Missed::RunOnce => None,
            Missed::CatchUp { max } => i16::try_from(max.clamp(1, CATCH_UP_MAX)).ok(),
        }
    }

    /// The CHECKs admit no other words.
    pub(crate) fn of(word: &str, max: Option<i16>) -> Missed {
        match word {
            "skip" => Missed::Skip,
            "catch_up" => Missed::CatchUp { max: max.unwrap_or(1).unsigned_abs() },
            _ => Missed::RunOnce,
        }
    }
}

/// What to do about a due tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Which tick to make now; `None`: those that were due are left out.
    pub(crate) run: Option<DateTime<Utc>>,
    /// Which one is next; `None`: it never fires again.
    pub(crate) next_at: Option<DateTime<Utc>>,
}

/// Decides. `due_at` is not after `now`.
pub(crate) fn plan(cron: &Cron, missed: Missed, due_at: DateTime<Utc>, now: DateTime<Utc>) -> Plan {
    match missed {
        Missed::RunOnce => Plan { run: Some(due_at), next_at: cron.next_after(now) },
        Missed::Skip => {
            let run = if now - due_at <= LATE_MAX {
                Some(due_at)
            } else {
                cron.next_after(now - LATE_MAX).filter(|tick| *tick <= now)
            };
            Plan { run, next_at: cron.next_after(now) }
        }
        Missed::CatchUp { max } => {
            let max = usize::from(max.clamp(1, CATCH_UP_MAX));
            // The due one is the first; are there `max` more?
            let run = if passed(cron, due_at, now, max) < max {
                due_at
            } else {
                newest(cron, due_at, now, max)
            };
            Plan { run: Some(run), next_at: cron.next_after(run) }
        }
    }
}

/// How many ticks lie after `at` and not after `now`; stops counting at `enough`.
fn passed(cron: &Cron, at: DateTime<Utc>, now: DateTime<Utc>, enough: usize) -> usize {
    std::iter::successors(cron.next_after(at), |tick| cron.next_after(*tick))
        .take_while(|tick| *tick <= now)
        .take(enough)
        .count()
}

/// The oldest of the newest `max` ticks up to `now`. Ticks fall on whole seconds, so between two neighbouring seconds their
/// number changes by one; a search by halves looks at 35 instants for a gap of a thousand years.
fn newest(cron: &Cron, due_at: DateTime<Utc>, now: DateTime<Utc>, max: usize) -> DateTime<Utc> {
    let (mut low, mut high) = (due_at.timestamp(), now.timestamp());
    let at = |seconds: i64| DateTime::from_timestamp(seconds, 0).unwrap_or(now);
    while high - low > 1 {
        let middle = low.midpoint(high);
        if passed(cron, at(middle), now, max + 1) > max {
            low = middle;
        } else {
            high = middle;
        }
    }
    cron.next_after(at(high)).filter(|tick| *tick <= now).unwrap_or(due_at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn cron(expression: &str) -> Cron {
        Cron::parse(expression, "UTC").unwrap()
    }

    const DUE: &str = "2026-03-01T10:00:00Z";

    #[test]
    fn a_tick_in_time_runs_whatever_the_policy() {
        let (due, now) = (utc(DUE), utc("2026-03-01T10:00:00.4Z"));
        for missed in [Missed::Skip, Missed::RunOnce, Missed::CatchUp { max: 1 }] {
            let plan = plan(&cron("0 * * * *"), missed, due, now);
            assert_eq!(plan.run, Some(due));
            assert_eq!(plan.next_at, Some(utc("2026-03-01T11:00:00Z")));
        }
    }

    #[test]
    fn of_many_missed_ticks_the_first_runs_once() {
        let now = utc("2026-03-02T10:30:00Z");
        let plan = plan(&cron("0 * * * *"), Missed::RunOnce, utc(DUE), now);
        assert_eq!(plan.run, Some(utc(DUE)));
        assert_eq!(plan.next_at, Some(utc("2026-03-02T11:00:00Z")));
    }

    #[test]
    fn a_skipped_tick_is_left_out_unless_it_is_only_late() {
        let hourly = cron("0 * * * *");
        let left = plan(&hourly, Missed::Skip, utc(DUE), utc("2026-03-01T12:30:00Z"));
        assert_eq!(left, Plan { run: None, next_at: Some(utc("2026-03-01T13:00:00Z")) });
        // The newest of several is only late.
        let late = plan(&hourly, Missed::Skip, utc(DUE), utc("2026-03-01T12:00:20Z"));
        assert_eq!(late.run, Some(utc("2026-03-01T12:00:00Z")));
    }

    #[test]
    fn catching_up_goes_tick_by_tick_and_leaves_out_the_oldest_beyond_its_bound() {
        let (hourly, now) = (cron("0 * * * *"), utc("2026-03-01T20:30:00Z"));
        let mut made = Vec::new();
        let mut next = utc(DUE);
        while next <= now {
            let plan = plan(&hourly, Missed::CatchUp { max: 3 }, next, now);
            made.extend(plan.run);
            next = plan.next_at.unwrap();
        }
        let hours = ["18", "19", "20"].map(|hour| utc(&format!("2026-03-01T{hour}:00:00Z")));
        assert_eq!(made, hours);
    }

    #[test]
    fn a_year_of_missed_seconds_is_planned_at_once() {
        let (every_second, now) = (cron("* * * * * *"), utc("2027-03-01T10:00:00Z"));
        let plan = plan(&every_second, Missed::CatchUp { max: 100 }, utc(DUE), now);
        assert_eq!(plan.run, Some(now - TimeDelta::seconds(99)));
    }

    #[test]
    fn policies_survive_the_database() {
        for missed in [Missed::Skip, Missed::RunOnce, Missed::CatchUp { max: 7 }] {
            assert_eq!(Missed::of(missed.as_str(), missed.max()), missed);
        }
    }

    proptest! {
        #[test]
        fn a_plan_runs_no_future_tick_and_the_next_one_is_later(
            gap in 0_i64..200_000, max in 1_u16..20, policy in 0..3_u8,
            expression in prop::sample::select(vec!["* * * * *", "*/7 3 * * *", "15 30 2 * * *", "0 0 1 * *"]),
        ) {
            let cron = cron(expression);
            let due = cron.next_after(utc(DUE)).unwrap();
            let now = due + TimeDelta::seconds(gap);
            let missed = match policy { 0 => Missed::Skip, 1 => Missed::RunOnce, _ => Missed::CatchUp { max } };
            let plan = plan(&cron, missed, due, now);
            prop_assert!(plan.run.is_none_or(|run| run >= due && run <= now));
            prop_assert!(plan.next_at.unwrap() > plan.run.unwrap_or(due));
            if let Missed::CatchUp { max } = missed {
                prop_assert!(passed(&cron, plan.run.unwrap(), now, 1000) < usize::from(max));
            } else {
                prop_assert!(plan.next_at.unwrap() > now);
            }
        }
    }
}
