//! What is said of any new key, an operator's or a tenant's: its name, how often it asks, how long it is good, and how long the
//! one before it works yet.

use std::time::Duration;

use crate::json::Fields;

/// A name is for the record.
const NAME_CHARS_MAX: usize = 60;

/// Ten years; a key that is to last longer has no end.
const DAYS_MAX: u64 = 3650;

/// Where nobody says otherwise: ten a second.
pub(crate) const PER_MINUTE: u32 = 600;

/// A hundred a second: more is no operator and no script of one, and of a tenant somebody should have been asked.
const PER_MINUTE_MAX: u32 = 6000;

const DAY: Duration = Duration::from_hours(24);

/// How long the old key works beside the one that takes its place, where nobody says otherwise: a day, to bring the new one
/// to everybody.
pub(crate) const GRACE: Duration = DAY;

/// Thirty days; who needs longer makes another key.
const GRACE_SECS_MAX: u64 = 30 * 24 * 3600;

/// What is asked of a new key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Whose, or what for.
    pub(crate) name: String,
    /// How often in a minute.
    pub(crate) per_minute: u32,
    /// How long it is good; `None`: until it is revoked.
    pub(crate) lasts: Option<Duration>,
}

/// How the members are called, and what may stand there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words {
    /// After how many days it ends.
    pub(crate) days: &'static str,
    /// How often it asks in a minute.
    pub(crate) per_minute: &'static str,
    /// And at most.
    pub(crate) per_minute_max: u32,
}

impl Words {
    /// In operators' orders.
    pub(crate) const ORDER: Words =
        Words { days: "expires_in_days", per_minute: "per_minute", per_minute_max: PER_MINUTE_MAX };
}

impl Terms {
    pub(crate) fn read(fields: &mut Fields, words: Words) -> Option<Terms> {
        let name = fields.required("name", name);
        let days = fields.whole(words.days, 1..=DAYS_MAX);
        let per_minute = fields.whole(words.per_minute, 1..=words.per_minute_max.into());
        let per_minute = per_minute.and_then(|it| u32::try_from(it).ok()).unwrap_or(PER_MINUTE);
        let lasts = days.map(|days| Duration::from_secs(days * DAY.as_secs()));
        Some(Terms { name: name?, per_minute, lasts })
    }

    /// For the record.
    pub(crate) fn days(&self) -> Option<u64> {
        self.lasts.map(|lasts| lasts.as_secs() / DAY.as_secs())
    }
}

/// How long the old key works yet, where it is said. None at all: from the commit on it is over.
pub(crate) fn grace(fields: &mut Fields) -> Option<Duration> {
    fields.whole("grace_secs", 0..=GRACE_SECS_MAX).map(Duration::from_secs)
}

fn name(name: &str) -> Result<String, String> {
    let fits = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    let is_plain = name.chars().all(|c| c.is_alphanumeric() || " -_.@".contains(c));
    if fits && is_plain && name.trim() == name {
        return Ok(name.to_owned());
    }
    Err(format!("must be a name of 1 to {NAME_CHARS_MAX} letters, digits, blanks or -_.@"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Terms> {
        let mut fields = Fields::of_test(text);
        let terms = Terms::read(&mut fields, Words::ORDER);
        fields.refuse_others();
        fields.finish(terms).ok()
    }

    #[test]
    fn a_key_has_a_name_and_perhaps_an_end_and_a_limit() {
        let terms = read(r#"{"name":"Zoë B.","expires_in_days":2,"per_minute":6}"#).unwrap();
        assert_eq!((&*terms.name, terms.per_minute, terms.days()), ("Zoë B.", 6, Some(2)));
        let terms = read(r#"{"name":"till"}"#).unwrap();
        assert_eq!((terms.per_minute, terms.lasts), (600, None));
    }

    #[test]
    fn what_is_no_name_no_end_and_no_limit_is_refused() {
        for bad in [
            "{}",
            r#"{"name":""}"#,
            r#"{"name":" ada"}"#,
            r#"{"name":"a\nb"}"#,
            r#"{"name":"ada)"}"#,
            r#"{"name":"ada","expires_in_days":0}"#,
            r#"{"name":"ada","expires_in_days":3651}"#,
            r#"{"name":"ada","per_minute":6001}"#,
            r#"{"name":"ada","key":"tlt_"}"#,
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_grace_can_be_none_and_is_never_longer_than_a_month() {
        let read = |text: &str| {
            let mut fields = Fields::of_test(text);
            let grace = grace(&mut fields);
            fields.finish(Some(grace)).ok()
        };
        assert_eq!(read("{}"), Some(None));
        assert_eq!(read(r#"{"grace_secs":0}"#), Some(Some(Duration::ZERO)));
        assert_eq!(read(r#"{"grace_secs":2592000}"#), Some(Some(30 * Duration::from_hours(24))));
        for bad in [r#"{"grace_secs":2592001}"#, r#"{"grace_secs":-1}"#, r#"{"grace_secs":"a"}"#] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
