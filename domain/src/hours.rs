//! When somebody is there, by the clock on the tenant's wall. Pure.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Datelike, Timelike, Utc};

use crate::quiet::Zone;

/// Minutes of a day.
const DAY_MIN: u16 = 24 * 60;

/// Spans of one day: mornings, afternoons, and one to spare.
pub const SPANS_MAX: usize = 4;

/// A part of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    from_min: u16,
    until_min: u16,
}

/// Not a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be two times such as 08:00-12:30, the second one later; 24:00 is the end of a day")]
pub struct NotASpan;

impl Span {
    /// From a minute after midnight until another, which is the first that does not count.
    pub fn new(from_min: u16, until_min: u16) -> Result<Span, NotASpan> {
        let fits = from_min < until_min && until_min <= DAY_MIN;
        if fits { Ok(Span { from_min, until_min }) } else { Err(NotASpan) }
    }

    /// Its first minute.
    pub fn from_min(self) -> u16 {
        self.from_min
    }

    /// The first minute after it.
    pub fn until_min(self) -> u16 {
        self.until_min
    }
}

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Span, NotASpan> {
        let minute = |time: &str| {
            let (hours, minutes) = time.split_once(':')?;
            let is_short = hours.len() == 2 && minutes.len() == 2;
            let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
            (is_short && minutes < 60).then_some(hours * 60 + minutes)
        };
        let (from, until) = text.split_once('-').ok_or(NotASpan)?;
        let (from, until) = minute(from).zip(minute(until)).ok_or(NotASpan)?;
        Span::new(from, until)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, until) = (self.from_min, self.until_min);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
    }
}

/// A week, Monday first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hours([Vec<Span>; 7]);

/// Spans of a day that cannot stand side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHours {
    /// Two of a day overlap.
    #[error("the times of a day must not overlap")]
    Overlap,
    /// There are more than [`SPANS_MAX`].
    #[error("a day has at most four times")]
    TooMany,
}

impl Hours {
    /// The days' spans, in any order.
    pub fn new(mut days: [Vec<Span>; 7]) -> Result<Hours, BadHours> {
        for day in &mut days {
            day.sort_unstable();
            if day.len() > SPANS_MAX {
                return Err(BadHours::TooMany);
            }
            let overlaps = |pair: &[Span]| matches!(pair, [a, b] if b.from_min < a.until_min);
            if day.windows(2).any(overlaps) {
                return Err(BadHours::Overlap);
            }
        }
        Ok(Hours(days))
    }

    /// Monday first.
    pub fn days(&self) -> &[Vec<Span>; 7] {
        &self.0
    }

    /// Whether nothing is said: then it is always open.
    pub fn is_unsaid(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }

    /// Whether somebody is there now.
    pub fn are_open(&self, zone: Zone, now: DateTime<Utc>) -> bool {
        if self.is_unsaid() {
            return true;
        }
        let local = zone.local(now);
        let day = usize::try_from(local.weekday().num_days_from_monday()).unwrap_or(0);
        let minute = u16::try_from(local.hour() * 60 + local.minute()).unwrap_or(0);
        let spans = self.0.get(day).map_or(&[][..], Vec::as_slice);
        spans.iter().any(|span| (span.from_min..span.until_min).contains(&minute))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(text: &str) -> Span {
        text.parse().unwrap()
    }

    /// Monday to Friday with a break at noon, Saturday in the morning.
    fn a_shop() -> Hours {
        let weekday = || vec![span("13:00-17:00"), span("08:00-12:00")];
        Hours::new([
            weekday(),
            weekday(),
            weekday(),
            weekday(),
            weekday(),
            vec![span("09:00-12:00")],
            vec![],
        ])
        .unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_shop_is_open_by_its_own_clock() {
        let open = |now: &str| a_shop().are_open(Zone::VIENNA, at(now));
        // 2026-11-23 is a Monday; Vienna is an hour ahead of UTC.
        assert!(open("2026-11-23T07:00:00Z") && open("2026-11-23T10:59:59Z"));
        assert!(!open("2026-11-23T11:00:00Z"), "noon");
        assert!(open("2026-11-23T12:00:00Z") && !open("2026-11-23T16:00:00Z"));
        assert!(open("2026-11-28T08:30:00Z") && !open("2026-11-28T12:30:00Z"), "Saturday");
        assert!(!open("2026-11-29T09:00:00Z"), "Sunday");
        let new_york = "America/New_York".parse().unwrap();
        assert!(!a_shop().are_open(new_york, at("2026-11-23T10:59:59Z")));
        // In summer Vienna is two hours ahead.
        assert!(open("2026-07-20T06:00:00Z") && !open("2026-07-20T05:59:00Z"));
    }

    #[test]
    fn who_says_nothing_is_always_open() {
        assert!(Hours::default().are_open(Zone::VIENNA, at("2026-11-29T03:00:00Z")));
    }

    #[test]
    fn spans_are_read_and_written_alike() {
        for text in ["00:00-24:00", "08:00-12:30", "23:59-24:00"] {
            assert_eq!(span(text).to_string(), text);
        }
        for text in [
            "",
            "8-12",
            "12:00-08:00",
            "08:00-08:00",
            "08:00-24:01",
            "08:60-09:00",
            "-",
            "25:00-26:00",
        ] {
            assert_eq!(text.parse::<Span>(), Err(NotASpan), "{text}");
        }
    }

    #[test]
    fn a_day_s_spans_stand_side_by_side() {
        let day = |spans: &[&str]| {
            let mut days = <[Vec<Span>; 7]>::default();
            days[2] = spans.iter().map(|text| span(text)).collect();
            Hours::new(days)
        };
        assert_eq!(day(&["08:00-12:00", "11:59-13:00"]), Err(BadHours::Overlap));
        assert!(day(&["12:00-13:00", "08:00-12:00"]).is_ok());
        let five = ["00:00-01:00", "02:00-03:00", "04:00-05:00", "06:00-07:00", "08:00-09:00"];
        assert_eq!(day(&five), Err(BadHours::TooMany));
    }

    proptest! {
        #[test]
        fn open_all_day_every_day_is_open(secs in 0_i64..(3 * 365 * 86_400)) {
            let all = Hours::new(std::array::from_fn(|_| vec![span("00:00-24:00")])).unwrap();
            let now = at("2026-01-01T00:00:00Z") + chrono::TimeDelta::seconds(secs);
            prop_assert!(all.are_open(Zone::VIENNA, now));
        }
    }
}
