//! Who asks, and why.

use crate::error::{Error, Refusal};

const ACTOR_CHARS_MAX: usize = 200;

/// A reason is a line or two; the story belongs into a ticket.
const REASON_CHARS_MAX: usize = 500;

/// A person, or a program on a person's behalf, who decides about a job, a queue or a schedule. Goes into the audit as it is, so it must hold no
/// secret and no phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    actor: String,
    reason: Option<String>,
}

impl Operator {
    /// Named as the audit shall show it (`operator:ada`): 1 to 200 characters.
    pub fn new(actor: impl Into<String>) -> Operator {
        Operator { actor: actor.into(), reason: None }
    }

    /// Why: 1 to 500 characters.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Operator {
        self.reason = Some(reason.into());
        self
    }

    /// Who.
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// Why, if that was said.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Whether the audit can hold it.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let fits =
            |text: &str, max| (1..=max).contains(&text.chars().count()) && !text.contains('\0');
        let reason_fits = self.reason().is_none_or(|reason| fits(reason, REASON_CHARS_MAX));
        if fits(&self.actor, ACTOR_CHARS_MAX) && reason_fits {
            return Ok(());
        }
        Err(Refusal::BadOperator.into())
    }

    /// Some decisions nobody may take without saying why.
    pub(crate) fn check_reason(&self) -> Result<(), Error> {
        if self.reason.is_none() { Err(Refusal::NeedsReason.into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_has_a_name_and_a_short_reason() {
        Operator::new("ada").check().unwrap();
        Operator::new("ada").because("ä".repeat(REASON_CHARS_MAX)).check().unwrap();
        for bad in [
            Operator::new(""),
            Operator::new("a\0"),
            Operator::new("x".repeat(ACTOR_CHARS_MAX + 1)),
            Operator::new("ada").because(""),
            Operator::new("ada").because("x".repeat(REASON_CHARS_MAX + 1)),
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
        assert!(Operator::new("ada").check_reason().is_err());
    }
}
