//! What is worth repeating: the one place where facts become classes of failure.

use std::time::Duration;

use clients::{
    openai, stripe,
    twilio::{self, RejectedClass},
};
use engine::Failure;

/// A revoked token is exchanged, a suspension lifted, by a person.
const ACCOUNT_PAUSE: Duration = Duration::from_mins(1);

/// What a failed request to Twilio means for a message that must not be sent twice.
pub(crate) fn of_twilio(error: &twilio::Error) -> Failure {
    match error {
        // It may have been taken: only a look into Twilio's list can tell.
        twilio::Error::Unknown(_) | twilio::Error::ServerError { .. } => Failure::unknown(error),
        twilio::Error::Unreadable { status } if (200..300).contains(status) => {
            Failure::unknown(error)
        }
        twilio::Error::RateLimited { retry_after: Some(after) } => {
            Failure::retry_after(*after, error)
        }
        // It never left, or was not taken.
        twilio::Error::NotSent(_)
        | twilio::Error::Unreadable { .. }
        | twilio::Error::RateLimited { retry_after: None } => Failure::retry(error),
        twilio::Error::Rejected { class, .. } => match class {
            // The sender's queue drains by itself, the network may find the phone later.
            // And others give numbers back all the time.
            RejectedClass::QueueFull | RejectedClass::Undelivered | RejectedClass::NoNumbers => {
                Failure::retry(error)
            }
            // Everything else fails as well until somebody has seen to it: the breaker hears of it, and nothing is lost.
            RejectedClass::Account => Failure::retry_after(ACCOUNT_PAUSE, error),
            RejectedClass::Recipient
            | RejectedClass::OptedOut
            | RejectedClass::Content
            | RejectedClass::Config
            | RejectedClass::NumberTaken
            | RejectedClass::Other => Failure::permanent(error),
        },
    }
}

/// What a failed request means that changes nothing at Twilio.
pub(crate) fn of_twilio_read(error: &twilio::Error) -> Failure {
    match error {
        twilio::Error::Rejected { class: RejectedClass::Account, .. } => {
            Failure::retry_after(ACCOUNT_PAUSE, error)
        }
        twilio::Error::Rejected { .. } => Failure::permanent(error),
        twilio::Error::RateLimited { retry_after: Some(after) } => {
            Failure::retry_after(*after, error)
        }
        twilio::Error::RateLimited { retry_after: None }
        | twilio::Error::NotSent(_)
        | twilio::Error::Unknown(_)
        | twilio::Error::ServerError { .. }
        | twilio::Error::Unreadable { .. } => Failure::retry(error),
    }
}

/// What a failed request to Stripe means for a deed that must not be done twice.
pub(crate) fn of_stripe(error: &stripe::Error) -> Failure {
    match error {
        // It may have been carried out: only a look at Stripe's own list can tell.
        stripe::Error::Unknown(_)
        | stripe::Error::ServerError { .. }
        | stripe::Error::KeyInUse
        | stripe::Error::KeyMismatch => Failure::unknown(error),
        stripe::Error::Unreadable { status } if (200..300).contains(status) => {
            Failure::unknown(error)
        }
        stripe::Error::NotSent(_)
        | stripe::Error::RateLimited { .. }
        | stripe::Error::Rejected { .. }
        | stripe::Error::Unreadable { .. } => of_stripe_read(error),
    }
}

/// What a failed request means that changes nothing at Stripe, or that may simply be repeated.
pub(crate) fn of_stripe_read(error: &stripe::Error) -> Failure {
    match error {
        stripe::Error::RateLimited { retry_after: Some(after) } => {
            Failure::retry_after(*after, error)
        }
        stripe::Error::RateLimited { retry_after: None }
        | stripe::Error::NotSent(_)
        | stripe::Error::Unknown(_)
        | stripe::Error::ServerError { .. }
        | stripe::Error::KeyInUse
        | stripe::Error::KeyMismatch
        | stripe::Error::Unreadable { .. } => Failure::retry(error),
        stripe::Error::Rejected { class, .. } => match class {
            // A key that was revoked is exchanged by somebody; nothing is wrong with the deed.
            stripe::RejectedClass::Passing | stripe::RejectedClass::Credentials => {
                Failure::retry(error)
            }
            stripe::RejectedClass::Card
            | stripe::RejectedClass::Missing
            | stripe::RejectedClass::Request => Failure::permanent(error),
        },
    }
}

/// What a failed question to the text model means: to ask again does no harm.
pub(crate) fn of_openai(error: &openai::Error) -> Failure {
    match error {
        openai::Error::RateLimited { retry_after: Some(after) } => {
            Failure::retry_after(*after, error)
        }
        openai::Error::RateLimited { retry_after: None }
        | openai::Error::NoAnswer(_)
        | openai::Error::ServerError { .. }
        | openai::Error::Unreadable => Failure::retry(error),
        openai::Error::NoCredit | openai::Error::Rejected { .. } => Failure::permanent(error),
    }
}

/// What a rule or a statement of the product's own records says.
pub(crate) fn of_domain(error: domain::Error) -> Failure {
    match &error {
        domain::Error::Database { .. } => Failure::from(error),
        domain::Error::Constraint { .. }
        | domain::Error::NotFound { .. }
        | domain::Error::IllegalMove { .. }
        | domain::Error::Outdated { .. }
        | domain::Error::Unreadable { .. }
        | domain::Error::OutOfScope
        | domain::Error::Hashing => Failure::permanent(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_may_have_been_a_yes_is_never_repeated_blindly() {
        let answers =
            [twilio::Error::ServerError { status: 503 }, twilio::Error::Unreadable { status: 201 }];
        for answer in answers {
            assert!(format!("{:?}", of_twilio(&answer)).contains("Unknown"));
        }
    }

    #[test]
    fn a_payment_that_may_have_been_taken_is_never_repeated_blindly() {
        let answers = [
            stripe::Error::ServerError { status: 500, replayed: false },
            stripe::Error::KeyInUse,
            stripe::Error::KeyMismatch,
            stripe::Error::Unreadable { status: 200 },
        ];
        for answer in answers {
            assert!(format!("{:?}", of_stripe(&answer)).contains("Unknown"));
        }
    }

    #[test]
    fn a_declined_card_is_final_and_a_revoked_key_is_not() {
        let rejected = |class| stripe::Error::Rejected { status: 400, code: None, class };
        assert!(of_stripe(&rejected(stripe::RejectedClass::Card)).is_permanent());
        assert!(!of_stripe(&rejected(stripe::RejectedClass::Credentials)).is_permanent());
    }

    #[test]
    fn an_account_that_is_refused_is_no_fault_of_the_message() {
        let refusal = twilio::Error::Rejected {
            status: 401,
            code: Some(20_003),
            class: RejectedClass::Account,
        };
        assert!(!of_twilio(&refusal).is_permanent() && !of_twilio_read(&refusal).is_permanent());
    }

    #[test]
    fn a_number_that_cannot_be_reached_is_not_tried_again() {
        let refusal = twilio::Error::Rejected {
            status: 400,
            code: Some(21_211),
            class: RejectedClass::Recipient,
        };
        assert!(of_twilio(&refusal).is_permanent());
    }
}
