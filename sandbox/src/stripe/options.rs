//! Whose account, and who is told.

use std::{fmt, time::Duration};

use secrecy::SecretString;
use url::Url;

/// How the sandbox is set up. [`Options::new`] fills in the rest.
#[derive(Clone)]
pub struct Options {
    /// The one key that it knows, `sk_test_…` or `sk_live_…`.
    pub secret_key: SecretString,
    /// What webhooks are signed with, `whsec_…`.
    pub webhook_secret: SecretString,
    /// Where events are posted; nowhere, if nobody says so here or later.
    pub webhook_url: Option<Url>,
    /// From an event to its webhook, and between the tries of one that was not taken.
    pub webhook_delay: Duration,
    /// How long [`Mood::Slow`](super::Mood::Slow) holds an answer back, where a spell does not say.
    pub slow_delay: Duration,
    /// Makes ids and coins repeatable.
    pub seed: Option<u64>,
}

impl Options {
    /// An account that tells nobody.
    pub fn new(
        secret_key: impl Into<SecretString>,
        webhook_secret: impl Into<SecretString>,
    ) -> Self {
        Self {
            secret_key: secret_key.into(),
            webhook_secret: webhook_secret.into(),
            webhook_url: None,
            webhook_delay: Duration::from_millis(50),
            slow_delay: Duration::from_secs(2),
            seed: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("webhook_url", &self.webhook_url.as_ref().map(Url::as_str))
            .field("webhook_delay", &self.webhook_delay)
            .field("slow_delay", &self.slow_delay)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}
