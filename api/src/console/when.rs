//! Times and lengths of time, for people.

use std::fmt;

use askama::filters::HtmlSafe;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// An instant: how long ago or in how long, with the instant itself for whoever points at it.
#[derive(Debug, Clone)]
pub(super) struct When {
    at: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl When {
    pub(super) fn new(at: DateTime<Utc>, now: DateTime<Utc>) -> When {
        When { at, now }
    }
}

/// It writes its own tags, and nothing else than digits and words of ours.
impl HtmlSafe for When {}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let iso = self.at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let apart = length(self.now - self.at);
        let words = if self.at > self.now { format!("in {apart}") } else { format!("{apart} ago") };
        let full = self.at.format("%Y-%m-%d %H:%M:%S UTC");
        write!(f, r#"<time datetime="{iso}" title="{full}">{words}</time>"#)
    }
}

/// A length of time in its two largest units, without a sign.
pub(super) fn length(time: TimeDelta) -> String {
    let ms = time.num_milliseconds().unsigned_abs();
    let secs = ms / 1000;
    let (mins, hours, days) = (secs / 60, secs / 3600, secs / 86_400);
    match secs {
        0 => format!("{ms} ms"),
        1..10 => format!("{secs}.{} s", ms % 1000 / 100),
        10..60 => format!("{secs} s"),
        60..3600 => format!("{mins} min {} s", secs % 60),
        3600..86_400 => format!("{hours} h {} min", mins % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// The same of milliseconds.
pub(super) fn length_ms(ms: u64) -> String {
    length(TimeDelta::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_their_two_largest_units() {
        for (ms, words) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_250, "1.2 s"),
            (59_999, "59 s"),
            (61_000, "1 min 1 s"),
            (3_660_000, "1 h 1 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(length_ms(ms), words);
        }
        assert_eq!(length(TimeDelta::seconds(-61)), "1 min 1 s");
    }

    #[test]
    fn an_instant_says_how_far_it_is() {
        let at = DateTime::UNIX_EPOCH;
        let later = at + TimeDelta::seconds(61);
        let said = When::new(at, later).to_string();
        assert!(said.contains(">1 min 1 s ago<") && said.contains("1970-01-01 00:00:00 UTC"));
        assert!(When::new(later, at).to_string().contains(">in 1 min 1 s<"));
    }
}
