//! What became of the ticks of the last day. A tick's identity is the unique key of its job, so the keys of all that were due
//! say which of them were made, and the jobs how they ended; there is no need of a history of its own.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::{ScheduleView, tick_key};
use crate::{Connection, cron::Cron, engine::Engine, error::Error, store};

/// Ticks counted of one schedule: one a minute for a day, and the one at its end.
const TICKS_MAX: usize = 24 * 60 + 1;

/// Ticks counted in one look, of all schedules: a quarter of a second, when none of it is in memory.
const LOOKED_MAX: usize = 20_000;

/// How far back is counted. A schedule with more ticks than [`TICKS_MAX`] in one of these has the next.
const WINDOWS: [TimeDelta; 3] = [TimeDelta::hours(24), TimeDelta::hours(1), TimeDelta::minutes(1)];

/// What became of the ticks of a schedule since an instant. Jobs that an operator has started by hand are no ticks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TickCount {
    /// Ticks due after this instant: 24 hours ago, less for a schedule that ticks more often than every minute.
    pub since: DateTime<Utc>,
    /// Those that have their job.
    pub made: u32,
    /// Of these, jobs that succeeded.
    pub succeeded: u32,
    /// Jobs that failed.
    pub failed: u32,
    /// Jobs that were cancelled.
    pub cancelled: u32,
    /// Jobs that have not ended.
    pub unfinished: u32,
}

impl Engine {
    /// What became of the last day's ticks, by schedule: one statement, bounded. A schedule whose expression this version
    /// cannot read is left out. Ticks of other times that it had before an operator changed it are not counted.
    pub async fn ticks_of_day(
        &self,
        schedules: &[ScheduleView],
        now: DateTime<Utc>,
    ) -> Result<BTreeMap<String, TickCount>, Error> {
        let each_max = (LOOKED_MAX / schedules.len().max(1)).clamp(60, TICKS_MAX);
        let mut counts = Vec::new();
        let (mut places, mut keys) = (Vec::new(), Vec::new());
        for (schedule, place) in schedules.iter().zip(0_i32..) {
            let Ok(cron) = Cron::parse(&schedule.cron, &schedule.timezone) else { continue };
            let (since, ticks) = ticks(&cron, now, each_max);
            counts.push((place, &schedule.name, TickCount::since(since)));
            places.extend(ticks.iter().map(|_| place));
            keys.extend(ticks.iter().map(|tick| tick_key(&schedule.name, *tick).key));
        }
        let look =
            async |conn: &mut Connection| store::schedules::ticks_count(conn, &places, &keys).await;
        for row in self.read(look).await? {
            let of_it = counts.iter_mut().find(|(place, ..)| *place == row.place);
            let Some((.., count)) = of_it else { continue };
            let number = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
            count.made = number(row.made);
            count.succeeded = number(row.succeeded);
            count.failed = number(row.failed);
            count.cancelled = number(row.cancelled);
            count.unfinished = number(row.made - row.succeeded - row.failed - row.cancelled);
        }
        Ok(counts.into_iter().map(|(_, name, count)| (name.clone(), count)).collect())
    }
}

impl TickCount {
    const fn since(since: DateTime<Utc>) -> TickCount {
        TickCount { since, made: 0, succeeded: 0, failed: 0, cancelled: 0, unfinished: 0 }
    }
}

/// The ticks in the longest window in which there are no more than `max`, and where it begins. In the shortest, the first.
fn ticks(cron: &Cron, now: DateTime<Utc>, max: usize) -> (DateTime<Utc>, Vec<DateTime<Utc>>) {
    let of = |window: TimeDelta, max: usize| -> Vec<_> {
        std::iter::successors(cron.next_after(now - window), |tick| cron.next_after(*tick))
            .take_while(|tick| *tick <= now)
            .take(max)
            .collect()
    };
    for window in WINDOWS {
        let ticks = of(window, max + 1);
        if ticks.len() <= max {
            return (now - window, ticks);
        }
    }
    let shortest = WINDOWS[WINDOWS.len() - 1];
    (now - shortest, of(shortest, max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(cron: &str, max: usize) -> (TimeDelta, usize) {
        let now: DateTime<Utc> = "2026-03-01T10:00:00.5Z".parse().unwrap();
        let (since, ticks) = ticks(&Cron::parse(cron, "UTC").unwrap(), now, max);
        assert!(ticks.iter().all(|tick| *tick > since && *tick <= now));
        (now - since, ticks.len())
    }

    #[test]
    fn a_day_is_counted_unless_there_is_too_much_of_it() {
        assert_eq!(counted("0 * * * *", TICKS_MAX), (TimeDelta::hours(24), 24));
        assert_eq!(counted("* * * * *", TICKS_MAX), (TimeDelta::hours(24), 1440));
        assert_eq!(counted("* * * * * *", TICKS_MAX), (TimeDelta::minutes(1), 60));
        assert_eq!(counted("*/10 * * * * *", TICKS_MAX), (TimeDelta::hours(1), 360));
        assert_eq!(counted("* * * * *", 60), (TimeDelta::hours(1), 60));
        assert_eq!(counted("0 9 1 1 *", TICKS_MAX), (TimeDelta::hours(24), 0));
    }
}
