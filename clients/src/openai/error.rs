//! What a failed request is known to mean. Facts only, and never a word of what was said.

use std::time::Duration;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody could be reached, or no answer came in time. To ask again costs tokens and nothing else.
    #[error("no answer from OpenAI")]
    NoAnswer(#[source] reqwest::Error),
    /// Too many requests, or too many tokens.
    #[error("OpenAI limits our rate")]
    RateLimited {
        /// How long OpenAI asks us to wait, where it does.
        retry_after: Option<Duration>,
    },
    /// The account has no credit left (429 with `insufficient_quota`): waiting does not help.
    #[error("the account at OpenAI has no credit left")]
    NoCredit,
    /// OpenAI failed (5xx).
    #[error("OpenAI failed with status {status}")]
    ServerError {
        /// The HTTP status, 500–599.
        status: u16,
    },
    /// OpenAI understood and refused: a key, a model or a request that it does not take.
    #[error("OpenAI refused with status {status}")]
    Rejected {
        /// The HTTP status, 400–499.
        status: u16,
    },
    /// An answer that makes no sense, or holds no text.
    #[error("an answer from OpenAI could not be read")]
    Unreadable,
}
