//! Calls that we place.

use std::fmt;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::Deserialize;

use super::{Error, Twilio};

/// A call to be placed.
#[derive(Clone)]
pub struct NewCall {
    /// Whom to ring, E.164.
    pub to: String,
    /// Our number, E.164.
    pub from: String,
    /// What is said: at most 4,000 characters of TwiML, sent with the request, so that it is never served by an address that
    /// somebody else could read.
    pub twiml: String,
    /// After this many seconds of ringing nobody is there.
    pub timeout_secs: u32,
}

/// Where a call is, in Twilio's words (API definition 2010-04-01, "Call").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallStatus {
    /// Waiting, ringing or being spoken.
    UnderWay,
    /// Somebody, or something, picked up and heard it.
    Completed,
    /// The line was taken.
    Busy,
    /// Nobody picked up.
    NoAnswer,
    /// It could not be connected.
    Failed,
    /// Taken back before it was answered.
    Canceled,
}

impl CallStatus {
    /// Reads Twilio's word; `None` for one that this version does not know.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "queued" | "initiated" | "ringing" | "in-progress" => Self::UnderWay,
            "completed" => Self::Completed,
            "busy" => Self::Busy,
            "no-answer" => Self::NoAnswer,
            "failed" => Self::Failed,
            "canceled" => Self::Canceled,
            _ => return None,
        })
    }
}

/// A call that Twilio knows.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// `CA` and 32 hex digits.
    pub sid: String,
    /// `None`: a word that this version does not know.
    pub status: Option<CallStatus>,
    /// `outbound-api` for what was placed through the API.
    pub direction: String,
    /// When Twilio took it, to the second, by Twilio's clock.
    pub date_created: Option<DateTime<Utc>>,
}

impl Twilio {
    /// Places a call. Twilio knows no idempotency key for it: a repetition after an error that leaves the outcome open may
    /// ring twice.
    pub async fn create_call(&self, call: &NewCall) -> Result<Call, Error> {
        let form = [
            ("To", call.to.clone()),
            ("From", call.from.clone()),
            ("Twiml", call.twiml.clone()),
            ("Timeout", call.timeout_secs.to_string()),
        ];
        let request = self.request(Method::POST, self.resource(&["Calls.json"])).form(&form);
        self.answer::<WireCall>(request).await.map(Call::from)
    }

    /// The latest calls from one number to another, newest first, at most `page_size`.
    pub async fn list_calls(
        &self,
        to: &str,
        from: &str,
        page_size: u16,
    ) -> Result<Vec<Call>, Error> {
        let query = [("To", to), ("From", from), ("PageSize", &page_size.to_string())];
        let request = self.request(Method::GET, self.resource(&["Calls.json"])).query(&query);
        let page = self.answer::<WirePage>(request).await?;
        Ok(page.calls.into_iter().map(Call::from).collect())
    }

    /// One call by Twilio's id.
    pub async fn fetch_call(&self, sid: &str) -> Result<Call, Error> {
        let request = self.request(Method::GET, self.resource(&["Calls", &format!("{sid}.json")]));
        self.answer::<WireCall>(request).await.map(Call::from)
    }
}

impl fmt::Debug for NewCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCall").field("timeout_secs", &self.timeout_secs).finish_non_exhaustive()
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("sid", &self.sid)
            .field("status", &self.status)
            .field("date_created", &self.date_created)
            .finish_non_exhaustive()
    }
}

/// A call as Twilio writes it. Only the id is required: one that was placed must not look like one that was not.
#[derive(Deserialize)]
struct WireCall {
    sid: String,
    status: Option<String>,
    direction: Option<String>,
    date_created: Option<String>,
}

#[derive(Deserialize)]
struct WirePage {
    calls: Vec<WireCall>,
}

impl From<WireCall> for Call {
    fn from(wire: WireCall) -> Self {
        let date = wire.date_created.and_then(|date| DateTime::parse_from_rfc2822(&date).ok());
        Self {
            sid: wire.sid,
            status: wire.status.as_deref().and_then(CallStatus::of),
            direction: wire.direction.unwrap_or_default(),
            date_created: date.map(|date| date.to_utc()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_read_and_a_new_word_does_not_hide_it() {
        let text = r#"{"sid": "CA1", "status": "no-answer", "direction": "outbound-api",
                       "date_created": "Thu, 24 Aug 2023 05:01:45 +0000", "more": 1}"#;
        let call: Call = serde_json::from_str::<WireCall>(text).unwrap().into();
        assert_eq!(call.status, Some(CallStatus::NoAnswer));
        assert_eq!(call.date_created.unwrap().to_rfc3339(), "2023-08-24T05:01:45+00:00");
        let odd: Call = serde_json::from_str::<WireCall>(r#"{"sid": "CA1", "status": "beamed"}"#)
            .unwrap()
            .into();
        assert_eq!(odd.status, None);
    }

    #[test]
    fn debug_shows_neither_phone_nor_words() {
        let call = NewCall {
            to: "+4367712345678".into(),
            from: "+15005550006".into(),
            twiml: "<Response><Say>1 2 3</Say></Response>".into(),
            timeout_secs: 30,
        };
        let shown = format!("{call:?}");
        assert!(!shown.contains("4367") && !shown.contains("Say") && !shown.contains("1500"));
    }
}
