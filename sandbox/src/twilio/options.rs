//! Whose account, how fast, and what survives a restart.

use std::{fmt, path::PathBuf, time::Duration};

use secrecy::SecretString;
use url::Url;

/// How the sandbox is set up. [`Options::new`] fills in the rest.
#[derive(Clone)]
pub struct Options {
    /// The one account that it knows.
    pub account_sid: String,
    /// The account's token: it signs in with, and webhooks are signed with it.
    pub auth_token: SecretString,
    /// From acceptance to `sent`, and from there to `delivered`.
    pub callback_delay: Duration,
    /// How long [`Mood::Slow`](super::Mood::Slow) holds an answer back, where a spell does not say.
    pub slow_delay: Duration,
    /// A file to which every accepted message is appended as a JSON line, on disk before the answer
    /// leaves. Messages in it are known again after a restart.
    pub ledger: Option<PathBuf>,
    /// Where texts from people are posted, if a request does not say.
    pub inbound_url: Option<Url>,
    /// Where calls from people are posted, if neither a request nor the number says.
    pub voice_url: Option<Url>,
    /// Where the ends of calls are posted, likewise.
    pub status_url: Option<Url>,
    /// Makes ids and the coin of a spell's ratio repeatable.
    pub seed: Option<u64>,
}

impl Options {
    /// An account with quick callbacks and no ledger.
    pub fn new(account_sid: impl Into<String>, auth_token: impl Into<SecretString>) -> Self {
        Self {
            account_sid: account_sid.into(),
            auth_token: auth_token.into(),
            callback_delay: Duration::from_millis(50), // after the answer, as at Twilio's
            slow_delay: Duration::from_secs(2),
            ledger: None,
            inbound_url: None,
            voice_url: None,
            status_url: None,
            seed: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("account_sid", &self.account_sid)
            .field("callback_delay", &self.callback_delay)
            .field("slow_delay", &self.slow_delay)
            .field("ledger", &self.ledger)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}
