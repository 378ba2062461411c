//! What is sent, and what Twilio says about it. Neither shows a phone number or a text in `Debug`.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use url::Url;

use super::MessageStatus;

/// A text message to be sent.
#[derive(Clone)]
pub struct NewMessage {
    /// The recipient, E.164.
    pub to: String,
    /// Our number, E.164.
    pub from: String,
    /// The text, at most 1,600 characters.
    pub body: String,
    /// Where Twilio reports progress. Correlation belongs into its query: it is the only thing of
    /// ours that comes back.
    pub status_callback: Option<Url>,
    /// After this many seconds (1–36,000) in Twilio's queue the message is dropped. Twilio's own
    /// default is ten hours.
    pub validity_period_secs: Option<u32>,
}

/// A text message that Twilio knows.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Twilio's id, `SM` or `MM` and 32 hex digits.
    pub sid: String,
    /// `None`: a status word that this version does not know.
    pub status: Option<MessageStatus>,
    /// The recipient, E.164.
    pub to: String,
    /// The sender; absent while a messaging service is still choosing one.
    pub from: Option<String>,
    /// The text.
    pub body: String,
    /// `outbound-api` for what was sent through the API.
    pub direction: String,
    /// When Twilio took it, to the second, by Twilio's clock.
    pub date_created: Option<DateTime<Utc>>,
    /// Why it was not delivered, if that is known.
    pub error_code: Option<u32>,
}

impl NewMessage {
    /// The message as the fields of Twilio's form.
    pub(super) fn form(&self) -> Vec<(&'static str, String)> {
        let mut form =
            vec![("To", self.to.clone()), ("From", self.from.clone()), ("Body", self.body.clone())];
        form.extend(self.status_callback.as_ref().map(|url| ("StatusCallback", url.to_string())));
        form.extend(self.validity_period_secs.map(|secs| ("ValidityPeriod", secs.to_string())));
        form
    }
}

impl fmt::Debug for NewMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMessage")
            .field("validity_period_secs", &self.validity_period_secs)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("sid", &self.sid)
            .field("status", &self.status)
            .field("date_created", &self.date_created)
            .field("error_code", &self.error_code)
            .finish_non_exhaustive()
    }
}

/// A message as Twilio writes it. Only the id is required: whatever else is odd about an answer,
/// a message that was taken must not look like one that was not.
#[derive(Deserialize)]
pub(super) struct WireMessage {
    sid: String,
    status: Option<String>,
    to: Option<String>,
    from: Option<String>,
    body: Option<String>,
    direction: Option<String>,
    date_created: Option<String>,
    error_code: Option<u32>,
}

/// A page of messages as Twilio writes it.
#[derive(Deserialize)]
pub(super) struct WirePage {
    pub(super) messages: Vec<WireMessage>,
}

impl From<WireMessage> for Message {
    fn from(wire: WireMessage) -> Self {
        let date = wire.date_created.and_then(|date| DateTime::parse_from_rfc2822(&date).ok());
        Self {
            sid: wire.sid,
            status: wire.status.and_then(|word| word.parse().ok()),
            to: wire.to.unwrap_or_default(),
            from: wire.from,
            body: wire.body.unwrap_or_default(),
            direction: wire.direction.unwrap_or_default(),
            date_created: date.map(|date| date.to_utc()),
            error_code: wire.error_code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKEN: &str = r#"{
        "sid": "SM0123456789abcdef0123456789abcdef", "status": "queued", "to": "+4367712345678",
        "from": "+15005550006", "body": "Code 123456", "direction": "outbound-api",
        "date_created": "Thu, 24 Aug 2023 05:01:45 +0000", "date_sent": null, "price": null,
        "error_code": null, "num_segments": "1", "a_field_of_tomorrow": {}
    }"#;

    #[test]
    fn twilios_answer_is_read_with_its_date() {
        let message: Message = serde_json::from_str::<WireMessage>(TAKEN).unwrap().into();
        assert_eq!(message.status, Some(MessageStatus::Queued));
        assert_eq!(message.direction, "outbound-api");
        assert_eq!(message.date_created.unwrap().to_rfc3339(), "2023-08-24T05:01:45+00:00");
    }

    #[test]
    fn an_unknown_status_does_not_make_a_taken_message_unreadable() {
        let wire: WireMessage =
            serde_json::from_str(r#"{"sid": "SM1", "status": "teleported"}"#).unwrap();
        assert_eq!(Message::from(wire).status, None);
    }

    #[test]
    fn debug_shows_neither_phones_nor_texts() {
        let new = NewMessage {
            to: "+4367712345678".into(),
            from: "+15005550006".into(),
            body: "Code 123456".into(),
            status_callback: Some("https://example.com/?sm=1".parse().unwrap()),
            validity_period_secs: Some(600),
        };
        let message: Message = serde_json::from_str::<WireMessage>(TAKEN).unwrap().into();
        let shown = format!("{new:?} {message:?}");
        for hidden in ["4367712345678", "15005550006", "Code", "123456,", "sm=1"] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    }
}
