//! Sending and listing messages.

use std::fmt;

use reqwest::{Method, RequestBuilder, StatusCode};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use url::Url;

use super::{
    Error, Message, NewMessage, RejectedClass,
    message::{WireMessage, WirePage},
};
use crate::{
    Secrets,
    exchange::{self, Answer},
};

/// The version of the API in every path.
const API_VERSION: &str = "2010-04-01";

/// A page of 1,000 messages, the most that Twilio gives, stays below this.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Whose account, and where.
#[derive(Clone)]
pub struct Config {
    /// `https://api.twilio.com`, or a stand-in.
    pub api_base: Url,
    /// `AC` and 32 hex digits.
    pub account_sid: String,
    /// Signs in, and signs webhooks. Each request takes the newest.
    pub auth_token: Secrets,
}

/// The address of the API is of a kind that has no path (such as `mailto:`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Twilio's API base is not an http URL")]
pub struct BadApiBase;

/// Twilio's messaging API for one account. Cheap to clone; never repeats a request by itself.
#[derive(Clone)]
pub struct Twilio {
    http: reqwest::Client,
    config: Config,
    messages: Url,
}

impl Twilio {
    /// Calls nobody yet. `http` comes from [`crate::http::client`].
    ///
    /// # Errors
    ///
    /// [`BadApiBase`] when the address is not `http` or `https`.
    pub fn new(http: reqwest::Client, config: Config) -> Result<Self, BadApiBase> {
        if !matches!(config.api_base.scheme(), "http" | "https") {
            return Err(BadApiBase);
        }
        let mut messages = config.api_base.clone();
        messages.path_segments_mut().map_err(|()| BadApiBase)?.pop_if_empty().extend([
            API_VERSION,
            "Accounts",
            &config.account_sid,
            "Messages.json",
        ]);
        Ok(Self { http, config, messages })
    }

    /// The account that is used.
    pub fn account_sid(&self) -> &str {
        &self.config.account_sid
    }

    /// With what it signs in.
    pub fn auth_token(&self) -> &Secrets {
        &self.config.auth_token
    }

    /// Hands one message to Twilio. Twilio knows no idempotency key: a repetition after
    /// [`Error::Unknown`], [`Error::ServerError`] or [`Error::Unreadable`] may send it twice.
    pub async fn send_message(&self, message: &NewMessage) -> Result<Message, Error> {
        let request = self.http.post(self.messages.clone()).form(&message.form());
        self.answer::<WireMessage>(request).await.map(Message::from)
    }

    /// The latest messages from one number to another, newest first, at most `page_size` (up to
    /// 1,000). To find out what became of a message whose answer was lost.
    pub async fn list_messages(
        &self,
        to: &str,
        from: &str,
        page_size: u16,
    ) -> Result<Vec<Message>, Error> {
        let query = [("To", to), ("From", from), ("PageSize", &page_size.to_string())];
        let request = self.http.get(self.messages.clone()).query(&query);
        let page = self.answer::<WirePage>(request).await?;
        Ok(page.messages.into_iter().map(Message::from).collect())
    }

    /// One message by Twilio's id: what became of it. Twilio knows a message for 400 days.
    pub async fn fetch_message(&self, sid: &str) -> Result<Message, Error> {
        let request = self.http.get(self.resource(&["Messages", &format!("{sid}.json")]));
        self.answer::<WireMessage>(request).await.map(Message::from)
    }

    /// Deletes a recording for good. One that is not there (any more) is no error: twice is once.
    pub async fn delete_recording(&self, sid: &str) -> Result<(), Error> {
        let url = self.resource(&["Recordings", &format!("{sid}.json")]);
        match self.taken(self.request(Method::DELETE, url)).await {
            Err(Error::Rejected { status: 404, .. }) => Ok(()),
            other => other,
        }
    }

    /// The address of a resource below the account.
    pub(super) fn resource(&self, path: &[&str]) -> Url {
        let mut url = self.messages.clone();
        // It was made of segments, so it has some.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop().extend(path);
        }
        url
    }

    /// The address of a page, as an earlier page names it: a path. An address of somewhere else is none: it would be given
    /// our token.
    pub(super) fn page(&self, path: &str) -> Option<Url> {
        let is_path = path.starts_with('/') && !path.starts_with("//");
        is_path.then(|| self.config.api_base.join(path).ok()).flatten()
    }

    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url)
    }

    pub(super) async fn answer<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, Error> {
        let (status, body) = self.body(request).await?;
        serde_json::from_slice(&body).map_err(|_| unreadable(status))
    }

    /// For requests whose answer says nothing but that they were taken.
    pub(super) async fn taken(&self, request: RequestBuilder) -> Result<(), Error> {
        self.body(request).await.map(drop)
    }

    async fn body(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Error> {
        // What Twilio would say without one.
        let token = self.config.auth_token.newest().ok_or(Error::Rejected {
            status: StatusCode::UNAUTHORIZED.as_u16(),
            code: None,
            class: RejectedClass::Account,
        })?;
        let request = request.basic_auth(&self.config.account_sid, Some(token.expose_secret()));
        let sent = exchange::send("twilio", request, ANSWER_BYTES_MAX).await;
        let Answer { status, headers, body } = sent.map_err(Error::of_transport)?;
        // The status is known by now: an answer whose body is cut off is not an unknown outcome.
        let body = body.unwrap_or_default();
        if !status.is_success() {
            return Err(Error::of_answer(status, &headers, &body));
        }
        Ok((status, body))
    }
}

fn unreadable(status: StatusCode) -> Error {
    Error::Unreadable { status: status.as_u16() }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("api_base", &self.api_base.as_str())
            .field("account_sid", &self.account_sid)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Twilio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Twilio").field("config", &self.config).finish_non_exhaustive()
    }
}
