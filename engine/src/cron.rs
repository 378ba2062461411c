//! When a schedule fires: Unix cron in a time zone. Pure; the caller says what time it is.
//!
//! Five fields (minute, hour, day of month, month, day of week) or six, with seconds first. As in Unix, Sunday is 0 or 7, and
//! where both day fields are restricted (do not begin with `*` or `?`), a day that fits either of them fits.
//!
//! **When clocks change** (the schedule's local time decides):
//! - A tick in the skipped hour fires at the first instant after the gap. Several such ticks become one.
//! - A tick in the repeated hour fires once, the first time that the clock shows it. A schedule that fires every few minutes
//!   is therefore silent while the hour repeats; one that must not be belongs in UTC.
//!
//! The `cron` crate only searches, on local times without an offset. Left to itself with a zone it drops ticks in the gap
//! and fires twice in the repeated hour (a test here watches that), rejects five fields and counts Sunday as 1.

mod field;

use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use cron::Schedule;
use thiserror::Error;

pub use self::field::FieldFault;
use self::field::{DAY_OF_MONTH, DAY_OF_WEEK, HOUR, MINUTE, MONTH, SECOND};

/// Every list that a person would write fits; a field of all its numbers has 167 characters.
const EXPRESSION_BYTES_MAX: usize = 200;

/// The longest name of a zone has 32 characters.
const ZONE_BYTES_MAX: usize = 64;

/// How many next times one asks for at the most: they are for looking at.
const NEXT_MAX: usize = 100;

/// The years that the `cron` crate knows.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=2100;

/// Longer than any clock change: Samoa left out all of 30 December 2011.
const CHANGE_SECONDS_MAX: i64 = 26 * 3600;

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CronError {
    /// Longer than any sensible expression.
    #[error("the cron expression has {bytes} bytes where {max} are allowed")]
    TooLong {
        /// How many there are.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Neither five fields nor six.
    #[error("a cron expression has five fields, or six with seconds first; this one has {found}")]
    Fields {
        /// How many there are.
        found: usize,
    },
    /// A field is wrong.
    #[error("{field}: {part:?} {fault}")]
    Field {
        /// Which one.
        field: &'static str,
        /// The part of its list that is wrong.
        part: String,
        /// What is wrong with it.
        fault: FieldFault,
    },
    /// No zone of the IANA time zone database.
    #[error("{name:?} is no time zone; try one like \"Europe/Vienna\" or \"UTC\"")]
    Zone {
        /// What was given, cut.
        name: String,
    },
    /// Right in form, but the day does not come (30 February), or not within five years.
    #[error("this schedule does not fire within five years")]
    NeverFires,
}

/// A parsed expression and its time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    expression: String,
    zone: Tz,
    /// Two where a day may fit either day field: one for each.
    schedules: Vec<Schedule>,
}

impl Cron {
    /// Reads an expression and the name of a zone. The work is bounded whatever the text.
    pub fn parse(expression: &str, zone: &str) -> Result<Cron, CronError> {
        let bytes = expression.len();
        if bytes > EXPRESSION_BYTES_MAX {
            return Err(CronError::TooLong { bytes, max: EXPRESSION_BYTES_MAX });
        }
        let cron = Cron {
            expression: expression.split_whitespace().collect::<Vec<_>>().join(" "),
            zone: parse_zone(zone)?,
            schedules: parse_fields(expression)?,
        };
        if cron.fires_within_five_years() { Ok(cron) } else { Err(CronError::NeverFires) }
    }

