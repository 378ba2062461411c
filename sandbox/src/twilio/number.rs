//! One phone number of the account, and those that are offered.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use url::Url;

use super::refusal::Refusal;

/// Twilio's dates: RFC 2822, always GMT, two digits for the day.
const DATE: &str = "%a, %d %b %Y %H:%M:%S +0000";

/// A number that was bought.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Number {
    /// `PN` and 32 hex digits.
    pub sid: String,
    /// In E.164 form.
    pub phone: String,
    /// The name that it was given; the number itself if none.
    pub friendly_name: String,
    /// Where calls go; empty: nowhere.
    pub voice_url: String,
    /// Where news about calls goes.
    pub status_url: String,
    /// Where texts go.
    pub sms_url: String,
    /// When it was bought.
    #[serde(serialize_with = "moment_write")]
    pub created_at: DateTime<Utc>,
}

/// What a form says about a number. Fields that are not there leave it as it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) friendly_name: Option<String>,
    pub(super) voice_url: Option<String>,
    pub(super) status_url: Option<String>,
    pub(super) sms_url: Option<String>,
}

impl Change {
    pub(super) fn read(form: &[(String, String)]) -> Result<Self, Refusal> {
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, v)| v.clone());
        let url = |name: &str| match field(name) {
            Some(url) if !url.is_empty() && Url::parse(&url).is_err() => {
                Err(Refusal::of(21502, "an address of the number is not a URL"))
            }
            other => Ok(other),
        };
        Ok(Self {
            friendly_name: field("FriendlyName"),
            voice_url: url("VoiceUrl")?,
            status_url: url("StatusCallback")?,
            sms_url: url("SmsUrl")?,
        })
    }
}

impl Number {
    pub(super) fn change(&mut self, change: Change) {
        let Change { friendly_name, voice_url, status_url, sms_url } = change;
        self.friendly_name = friendly_name.unwrap_or_else(|| self.friendly_name.clone());
        self.voice_url = voice_url.unwrap_or_else(|| self.voice_url.clone());
        self.status_url = status_url.unwrap_or_else(|| self.status_url.clone());
        self.sms_url = sms_url.unwrap_or_else(|| self.sms_url.clone());
    }

    /// The number as Twilio's API shows it.
    pub(super) fn wire(&self, account_sid: &str) -> Value {
        let uri = format!("/2010-04-01/Accounts/{account_sid}/IncomingPhoneNumbers/{}", self.sid);
        let date = self.created_at.format(DATE).to_string();
        let url = |url: &str| if url.is_empty() { Value::Null } else { url.into() };
        json!({
            "sid": self.sid,
            "account_sid": account_sid,
            "api_version": "2010-04-01",
            "phone_number": self.phone,
            "friendly_name": self.friendly_name,
            "capabilities": capabilities(),
            "date_created": date,
            "date_updated": date,
            "voice_url": url(&self.voice_url),
            "voice_method": "POST",
            "voice_fallback_url": null,
            "voice_fallback_method": "POST",
            "voice_application_sid": null,
            "voice_caller_id_lookup": false,
            "voice_receive_mode": "voice",
            "status_callback": url(&self.status_url),
            "status_callback_method": "POST",
            "sms_url": url(&self.sms_url),
            "sms_method": "POST",
            "sms_fallback_url": null,
            "sms_fallback_method": "POST",
            "sms_application_sid": null,
            "address_requirements": "none",
            "address_sid": null,
            "identity_sid": null,
            "bundle_sid": null,
            "trunk_sid": null,
            "emergency_status": "Inactive",
            "emergency_address_sid": null,
            "emergency_address_status": "unregistered",
            "origin": "twilio",
            "beta": false,
            "status": "in-use",
            "type": "local",
            "uri": format!("{uri}.json"),
            "subresource_uris": { "assigned_add_ons": format!("{uri}/AssignedAddOns.json") },
        })
    }
}

/// Without the number.
impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Number")
            .field("sid", &self.sid)
            .field("friendly_name", &self.friendly_name)
            .finish_non_exhaustive()
    }
}

/// What numbers of a country begin with here. Six digits follow.
pub(super) fn prefix(country: &str) -> Option<&'static str> {
    Some(match country {
        "AT" => "+43720",
        "CH" => "+4144",
        "DE" => "+4930",
        "GB" => "+4420",
        "US" => "+12055",
        _ => return None,
    })
}

/// A number that could be bought, as Twilio's API shows it.
pub(super) fn offer(phone: &str, country: &str) -> Value {
    json!({
        "phone_number": phone,
        "friendly_name": phone,
        "iso_country": country,
        "region": null,
        "locality": null,
        "postal_code": null,
        "lata": null,
        "rate_center": null,
        "latitude": null,
        "longitude": null,
        "address_requirements": "none",
        "beta": false,
        "capabilities": capabilities(),
    })
}

fn capabilities() -> Value {
    json!({ "voice": true, "sms": true, "mms": false, "fax": false })
}

fn moment_write<S: Serializer>(moment: &DateTime<Utc>, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&moment.to_rfc3339_opts(SecondsFormat::Millis, true))
}
