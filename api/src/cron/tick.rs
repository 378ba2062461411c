//! Which instant a tick is. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use engine::cron::Cron;

/// How far back a tick is looked for, nearest first, so that a schedule of every minute is not walked through for a year.
const BACK: [TimeDelta; 4] =
    [TimeDelta::minutes(1), TimeDelta::hours(1), TimeDelta::days(1), TimeDelta::days(400)];

/// The beginning of the minute.
pub(super) fn minute_of(now: DateTime<Utc>) -> DateTime<Utc> {
    let over = now.timestamp().rem_euclid(60);
    DateTime::from_timestamp(now.timestamp() - over, 0).unwrap_or(now)
}

/// The latest tick that is not after now. None: it has none in a year, or cannot be read.
pub(super) fn latest(cron: &str, timezone: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let cron = Cron::parse(cron, timezone).ok()?;
    for back in BACK {
        let mut found = None;
        let mut at = now - back;
        while let Some(next) = cron.next_after(at).filter(|next| *next <= now) {
            found = Some(next);
            at = next;
        }
        if found.is_some() {
            return found;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_latest_tick_is_the_last_one_that_is_not_in_the_future() {
        let now = at("2026-11-21T09:30:15Z");
        let latest = |cron| latest(cron, "UTC", now);
        assert_eq!(latest("* * * * *"), Some(at("2026-11-21T09:30:00Z")));
        assert_eq!(latest("30 9 * * *"), Some(at("2026-11-21T09:30:00Z")));
        assert_eq!(latest("31 9 * * *"), Some(at("2026-11-20T09:31:00Z")));
        assert_eq!(latest("0 0 1 1 *"), Some(at("2026-01-01T00:00:00Z")));
        assert_eq!(latest("no cron"), None);
    }

    #[test]
    fn a_minute_begins_with_its_first_second() {
        assert_eq!(minute_of(at("2026-11-21T09:30:59.9Z")), at("2026-11-21T09:30:00Z"));
        assert_eq!(minute_of(at("2026-11-21T09:30:00Z")), at("2026-11-21T09:30:00Z"));
    }
}