    /// The expression, with single spaces.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// The zone's name.
    pub fn zone(&self) -> &'static str {
        self.zone.name()
    }

    /// The first tick after `at`, never `at` itself; `None` only near the end of the year 2100.
    pub fn next_after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if at.year() > *YEARS.end() {
            return None;
        }
        let at = at.max(DateTime::UNIX_EPOCH);
        let mut local = at.with_timezone(&self.zone).naive_local();
        // Twice: if the hour is being repeated, its ticks have fired, and the search goes on behind it.
        for _ in 0..2 {
            local = self.next_local(local)?;
            let tick = self.instant(local);
            if tick.is_some_and(|tick| tick > at) {
                return tick;
            }
            let repeated = |local| self.zone.from_local_datetime(&local).single().is_none();
            local = end_of(local, repeated) - TimeDelta::seconds(1);
        }
        None
    }

    /// The first `n` ticks after `at`; 100 at the most.
    pub fn next_n(&self, at: DateTime<Utc>, n: usize) -> Vec<DateTime<Utc>> {
        std::iter::successors(self.next_after(at), |tick| self.next_after(*tick))
            .take(n.min(NEXT_MAX))
            .collect()
    }

    /// The next local time that fits, as if clocks never changed.
    fn next_local(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        let after = after.and_utc();
        let next = self.schedules.iter().filter_map(|schedule| schedule.after(&after).next()).min();
        next.map(|next| next.naive_utc())
    }

    /// When the clock first shows this time, or would have shown it.
    fn instant(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let skipped = |local| self.zone.from_local_datetime(&local).earliest().is_none();
        let local = if skipped(local) { end_of(local, skipped) } else { local };
        Some(self.zone.from_local_datetime(&local).earliest()?.to_utc())
    }

    /// Counted from a fixed day, so that what was accepted once stays so. 29 February 2028 is within.
    fn fires_within_five_years(&self) -> bool {
        let from = Utc.with_ymd_and_hms(2024, 3, 1, 0, 0, 0).single();
        let next = from.and_then(|from| self.next_after(from));
        next.is_some_and(|next| next.year() < 2029)
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.expression, self.zone())
    }
}

/// The first second at or after `local` of which `inside` is not true, if that is within the longest clock change.
fn end_of(local: NaiveDateTime, inside: impl Fn(NaiveDateTime) -> bool) -> NaiveDateTime {
    let (mut low, mut high) = (0, CHANGE_SECONDS_MAX);
    while low < high {
        let middle = low.midpoint(high);
        if inside(local + TimeDelta::seconds(middle)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    local + TimeDelta::seconds(low)
}

fn parse_zone(name: &str) -> Result<Tz, CronError> {
    let zone = (name.len() <= ZONE_BYTES_MAX).then(|| Tz::from_str(name).ok()).flatten();
    zone.ok_or_else(|| CronError::Zone { name: name.chars().take(ZONE_BYTES_MAX).collect() })
}

fn parse_fields(expression: &str) -> Result<Vec<Schedule>, CronError> {
    let texts: Vec<_> = expression.split_whitespace().collect();
    let (second, [minute, hour, day, month, weekday]) = match *texts.as_slice() {
        [minute, hour, day, month, weekday] => ("0", [minute, hour, day, month, weekday]),
        [second, minute, hour, day, month, weekday] => {
            (second, [minute, hour, day, month, weekday])
        }
        _ => return Err(CronError::Fields { found: texts.len() }),
    };
    let (second, minute) = (SECOND.parse(second)?.text, MINUTE.parse(minute)?.text);
    let (hour, month) = (HOUR.parse(hour)?.text, MONTH.parse(month)?.text);
    let (day, weekday) = (DAY_OF_MONTH.parse(day)?, DAY_OF_WEEK.parse(weekday)?);
    let schedule = |day: &str, weekday: &str| {
        let plain = format!("{second} {minute} {hour} {day} {month} {weekday}");
        Schedule::from_str(&plain).expect("the cron crate reads plain lists")
    };
    Ok(if day.is_restricted && weekday.is_restricted {
        vec![schedule(&day.text, "*"), schedule("*", &weekday.text)]
    } else {
        vec![schedule(&day.text, &weekday.text)]
    })
}

#[cfg(test)]
mod tests;
