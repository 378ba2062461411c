//! What all workflows are handed: clients to steps and effects, settings to everything.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use clients::{
    Secrets,
    openai::OpenAi,
    twilio::{NumberSearch, NumberUrls, Twilio},
};
use domain::{MessageId, Pepper, PhoneNumber, provider_credentials::Credential};
use engine::App;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{stripe::StripeAccount, voice_session::desk::VoiceDesk};

/// This application.
#[derive(Debug)]
pub struct Trunkline;

impl App for Trunkline {
    type Clients = Clients;
    type Settings = Settings;
}

/// Ways to the outside.
pub struct Clients {
    /// Text messages; `None` where no account is configured, and then every message is skipped and says so.
    pub sms: Option<SmsSender>,
    /// Where numbers are bought and configured; `None` where no account is configured.
    pub numbers: Option<NumberDesk>,
    /// Billing; `None` where no account is configured.
    pub stripe: Option<StripeAccount>,
    /// The text model; `None` where none is configured, and then a person is asked to answer.
    pub ai: Option<OpenAi>,
    /// Where calls are spoken; empty in every worker but those of the voice pool.
    pub voice: OnceLock<Arc<dyn VoiceDesk>>,
    /// The file that the trial kind `ledger` appends to.
    pub ledger: Option<PathBuf>,
}

impl Clients {
    /// What of them is exchanged while the process runs. A provider without an account here has none.
    pub fn credentials(&self) -> Vec<(Credential, Secrets)> {
        // Numbers are bought at the account that sends messages, with the same token.
        let twilio = self.sms.as_ref().map(|sms| &sms.twilio);
        let twilio = twilio.or(self.numbers.as_ref().map(|desk| &desk.twilio));
        let twilio = twilio.map(|it| (Credential::TwilioAuthToken, it.auth_token()));
        let stripe = self.stripe.as_ref();
        let stripe = stripe.map(|it| (Credential::StripeSecretKey, it.stripe.secret_key()));
        let openai = self.ai.as_ref().map(|it| (Credential::OpenAiApiKey, it.api_key()));
        let all = [twilio, stripe, openai].into_iter().flatten();
        all.map(|(credential, secrets)| (credential, secrets.clone())).collect()
    }
}

/// How text messages leave.
pub struct SmsSender {
    /// The account.
    pub twilio: Twilio,
    /// Our number.
    pub from: PhoneNumber,
    /// What Twilio's callbacks are addressed to.
    pub public_base_url: Url,
    /// The word that our addresses carry, where the API asks for one.
    pub webhook_token: Option<SecretString>,
    /// How long after its request a message that is not in Twilio's list counts as never taken.
    pub second_look: Duration,
}

impl SmsSender {
    /// Where Twilio reports on a message. Our id in it is the only thing of ours that comes back.
    pub fn callback(&self, message: MessageId) -> Url {
        let mut url = self.address("/telephony/sms-status");
        url.query_pairs_mut().append_pair("sm", &message.to_string());
        url
    }

    /// An address of ours, as Twilio is told it.
    pub fn address(&self, path: &str) -> Url {
        address(&self.public_base_url, self.webhook_token.as_ref(), path)
    }
}

/// An address of ours, as Twilio is told it: with the word that it is asked to bring along, where there is one.
pub fn address(public_base_url: &Url, webhook_token: Option<&SecretString>, path: &str) -> Url {
    let mut url = public_base_url.clone();
    url.set_path(path);
    url.set_query(None);
    if let Some(token) = webhook_token {
        url.query_pairs_mut().append_pair("webhook_token", token.expose_secret());
    }
    url
}

/// Where numbers are bought and configured.
pub struct NumberDesk {
    /// The account.
    pub twilio: Twilio,
    /// Which numbers are bought.
    pub search: NumberSearch,
    /// Where calls and texts for all numbers go.
    pub urls: NumberUrls,
    /// Where a country asks for an address.
    pub address_sid: Option<String>,
    /// Where a country asks for papers.
    pub bundle_sid: Option<String>,
    /// How long after its request a purchase that is not in Twilio's list counts as never made.
    pub second_look: Duration,
}

