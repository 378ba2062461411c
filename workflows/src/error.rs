//! What is worth repeating: the one place where facts become classes of failure.

use clients::twilio::{self, RejectedClass};
use engine::Failure;

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
            RejectedClass::Recipient
            | RejectedClass::OptedOut
            | RejectedClass::Content
            | RejectedClass::Config
            | RejectedClass::Account
            | RejectedClass::NumberTaken
            | RejectedClass::Other => Failure::permanent(error),
        },
    }
}

/// What a failed request means that changes nothing at Twilio.
pub(crate) fn of_twilio_read(error: &twilio::Error) -> Failure {
    match error {
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
    fn a_number_that_cannot_be_reached_is_not_tried_again() {
        let refusal = twilio::Error::Rejected {
            status: 400,
            code: Some(21_211),
            class: RejectedClass::Recipient,
        };
        assert!(of_twilio(&refusal).is_permanent());
    }
}
