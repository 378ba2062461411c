//! Which jobs: the filter of a list, and of an operation on many.

use std::time::Duration;

use chrono::{DateTime, Utc};
use engine::{JobFilter, State as JobState};
use uuid::Uuid;

use super::enqueue::instant;
use crate::{json::Fields, problem::Problem, state::ApiState};

/// Longer than any name that the engine knows.
const NAME_CHARS_MAX: usize = 200;

/// As `trunkline.error_pattern` cuts them.
const PATTERN_CHARS_MAX: usize = 160;

/// A filter, as it was asked for.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) filter: JobFilter,
    pub(super) since: Option<When>,
    pub(super) until: Option<When>,
}

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    At(DateTime<Utc>),
    Ago(Duration),
}

impl Wanted {
    /// With what was said of times read by the database's clock.
    pub(super) async fn filter(self, state: &ApiState) -> Result<JobFilter, Problem> {
        let Wanted { since, until, .. } = &self;
        let is_relative = |when: &Option<When>| matches!(when, Some(When::Ago(_)));
        let now = if is_relative(since) || is_relative(until) {
            state.engine().now().await?
        } else {
            DateTime::UNIX_EPOCH
        };
        Ok(self.filter_at(now))
    }

    /// The same, where the time is known.
    pub(super) fn filter_at(self, now: DateTime<Utc>) -> JobFilter {
        let Wanted { filter, since, until } = self;
        let at = |when| match when {
            When::At(instant) => instant,
            When::Ago(time) => now - time,
        };
        JobFilter { since: since.map(at), until: until.map(at), ..filter }
    }
}

/// Reads `kind`, `queue`, `state`, `tenant`, `error`, `since` and `until`.
pub(super) fn read(fields: &mut Fields) -> Wanted {
    let filter = JobFilter {
        kind: fields.optional("kind", name),
        queue: fields.optional("queue", name),
        state: fields.optional("state", |word| word.parse::<JobState>().map_err(|_| states())),
        tenant: fields
            .optional("tenant", |text| Uuid::try_parse(text).map_err(|_| "must be a UUID")),
        error: fields.optional("error", pattern),
        since: None,
        until: None,
        older_than: None,
    };
    if filter.error.is_some() && filter.state != Some(JobState::Failed) {
        fields.wrong("error", "is only for the state failed");
    }
    let (since, until) = (fields.optional("since", when), fields.optional("until", when));
    Wanted { filter, since, until }
}

/// A kind or a queue. Both may have been of another version, so what is not known here is looked for, too.
fn name(text: &str) -> Result<String, String> {
    match text.chars().count() {
        1..=NAME_CHARS_MAX => Ok(text.to_owned()),
        _ => Err(format!("must have 1 to {NAME_CHARS_MAX} characters")),
    }
}

/// What an error says but for what differs each time, as the groups of dead letters show it.
fn pattern(text: &str) -> Result<String, String> {
    match text.chars().count() {
        1..=PATTERN_CHARS_MAX => Ok(text.to_owned()),
        _ => Err(format!("must have 1 to {PATTERN_CHARS_MAX} characters")),
    }
}

fn states() -> String {
    let words: Vec<_> = JobState::ALL.iter().map(|state| state.as_str()).collect();
    format!("must be one of {}", words.join(", "))
}

/// An instant, or so long ago: `90s`, `15m`, `24h`, `7d`.
fn when(text: &str) -> Result<When, &'static str> {
    let wrong =
        "must be an instant such as 2026-01-31T09:00:00Z, or a time ago such as 15m, 24h or 7d";
    let unit = match text.bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3600,
        Some(b'd') => 24 * 3600,
        _ => return instant(text).map(When::At).map_err(|_| wrong),
    };
    // A hundred years: no database of ours is older, and no arithmetic overflows.
    let number = text[..text.len() - 1].parse::<u32>().ok().filter(|n| *n <= 3_153_600_000 / unit);
    number.map(|n| When::Ago(Duration::from_secs(u64::from(n * unit)))).ok_or(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_an_instant_or_so_long_ago() {
        assert_eq!(when("1970-01-01T00:00:00Z"), Ok(When::At(DateTime::UNIX_EPOCH)));
        assert_eq!(when("7d"), Ok(When::Ago(Duration::from_hours(7 * 24))));
        for bad in ["", "h", "-1h", "1.5h", "1w", "99999d", "1 h", "ü", "3153600001s"] {
            assert!(when(bad).is_err(), "{bad}");
        }
    }
}