/// Plain values from the configuration.
pub struct Settings {
    /// Keys the hashes of codes.
    pub pepper: Pepper,
    /// Demos.
    pub demo: DemoSettings,
    /// Numbers.
    pub numbers: NumberSettings,
    /// The number that messages come from; `None` where no account is configured.
    pub sms_from: Option<PhoneNumber>,
    /// Whether Stripe's account is for real money; `None` where no account is configured.
    pub stripe_is_live: Option<bool>,
    /// How far apart messages of one sender start, in milliseconds.
    pub sms_every_ms: u32,
    /// Whether a code that no text brings is spoken on the phone.
    pub otp_by_voice: bool,
}

/// How a demo is.
#[derive(Debug, Clone)]
pub struct DemoSettings {
    /// From activation to expiry.
    pub lifetime: Duration,
    /// Calls a day, where it differs from the plan's.
    pub daily_calls_max: Option<i32>,
    /// The text of the code's message instead of ours; `{CODE}` stands for the code.
    pub sms_template: Option<String>,
}

/// How the pool of numbers is kept.
#[derive(Debug, Clone)]
pub struct NumberSettings {
    /// How long a number rests between two tenants.
    pub quarantine: Duration,
    /// Whether numbers are bought when too few are free.
    pub buys: bool,
    /// Whether numbers that we bought go back to Twilio when the pool has enough without them.
    pub returns: bool,
    /// So many should be free; none: as [`NumberSettings::threshold`] reckons.
    pub free_min: Option<u32>,
    /// More than so many are never bought.
    pub size_max: u32,
}

impl NumberSettings {
    /// Below so many free numbers of a pool of this size it is short: a fifth of it, at least one and at most ten, so that
    /// a pool of five is not always short.
    pub fn threshold(&self, pool_size: i64) -> u32 {
        let fifth = u32::try_from((pool_size.max(0) + 4) / 5).unwrap_or(u32::MAX);
        self.free_min.unwrap_or(fifth.clamp(1, 10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_at_twilio_carry_the_word_that_is_asked_for_there() {
        let config = clients::twilio::Config {
            api_base: "http://127.0.0.1:1".parse().unwrap(),
            account_sid: format!("AC{}", "0".repeat(32)),
            auth_token: "x".into(),
        };
        let http = clients::http::client(Duration::from_secs(1)).unwrap();
        let mut sender = SmsSender {
            twilio: Twilio::new(http, config).unwrap(),
            from: PhoneNumber::from_e164("+15005550006").unwrap(),
            public_base_url: "https://api.example.com".parse().unwrap(),
            webhook_token: None,
            second_look: Duration::ZERO,
        };
        let message = MessageId::mint();
        let plain = format!("https://api.example.com/telephony/sms-status?sm={message}");
        assert_eq!(sender.callback(message).as_str(), plain);
        sender.webhook_token = Some("a word & more".into());
        let with = format!(
            "https://api.example.com/telephony/sms-status?webhook_token=a+word+%26+more&sm={message}"
        );
        assert_eq!(sender.callback(message).as_str(), with);
    }

    #[test]
    fn a_small_pool_is_short_when_a_fifth_is_free_and_a_large_one_when_ten_are() {
        let of = |free_min| NumberSettings {
            quarantine: Duration::ZERO,
            buys: false,
            returns: false,
            free_min,
            size_max: 100,
        };
        let threshold = |size| of(None).threshold(size);
        assert_eq!([0, 1, 5, 6, 20, 50, 5000].map(threshold), [1, 1, 1, 2, 4, 10, 10]);
        assert_eq!(of(Some(0)).threshold(5000), 0);
    }
}
