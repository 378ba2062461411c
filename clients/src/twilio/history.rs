//! Twilio's own lists of calls and messages since an instant, a page at a time: for finding out what nobody told us.
//! ("Call resource" and "Message resource", read multiple.)

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use reqwest::Method;
use serde::{Deserialize, de::DeserializeOwned};

use super::{Error, Twilio};

/// Items of a page. Twilio gives up to 1,000; these make an answer, and a checkpoint, of a few tens of kilobytes.
const PAGE_SIZE: u16 = 200;

/// A part of a list.
#[derive(Clone, Debug)]
pub struct HistoryPage<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the older ones are, if there are any: to be given back as it is.
    pub next: Option<String>,
}

/// A call as Twilio's list shows it.
#[derive(Clone)]
pub struct CallRecord {
    /// `CA` and 32 hex digits.
    pub sid: String,
    /// Twilio's word.
    pub status: String,
    /// Whether somebody rang us.
    pub is_inbound: bool,
    /// The caller: a phone, or something else.
    pub from: Option<String>,
    /// The callee.
    pub to: Option<String>,
    /// How long it was spoken.
    pub duration_secs: Option<i32>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A message as Twilio's list shows it.
#[derive(Clone, Debug)]
pub struct MessageRecord {
    /// `SM` or `MM` and 32 hex digits.
    pub sid: String,
    /// Twilio's word.
    pub status: String,
    /// Whether somebody wrote to us.
    pub is_inbound: bool,
    /// Why it was not delivered.
    pub error_code: Option<i32>,
    /// When that was news.
    pub updated_at: Option<DateTime<Utc>>,
}

impl Twilio {
    /// Calls that began since then, newest first; `next` is that of the page before.
    pub async fn calls_since(
        &self,
        since: DateTime<Utc>,
        next: Option<&str>,
    ) -> Result<HistoryPage<CallRecord>, Error> {
        let page: CallPage = self.history("Calls.json", "StartTime>", since, next).await?;
        let items = page.calls.into_iter().map(CallRecord::from).collect();
        Ok(HistoryPage { items, next: page.next_page_uri })
    }

    /// Messages that were sent or received since then, newest first; `next` is that of the page before.
    pub async fn messages_since(
        &self,
        since: DateTime<Utc>,
        next: Option<&str>,
    ) -> Result<HistoryPage<MessageRecord>, Error> {
        let page: MessagePage = self.history("Messages.json", "DateSent>", since, next).await?;
        let items = page.messages.into_iter().map(MessageRecord::from).collect();
        Ok(HistoryPage { items, next: page.next_page_uri })
    }

    /// One call by Twilio's id, with its end.
    pub async fn call_record(&self, sid: &str) -> Result<CallRecord, Error> {
        let request = self.request(Method::GET, self.resource(&["Calls", &format!("{sid}.json")]));
        self.answer::<WireCall>(request).await.map(CallRecord::from)
    }

    async fn history<T: DeserializeOwned>(
        &self,
        list: &str,
        filter: &str,
        since: DateTime<Utc>,
        next: Option<&str>,
    ) -> Result<T, Error> {
        let mut url = self.resource(&[list]);
        // Only its query is taken over: the path is ours, wherever an answer would lead us.
        match next.and_then(|uri| uri.split_once('?')) {
            Some((_, query)) => url.set_query(Some(query)),
            None => {
                url.query_pairs_mut()
                    .append_pair(filter, &since.to_rfc3339_opts(SecondsFormat::Secs, true))
                    .append_pair("PageSize", &PAGE_SIZE.to_string());
            }
        }
        self.answer(self.request(Method::GET, url)).await
    }
}

impl fmt::Debug for CallRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallRecord")
            .field("sid", &self.sid)
            .field("status", &self.status)
            .field("duration_secs", &self.duration_secs)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct CallPage {
    calls: Vec<WireCall>,
    next_page_uri: Option<String>,
}

#[derive(Deserialize)]
struct MessagePage {
    messages: Vec<WireMessage>,
    next_page_uri: Option<String>,
}

#[derive(Deserialize)]
struct WireCall {
    sid: String,
    status: Option<String>,
    direction: Option<String>,
    from: Option<String>,
    to: Option<String>,
    duration: Option<String>,
    end_time: Option<String>,
}

#[derive(Deserialize)]
struct WireMessage {
    sid: String,
    status: Option<String>,
    direction: Option<String>,
    error_code: Option<i32>,
    date_updated: Option<String>,
}

fn instant(text: Option<&String>) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text?).ok().map(|it| it.to_utc())
}

impl From<WireCall> for CallRecord {
    fn from(wire: WireCall) -> Self {
        Self {
            is_inbound: wire.direction.as_deref() == Some("inbound"),
            duration_secs: wire.duration.and_then(|secs| secs.parse().ok()),
            ended_at: instant(wire.end_time.as_ref()),
            sid: wire.sid,
            status: wire.status.unwrap_or_default(),
            from: wire.from,
            to: wire.to,
        }
    }
}

impl From<WireMessage> for MessageRecord {
    fn from(wire: WireMessage) -> Self {
        Self {
            is_inbound: wire.direction.as_deref() == Some("inbound"),
            updated_at: instant(wire.date_updated.as_ref()),
            sid: wire.sid,
            status: wire.status.unwrap_or_default(),
            error_code: wire.error_code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_the_list_is_read_and_shows_no_phone() {
        let text = r#"{"sid": "CA1", "status": "completed", "direction": "inbound", "from": "+4367712345678",
                       "to": "+15005550006", "duration": "42", "end_time": "Thu, 24 Aug 2023 05:01:45 +0000"}"#;
        let call = CallRecord::from(serde_json::from_str::<WireCall>(text).unwrap());
        assert_eq!((call.is_inbound, call.duration_secs), (true, Some(42)));
        assert_eq!(call.ended_at.unwrap().to_rfc3339(), "2023-08-24T05:01:45+00:00");
        assert!(!format!("{call:?}").contains("43677"));
    }
}
