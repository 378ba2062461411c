//! What going wrong can mean. The class, not the text, decides what the engine does.

use std::{fmt, time::Duration};

/// Longer texts are cut: a failure is for a person to read, not for keeping documents.
pub(crate) const ERROR_CHARS_MAX: usize = 1000;

/// Why a step, an effect or a body did not succeed. Any error becomes one by `?`, and is then worth repeating.
///
/// The text is stored and shown to operators: it must hold no secret, code or phone number.
#[derive(Debug, Clone)]
pub struct Failure {
    pub(crate) class: Class,
    pub(crate) text: String,
}

/// The classes that code can give. Others (cancelled, interrupted, fenced) are the engine's own and are never recorded
/// as an outcome of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Try again under the step's policy, at the earliest after this long.
    Retry { after: Option<Duration> },
    /// The request may have taken effect. Never repeated blindly: an effect's probe decides.
    Unknown,
    /// More tries cannot help. The body may handle it; unhandled it undoes the run.
    Permanent,
    /// A business decision: stop going forward and take back what was done.
    Undo,
    /// Not yet. Costs no attempt.
    Snooze { after: Duration },
    /// The code of the step panicked; an attempt like any other.
    Panic,
    /// What is stored does not fit the code. Heals when the deploy is rolled back.
    Diverged,
}

impl Class {
    /// The word in the table of failures.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Class::Retry { .. } => "retry",
            Class::Unknown => "unknown",
            Class::Permanent => "permanent",
            Class::Undo => "undo",
            Class::Snooze { .. } => "snooze",
            Class::Panic => "panic",
            Class::Diverged => "diverged",
        }
    }
}

impl Failure {
    fn new(class: Class, text: impl fmt::Display) -> Failure {
        // Postgres' text cannot hold a NUL, and what a provider answers is not ours.
        let text = text.to_string().replace('\0', "\u{fffd}");
        let text = match text.char_indices().nth(ERROR_CHARS_MAX) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        };
        Failure { class, text }
    }

    /// Worth repeating under the step's policy.
    pub fn retry(text: impl fmt::Display) -> Failure {
        Failure::new(Class::Retry { after: None }, text)
    }

    /// Worth repeating, not before this long from now.
    pub fn retry_after(after: Duration, text: impl fmt::Display) -> Failure {
        Failure::new(Class::Retry { after: Some(after) }, text)
    }

    /// It may have happened.
    pub fn unknown(text: impl fmt::Display) -> Failure {
        Failure::new(Class::Unknown, text)
    }

    /// More tries cannot help.
    pub fn permanent(text: impl fmt::Display) -> Failure {
        Failure::new(Class::Permanent, text)
    }

    /// Stop and take back what was done.
    pub fn undo(text: impl fmt::Display) -> Failure {
        Failure::new(Class::Undo, text)
    }

    /// Not yet; try again after this long, free of charge.
    pub fn snooze(after: Duration, text: impl fmt::Display) -> Failure {
        Failure::new(Class::Snooze { after }, text)
    }

    pub(crate) fn panic(text: impl fmt::Display) -> Failure {
        Failure::new(Class::Panic, text)
    }

    pub(crate) fn diverged(text: impl fmt::Display) -> Failure {
        Failure::new(Class::Diverged, text)
    }

    /// What happened, for a person.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether more tries cannot help.
    pub const fn is_permanent(&self) -> bool {
        matches!(self.class, Class::Permanent | Class::Undo)
    }
}

/// Deliberately not `std::error::Error`, so that every other error can become a failure by `?`.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            cause = inner.source();
        }
        Failure::retry(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_error_becomes_worth_repeating_and_keeps_its_causes() {
        let error = std::io::Error::other(std::fmt::Error);
        let failure = Failure::from(error);
        assert_eq!(failure.class, Class::Retry { after: None });
        assert!(failure.text().contains("an error occurred"));
    }

    #[test]
    fn a_text_is_cut_and_loses_its_nul_bytes() {
        let failure = Failure::permanent("ä\0".repeat(2000));
        assert_eq!(failure.text().chars().count(), ERROR_CHARS_MAX + 1);
        assert!(!failure.text().contains('\0'));
    }
}
