//! How numbers are bought, configured and kept.

use std::time::Duration;

use clients::twilio::{NumberSearch, NumberUrls};
use daemon::config::Env;
use domain::phone::Region;
use secrecy::SecretString;
use url::Url;
use workflows::{NumberDesk, NumberSettings, SmsSender};

use super::hours;

/// Kinds of numbers as Twilio names them.
const KINDS: [&str; 4] = ["Local", "Mobile", "National", "TollFree"];

/// Where texts go. Calls and their news have variables of their own, as older set-ups know them.
const SMS_PATH: &str = "/telephony/sms";

/// How the pool is kept.
pub(super) fn settings(env: &Env) -> NumberSettings {
    NumberSettings {
        // Callers of the last owner give up within two days.
        quarantine: env
            .var("TRUNKLINE_NUMBERS_QUARANTINE_HOURS")
            .number(0..=24 * 365_u64)
            .map(hours)
            .or(hours(48)),
        buys: env.var("TRUNKLINE_NUMBERS_BUY").flag().or(false),
        returns: env.var("TRUNKLINE_NUMBERS_RETURN").flag().or(false),
        free_min: env.var("TRUNKLINE_NUMBERS_FREE_MIN").number(0..=10_000_u32).optional(),
        // A mistake in a limit must not empty an account.
        size_max: env.var("TRUNKLINE_NUMBERS_MAX").number(0..=100_000_u32).or(100),
    }
}

/// Where they are bought: at the account that sends messages.
pub(super) fn desk(env: &Env, sms: Option<&SmsSender>) -> Option<NumberDesk> {
    let country: Region = env
        .var("TRUNKLINE_NUMBERS_COUNTRY")
        .parse("a region that is served, such as AT")
        .or(Region::AT);
    let kind = env.var("TRUNKLINE_NUMBERS_KIND").text().or("Local".to_owned());
    if !KINDS.contains(&&*kind) {
        env.mistake("TRUNKLINE_NUMBERS_KIND", format!("must be one of {}", KINDS.join(", ")));
    }
    let urls = sms.map(|sms| urls(env, &sms.public_base_url, sms.webhook_token.as_ref()));
    let address_sid = env.var("TWILIO_ADDRESS_SID").text().optional();
    let bundle_sid = env.var("TWILIO_BUNDLE_SID").text().optional();
    let sms = sms?;
    Some(NumberDesk {
        twilio: sms.twilio.clone(),
        search: NumberSearch { country: country.code().to_owned(), kind, sms: true, page_size: 20 },
        urls: urls?,
        address_sid,
        bundle_sid,
        second_look: sms.second_look.max(Duration::from_secs(1)),
    })
}

/// Where calls and texts for all numbers go.
pub fn urls(env: &Env, base: &Url, webhook_token: Option<&SecretString>) -> NumberUrls {
    let voice = path(env, "TWILIO_VOICE_WEBHOOK_PATH", "/telephony/incoming");
    let status = path(env, "TWILIO_STATUS_WEBHOOK_PATH", "/telephony/status");
    let [voice, status, sms] =
        [&voice, &status, SMS_PATH].map(|path| workflows::address(base, webhook_token, path));
    NumberUrls { voice, status, sms }
}

fn path(env: &Env, name: &'static str, default: &str) -> String {
    let path = env.var(name).text().or(default.to_owned());
    if !path.starts_with('/') || path.contains(['?', '#', ' ']) {
        env.mistake(name, "must be a path such as /telephony/incoming");
    }
    path
}
