//! Where the next page begins: before an instant and an id. Opaque to clients, so that it may change.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Says which kind of cursor it is.
const PREFIX: &str = "c1";

/// The next page holds what is before this.
pub(super) fn before(at: DateTime<Utc>, id: Uuid) -> String {
    format!("{PREFIX}{:016x}{}", at.timestamp_micros(), id.simple())
}

pub(super) fn read(text: &str) -> Result<(DateTime<Utc>, Uuid), &'static str> {
    const WRONG: &str = "must be a next_cursor of an earlier answer";
    let rest = text.strip_prefix(PREFIX).filter(|rest| rest.is_ascii()).ok_or(WRONG)?;
    let (at, id) = rest.split_at_checked(16).ok_or(WRONG)?;
    let at = i64::from_str_radix(at, 16).ok().and_then(DateTime::from_timestamp_micros);
    at.zip(Uuid::try_parse(id).ok()).ok_or(WRONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is() {
        let at = DateTime::from_timestamp_micros(1_700_000_000_123_456).unwrap();
        let id = Uuid::from_u128(7);
        assert_eq!(read(&before(at, id)), Ok((at, id)));
        for text in ["", "c1", "j1", "c1ü", &format!("c1{}", id.simple()), &"c1f".repeat(30)] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
