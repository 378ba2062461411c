//! E-mail addresses, as far as we need to judge them: one that could be written to, or none.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Error;

/// An address of the plain form `local@host.tld`, without quotes, comments or address literals. Never shown whole.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// Why a text is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEmail {
    /// Longer than [`Email::BYTES_MAX`].
    #[error("the e-mail address is longer than {} characters", Email::BYTES_MAX)]
    TooLong,
    /// Not of the form `local@host.tld`.
    #[error("this is not an e-mail address")]
    BadForm,
}

impl Email {
    /// RFC 5321, 4.5.3.1.3: a path has at most 256 octets, two of which are angle brackets.
    pub const BYTES_MAX: usize = 254;
    /// RFC 5321, 4.5.3.1.1.
    const LOCAL_BYTES_MAX: usize = 64;
    /// RFC 1035, 2.3.4.
    const LABEL_BYTES_MAX: usize = 63;

    /// Reads an address; surrounding blanks are forgiven, the host is put in lower case.
    pub fn parse(text: &str) -> Result<Self, NotAnEmail> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        if text.len() > Self::BYTES_MAX {
            return Err(NotAnEmail::TooLong);
        }
        let (local, host) = text.split_once('@').ok_or(NotAnEmail::BadForm)?;
        if !is_local(local) || !is_host(host) {
            return Err(NotAnEmail::BadForm);
        }
        Ok(Self(format!("{local}@{}", host.to_ascii_lowercase())))
    }

    pub(crate) fn stored(text: &str) -> Result<Self, Error> {
        Self::parse(text).map_err(|_| Error::Unreadable { what: "e-mail address" })
    }

    /// The address itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 5321's dot-string: atoms with single dots between them.
fn is_local(local: &str) -> bool {
    let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    local.len() <= Email::LOCAL_BYTES_MAX
        && local.split('.').all(|part| !part.is_empty() && part.bytes().all(atom))
}

/// At least two labels of letters, digits and inner hyphens; the last is not a number, so that an IP address is no host.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=Email::LABEL_BYTES_MAX).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.rsplit_once('.').is_some_and(|(_, last)| !last.bytes().all(|b| b.is_ascii_digit()))
        && host.split('.').all(label)
}

impl TryFrom<String> for Email {
    type Error = NotAnEmail;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Masked: the first letter and the top-level domain.
impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.0.chars().next().unwrap_or('•');
        let last = self.0.rsplit('.').next().unwrap_or_default();
        write!(f, "{first}•••@•••.{last}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_are_taken_and_their_host_is_lowered() {
        assert_eq!(
            Email::parse(" Anna.B+demo@Praxis.AT ").unwrap().as_str(),
            "Anna.B+demo@praxis.at"
        );
        assert_eq!(Email::parse("o'hara@a-b.co.uk").unwrap().as_str(), "o'hara@a-b.co.uk");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "@",
            "a@",
            "@b.at",
            "a@b",
            "a@b.",
            "a@.at",
            "a@b..at",
            "a b@c.at",
            "a@b@c.at",
            ".a@b.at",
            "a.@b.at",
            "a..b@c.at",
            "a@-b.at",
            "a@b-.at",
            "a@127.0.0.1",
            "a\0@b.at",
            "a@b\n.at",
            "ä@b.at",
            "a@bü.at",
            "a@b.at\r\nBcc: c@d.at",
            "\"a b\"@c.at",
        ] {
            assert_eq!(Email::parse(text), Err(NotAnEmail::BadForm), "{text:?}");
        }
        assert_eq!(Email::parse(&format!("{}@b.at", "a".repeat(65))), Err(NotAnEmail::BadForm));
        assert_eq!(Email::parse(&format!("a@{}.at", "b".repeat(64))), Err(NotAnEmail::BadForm));
        assert_eq!(Email::parse(&"a".repeat(10_000_000)), Err(NotAnEmail::TooLong));
    }

    #[test]
    fn an_address_is_never_shown_whole() {
        let email = Email::parse("anna@praxis.at").unwrap();
        assert_eq!(format!("{email} {email:?}"), "a•••@•••.at a•••@•••.at");
    }
}
