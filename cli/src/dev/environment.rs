//! The variables with which any process joins this dev instance. The instance's own parts read the same ones.

use std::{collections::BTreeMap, net::SocketAddr};

use daemon::config::Env;
use migrations::Urls;
use secrecy::ExposeSecret;

use super::{sandboxes::Sandboxes, secrets::Secrets};

/// A number from Twilio's range for tests.
const SENDER: &str = "+15005550006";

pub(crate) struct Environment {
    variables: BTreeMap<String, String>,
}

impl Environment {
    /// What was set by the caller goes before what is made here, so that any part can be replaced by another.
    pub(crate) fn make(
        urls: &Urls,
        secrets: &Secrets,
        api: SocketAddr,
        sandboxes: &Sandboxes,
    ) -> Environment {
        let Sandboxes { twilio, stripe, openai } = sandboxes;
        let address = format!("http://{api}");
        let app = urls.app.expose_secret();
        let made = [
            ("DATABASE_URL", app),
            ("DATABASE_DIRECT_URL", app),
            ("DATABASE_OWNER_URL", urls.owner.expose_secret()),
            ("PUBLIC_BASE_URL", &address),
            ("ADMIN_API_KEY", &secrets.admin_api_key),
            ("CRON_SECRET", &secrets.cron_secret),
            ("TRUNKLINE_SEAL_KEYS", &secrets.seal_keys),
            ("TRUNKLINE_PEPPER", &secrets.pepper),
            ("TRUNKLINE_TRUSTED_PROXIES", "127.0.0.0/8"),
            // All who try it come from one address.
            ("TRUNKLINE_REQUESTS_PER_MINUTE", "0"),
            ("TRUNKLINE_TRY_KINDS", "1"),
            ("TRUNKLINE_DEMO_NUMBERS", "20"),
            // The sandbox shows a message at once.
            ("TRUNKLINE_SMS_SECOND_LOOK_SECS", "2"),
            ("TWILIO_API_BASE", twilio.base_url().as_str().trim_end_matches('/')),
            ("TWILIO_ACCOUNT_SID", &secrets.twilio_account_sid),
            ("TWILIO_AUTH_TOKEN", &secrets.twilio_auth_token),
            ("TWILIO_PHONE_NUMBER", SENDER),
            ("STRIPE_API_BASE", stripe.base_url().as_str().trim_end_matches('/')),
            ("STRIPE_SECRET_KEY", &secrets.stripe_secret_key),
            ("STRIPE_WEBHOOK_SECRET", &secrets.stripe_webhook_secret),
            ("OPENAI_BASE_URL", &openai.api_base()),
            ("OPENAI_REALTIME_URL", &openai.realtime_url()),
            ("OPENAI_API_KEY", &secrets.openai_api_key),
        ];
        let made = made.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut variables = BTreeMap::from(made);
        // What the caller has set for this process holds for those beside it, too.
        for (name, value) in outer() {
            if name.starts_with("TRUNKLINE_") || variables.contains_key(&name) {
                variables.insert(name, value);
            }
        }
        Environment { variables }
    }

    /// As a process would read it.
    pub(crate) fn env(&self) -> Env<'_> {
        let outer = outer();
        Env::new(move |name| self.variables.get(name).cloned().or_else(|| outer.get(name).cloned()))
    }

    /// A variable that is always there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.variables.get(name).map(String::as_str).unwrap_or_default()
    }

    pub(crate) fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }
}

/// What the caller has set. A blank value counts as not set.
fn outer() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(_, value)| !value.trim().is_empty())
        .collect()
}
