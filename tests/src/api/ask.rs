//! A request, and its answer.

use std::net::IpAddr;

use reqwest::{
    RequestBuilder,
    header::{CONTENT_TYPE, HeaderMap, SET_COOKIE},
};
use serde_json::Value;

use super::ADMIN_KEY;

/// A request that is being put together.
pub struct Ask {
    request: RequestBuilder,
    what: String,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What was asked: method and path.
    pub what: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Ask {
    pub(super) fn new(request: RequestBuilder, what: String) -> Ask {
        Ask { request, what }
    }

    fn map(self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Ask {
        Ask { request: change(self.request), what: self.what }
    }

    /// With a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Ask {
        self.map(|request| request.header(name, value))
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Ask {
        self.map(|request| request.json(body))
    }

    /// With any body.
    #[must_use]
    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Ask {
        let body = body.into();
        self.map(|request| request.header(CONTENT_TYPE, content_type).body(body))
    }

    /// From another address, said by the proxy in front.
    #[must_use]
    pub fn from_ip(self, ip: impl Into<IpAddr>) -> Ask {
        let ip = ip.into().to_string();
        self.header("x-forwarded-for", &ip)
    }

    /// With a bearer token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Ask {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// As an operator.
    #[must_use]
    pub fn as_operator(self) -> Ask {
        self.bearer(ADMIN_KEY)
    }

    /// With a cookie, such as [`Answer::cookie`] gives.
    #[must_use]
    pub fn cookie(self, cookie: &str) -> Ask {
        self.header("cookie", cookie)
    }

    /// Asks, and checks what holds for every answer.
    ///
    /// # Panics
    /// When there is no answer, the API is at fault, or an error is no problem as all are.
    pub async fn send(self) -> Answer {
        let answer = self.send_unchecked().await;
        assert!(answer.status < 500, "{}", answer.describe());
        if answer.status >= 400 {
            answer.check_problem();
        }
        answer
    }

    /// Asks. For answers that may be the API's fault.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send_unchecked(self) -> Answer {
        let what = self.what;
        let response = self.request.send().await;
        let response = response.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        Answer { what, status, headers, text }
    }
}

impl Answer {
    /// The body, read. Null if there is none.
    ///
    /// # Panics
    /// When it is no JSON.
    pub fn json(&self) -> Value {
        if self.text.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.describe()))
    }

    /// The body of an answer with this status.
    ///
    /// # Panics
    /// When it has another.
    #[track_caller]
    pub fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.describe());
        self.json()
    }

    /// An answer in XML with this body.
    ///
    /// # Panics
    /// When it is another.
    #[track_caller]
    pub fn is_xml(&self, status: u16, body: &str) {
        assert_eq!(self.status, status, "{}", self.describe());
        assert_eq!(self.header("content-type"), "text/xml; charset=utf-8", "{}", self.describe());
        assert_eq!(self.text, body);
    }

    /// The body of a problem with this status and code.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.is(status);
        assert_eq!(body["code"], code, "{}", self.describe());
        body
    }

    /// A header's text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The cookie that it sets, as a request carries it.
    ///
    /// # Panics
    /// When it sets none.
    #[track_caller]
    pub fn cookie(&self) -> String {
        let set = self.headers.get(SET_COOKIE).and_then(|value| value.to_str().ok());
        let set = set.unwrap_or_else(|| panic!("no cookie: {}", self.describe()));
        set.split(';').next().unwrap_or_default().to_owned()
    }

    /// The body without what differs between two requests that are treated alike: the request's id.
    pub fn text_without_instance(&self) -> String {
        self.text.replace(self.header("x-request-id"), "")
    }

    fn describe(&self) -> String {
        format!("{}: {} {:?}\n{}", self.what, self.status, self.headers, self.text)
    }

    /// Every error is a problem that says its code, its status and the request.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn check_problem(&self) {
        let described = self.describe();
        assert_eq!(self.header("content-type"), "application/problem+json", "{described}");
        let body = self.json();
        assert!(body["code"].as_str().is_some_and(|code| !code.is_empty()), "{described}");
        assert!(body["title"].is_string() && body["detail"].is_string(), "{described}");
        assert_eq!(body["status"], self.status, "{described}");
        assert_eq!(body["instance"], self.header("x-request-id"), "{described}");
        assert!(!self.header("x-request-id").is_empty(), "{described}");
    }
}
