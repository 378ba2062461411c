//! Short texts that people write into forms.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One line of 1 to `MAX` characters without control characters; a tab, a line break or a NUL is none of its business.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Line<const MAX: usize>(String);

/// A company's name.
pub type CompanyName = Line<200>;
/// A first or a last name.
pub type PersonName = Line<100>;
/// What a company does.
pub type Industry = Line<100>;
/// What the demo is wanted for. Line breaks become blanks.
pub type UseCase = Line<2000>;

/// Why a text is no such line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotALine {
    /// Nothing but blanks.
    #[error("must not be empty")]
    Empty,
    /// More characters than the field holds.
    #[error("must not be longer than {max} characters")]
    TooLong {
        /// The most that fit.
        max: usize,
    },
    /// A control character.
    #[error("must not hold control characters")]
    Control,
}

impl<const MAX: usize> Line<MAX> {
    /// Reads a line; surrounding blanks go, line breaks and tabs inside become blanks.
    pub fn parse(text: &str) -> Result<Self, NotALine> {
        // No character has more than four bytes, and as many again may be blanks around: more need not be counted.
        if text.len() > MAX.saturating_mul(8) {
            return Err(NotALine::TooLong { max: MAX });
        }
        let line = text.trim().replace(['\r', '\n', '\t'], " ");
        match line.chars().count() {
            0 => Err(NotALine::Empty),
            n if n > MAX => Err(NotALine::TooLong { max: MAX }),
            _ if line.chars().any(char::is_control) => Err(NotALine::Control),
            _ => Ok(Self(line)),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<String> for Line<MAX> {
    type Error = NotALine;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl<const MAX: usize> From<Line<MAX>> for String {
    fn from(line: Line<MAX>) -> Self {
        line.0
    }
}

/// Hidden: names are a person's.
impl<const MAX: usize> fmt::Debug for Line<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_trimmed_counted_in_characters_and_free_of_controls() {
        assert_eq!(PersonName::parse("  Zoë\tMüller ").unwrap().as_str(), "Zoë Müller");
        assert!(PersonName::parse(&"ü".repeat(100)).is_ok());
        assert_eq!(PersonName::parse(&"ü".repeat(101)), Err(NotALine::TooLong { max: 100 }));
        assert_eq!(PersonName::parse(&"x".repeat(10_000_000)), Err(NotALine::TooLong { max: 100 }));
        assert_eq!(PersonName::parse(" \n "), Err(NotALine::Empty));
        assert_eq!(PersonName::parse("a\0b"), Err(NotALine::Control));
        assert_eq!(PersonName::parse("a\u{1b}[0m"), Err(NotALine::Control));
    }
}
