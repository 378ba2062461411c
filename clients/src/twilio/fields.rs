//! A webhook's form, field by field. Of repeated fields the first counts, an empty one is none, and what is not known is
//! ignored: Twilio adds fields without notice.

use chrono::{DateTime, Utc};

/// A form that is no webhook of the kind that it came as. Shows no values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWebhook {
    /// A field that every webhook of the kind has is not there, or empty.
    #[error("{field} is missing")]
    Missing {
        /// The field's name.
        field: &'static str,
    },
    /// A field is not what it should be.
    #[error("{field} is none")]
    Wrong {
        /// The field's name.
        field: &'static str,
    },
}

#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [(String, String)]);

impl<'a> Fields<'a> {
    pub(super) fn text(self, field: &'static str) -> Option<&'a str> {
        let found = self.0.iter().find(|(name, _)| name == field);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn required(self, field: &'static str) -> Result<&'a str, BadWebhook> {
        self.text(field).ok_or(BadWebhook::Missing { field })
    }

    /// One of Twilio's names: two letters and 32 hex digits.
    pub(super) fn sid(self, field: &'static str, prefixes: &[&str]) -> Result<String, BadWebhook> {
        let sid = self.required(field)?;
        let digits = prefixes.iter().find_map(|prefix| sid.strip_prefix(prefix));
        let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        match digits {
            Some(digits) if digits.len() == 32 && digits.bytes().all(is_hex) => Ok(sid.to_owned()),
            Some(_) | None => Err(BadWebhook::Wrong { field }),
        }
    }

    pub(super) fn number(self, field: &'static str) -> Result<Option<i32>, BadWebhook> {
        let number = |text: &str| text.parse().ok().filter(|number| *number >= 0);
        self.text(field).map(|text| number(text).ok_or(BadWebhook::Wrong { field })).transpose()
    }

    /// An instant in RFC 2822's form.
    pub(super) fn instant(self, field: &'static str) -> Result<Option<DateTime<Utc>>, BadWebhook> {
        let instant = |text| DateTime::parse_from_rfc2822(text).map(|it| it.to_utc());
        self.text(field)
            .map(|text| instant(text).map_err(|_| BadWebhook::Wrong { field }))
            .transpose()
    }
}
