//! One message.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use clients::twilio::MessageStatus;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Value, json};
use url::Url;

use super::segments;

/// Twilio's dates: RFC 2822, always GMT, two digits for the day.
pub(super) const DATE: &str = "%a, %d %b %Y %H:%M:%S +0000";

/// A text message that was accepted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// `SM` and 32 hex digits.
    pub sid: String,
    /// The phone it goes to.
    pub to: String,
    /// The number it comes from.
    pub from: String,
    /// What it says.
    pub body: String,
    /// Where it is now.
    #[serde(serialize_with = "status_write", deserialize_with = "status_read")]
    pub status: MessageStatus,
    /// How many requests for this text (same phone, number, words) arrived up to its acceptance:
    /// 1, and one for each that was answered with 429 or 500.
    pub attempts: u32,
    /// When it was accepted.
    #[serde(serialize_with = "moment_write")]
    pub created_at: DateTime<Utc>,
    /// When it was last news.
    #[serde(skip)]
    pub(super) updated_at: DateTime<Utc>,
    /// When it left for the carrier.
    #[serde(skip)]
    pub(super) sent_at: Option<DateTime<Utc>>,
    /// Where its progress is reported.
    #[serde(skip)]
    pub(super) status_callback: Option<Url>,
    /// Why it did not arrive.
    #[serde(skip)]
    pub(super) error_code: Option<u32>,
}

impl Text {
    /// Moves on if `status` is news.
    pub(super) fn advance(&mut self, status: MessageStatus, now: DateTime<Utc>) {
        if self.status.advances(status) {
            self.status = status;
            self.updated_at = now;
            self.sent_at = self.sent_at.or(Some(now));
        }
    }

    /// The message as Twilio's API shows it.
    pub(super) fn wire(&self, account_sid: &str) -> Value {
        let uri = format!("/2010-04-01/Accounts/{account_sid}/Messages/{}", self.sid);
        let date = |moment: DateTime<Utc>| moment.format(DATE).to_string();
        json!({
            "sid": self.sid,
            "status": self.status.as_str(),
            "account_sid": account_sid,
            "api_version": "2010-04-01",
            "to": self.to,
            "from": self.from,
            "body": self.body,
            "direction": "outbound-api",
            "num_segments": segments::count(&self.body).to_string(),
            "num_media": "0",
            "date_created": date(self.created_at),
            "date_updated": date(self.updated_at),
            "date_sent": self.sent_at.map(date),
            "price": null,
            "price_unit": "USD",
            "error_code": self.error_code,
            "error_message": null,
            "messaging_service_sid": null,
            "uri": format!("{uri}.json"),
            "subresource_uris": { "media": format!("{uri}/Media.json") },
        })
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text")
            .field("sid", &self.sid)
            .field("status", &self.status)
            .field("attempts", &self.attempts)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn status_write<S: Serializer>(status: &MessageStatus, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(status.as_str())
}

fn status_read<'de, D: Deserializer<'de>>(from: D) -> Result<MessageStatus, D::Error> {
    String::deserialize(from)?.parse().map_err(de::Error::custom)
}

fn moment_write<S: Serializer>(moment: &DateTime<Utc>, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&moment.to_rfc3339_opts(SecondsFormat::Millis, true))
}
