//! Hours in which nobody is to be written to unasked, by the clock on the tenant's wall. Pure.

use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// Minutes of a day.
const DAY_MIN: u16 = 24 * 60;

/// A time zone's name that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no time zone, such as Europe/Vienna")]
pub struct NoSuchZone;

/// A time zone by its name in the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl FromStr for Zone {
    type Err = NoSuchZone;

    fn from_str(name: &str) -> Result<Self, NoSuchZone> {
        name.parse().map(Zone).map_err(|_| NoSuchZone)
    }
}

impl Zone {
    /// Where our first customers are.
    pub const VIENNA: Zone = Zone(Tz::Europe__Vienna);

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What the clock on the wall there shows.
    pub(crate) fn local(self, now: DateTime<Utc>) -> NaiveDateTime {
        now.with_timezone(&self.0).naive_local()
    }

    /// The first day of the month in which it is `now` there.
    pub fn month(self, now: DateTime<Utc>) -> chrono::NaiveDate {
        use chrono::Datelike;
        let today = now.with_timezone(&self.0).date_naive();
        today.with_day(1).unwrap_or(today)
    }
}

/// From when until when, in minutes after midnight. The end may be on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from_min: u16,
    until_min: u16,
}

impl QuietHours {
    /// `None`: an end is no minute of a day, or both are the same.
    pub fn new(from_min: u16, until_min: u16) -> Option<Self> {
        let fits = from_min < DAY_MIN && until_min < DAY_MIN && from_min != until_min;
        fits.then_some(Self { from_min, until_min })
    }

    /// When they begin, in minutes after midnight.
    pub fn from_min(self) -> u16 {
        self.from_min
    }

    /// When they end, in minutes after midnight.
    pub fn until_min(self) -> u16 {
        self.until_min
    }

    /// When they are over, if it is quiet now. Where clocks are put forward over the end, that is the first moment after the
    /// gap; where they are put back, the later of the two.
    pub fn over_at(self, zone: Zone, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = now.with_timezone(&zone.0).naive_local();
        let minute = minute_of(local.time());
        let over_midnight = self.from_min > self.until_min;
        let (is_quiet, ends_tomorrow) = if over_midnight {
            (minute >= self.from_min || minute < self.until_min, minute >= self.from_min)
        } else {
            (minute >= self.from_min && minute < self.until_min, false)
        };
        if !is_quiet {
            return None;
        }
        let day = if ends_tomorrow { local.date() + Days::new(1) } else { local.date() };
        let end = instant(zone.0, day.and_time(time_of(self.until_min)));
        // Of an hour that comes twice, the end may lie in the first while we are in the second.
        Some(if end > now { end } else { now + TimeDelta::minutes(1) })
    }
}

fn minute_of(time: NaiveTime) -> u16 {
    use chrono::Timelike;
    u16::try_from(time.hour() * 60 + time.minute()).unwrap_or(0)
}

fn time_of(minute: u16) -> NaiveTime {
    NaiveTime::from_hms_opt(u32::from(minute / 60), u32::from(minute % 60), 0).unwrap_or_default()
}

fn instant(zone: Tz, mut local: NaiveDateTime) -> DateTime<Utc> {
    // No gap that politicians have made is longer than a day.
    for _ in 0..DAY_MIN {
        if let Some(found) = zone.from_local_datetime(&local).latest() {
            return found.to_utc();
        }
        local += TimeDelta::minutes(1);
    }
    local.and_utc()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn night() -> QuietHours {
        QuietHours::new(21 * 60, 8 * 60).unwrap()
    }

    #[test]
    fn a_night_ends_in_the_morning_of_the_tenants_zone() {
        let over = |now: &str| night().over_at(Zone::VIENNA, at(now));
        assert_eq!(over("2026-11-21T19:59:00Z"), None, "20:59 in Vienna");
        assert_eq!(over("2026-11-21T20:00:00Z"), Some(at("2026-11-22T07:00:00Z")));
        assert_eq!(over("2026-11-22T02:00:00Z"), Some(at("2026-11-22T07:00:00Z")));
        assert_eq!(over("2026-11-22T07:00:00Z"), None);
        let noon = QuietHours::new(12 * 60, 13 * 60 + 30).unwrap();
        assert_eq!(
            noon.over_at(Zone::VIENNA, at("2026-11-21T11:10:00Z")),
            Some(at("2026-11-21T12:30:00Z"))
        );
    }

    #[test]
    fn an_end_that_the_clocks_jump_over_is_the_first_moment_after() {
        // 2026-03-29 in Vienna: 02:00 becomes 03:00.
        let quiet = QuietHours::new(60, 150).unwrap();
        let over = quiet.over_at(Zone::VIENNA, at("2026-03-29T00:30:00Z"));
        assert_eq!(over, Some(at("2026-03-29T01:00:00Z")));
    }

    #[test]
    fn no_hours_and_no_zone_are_refused() {
        assert_eq!(QuietHours::new(60, 60), None);
        assert_eq!(QuietHours::new(0, 1440), None);
        assert_eq!("Europe/Atlantis".parse::<Zone>(), Err(NoSuchZone));
        assert_eq!("Europe/Vienna".parse::<Zone>().unwrap().name(), "Europe/Vienna");
    }

    #[test]
    fn a_month_begins_by_the_clock_on_the_tenants_wall() {
        let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
        assert_eq!(Zone::VIENNA.month(at("2026-10-31T23:30:00Z")), day("2026-11-01"));
        assert_eq!(Zone::VIENNA.month(at("2026-10-31T22:30:00Z")), day("2026-10-01"));
    }

    proptest! {
        #[test]
        fn the_end_is_ahead_within_a_day_and_not_quiet(
            from in 0_u16..1440, until in 0_u16..1440, secs in 0_i64..(3 * 365 * 86_400),
            zone in prop::sample::select(vec!["Europe/Vienna", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
        ) {
            prop_assume!(from != until);
            let quiet = QuietHours::new(from, until).unwrap();
            let (zone, now) = (zone.parse().unwrap(), at("2026-01-01T00:00:00Z") + TimeDelta::seconds(secs));
            if let Some(over) = quiet.over_at(zone, now) {
                prop_assert!(over > now && over <= now + TimeDelta::hours(26));
            }
        }
    }
}
