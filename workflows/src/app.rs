//! What all workflows are handed: clients to steps and effects, settings to everything.

use std::{path::PathBuf, time::Duration};

use clients::twilio::Twilio;
use domain::{MessageId, Pepper, PhoneNumber};
use engine::App;
use url::Url;

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
    /// The file that the trial kind `ledger` appends to.
    pub ledger: Option<PathBuf>,
}

/// How text messages leave.
pub struct SmsSender {
    /// The account.
    pub twilio: Twilio,
    /// Our number.
    pub from: PhoneNumber,
    /// What Twilio's callbacks are addressed to.
    pub public_base_url: Url,
    /// How long after its request a message that is not in Twilio's list counts as never taken.
    pub second_look: Duration,
}

impl SmsSender {
    /// Where Twilio reports on a message. Our id in it is the only thing of ours that comes back.
    pub fn callback(&self, message: MessageId) -> Url {
        let mut url = self.public_base_url.clone();
        url.set_path("/telephony/sms-status");
        url.set_query(Some(&format!("sm={message}")));
        url
    }
}

/// Plain values from the configuration.
pub struct Settings {
    /// Keys the hashes of codes.
    pub pepper: Pepper,
    /// Demos.
    pub demo: DemoSettings,
    /// The number that messages come from; `None` where no account is configured.
    pub sms_from: Option<PhoneNumber>,
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
