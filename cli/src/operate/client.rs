//! Asking the API: where it is, with which key, and what an answer means for the exit code.

use std::{path::Path, process::ExitCode, time::Duration};

use anyhow::{Context, anyhow};
use clap::ArgMatches;
use daemon::config::Env;
use reqwest::{
    Method, Response, StatusCode,
    header::{self, HeaderMap},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::ended::{forbidden, usage};
use crate::demo::running;

/// How it ended. The numbers are fixed; scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// As wished.
    Done,
    /// Something is wrong that no other number stands for.
    Failed,
    /// What was asked cannot be asked like that.
    Usage,
    /// There is no such thing.
    NotFound,
    /// It is not in the state for it, or was changed in the meantime.
    Conflict,
    /// The key is missing, wrong or not enough.
    Forbidden,
    /// Too often.
    RateLimited,
    /// Nobody answers, or not in time.
    Unreachable,
    /// Of many jobs, some could not be seen to, or it went no further; of a list, not all was read.
    Partly,
}

impl Told {
    const fn code(self) -> u8 {
        match self {
            Told::Done => 0,
            Told::Failed => 1,
            Told::Usage => 2,
            Told::NotFound => 3,
            Told::Conflict => 4,
            Told::Forbidden => 5,
            Told::RateLimited => 6,
            Told::Unreachable => 7,
            Told::Partly => 8,
        }
    }

    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(self.code())
    }

    /// How it ended that an answer was read: one that says that the system is not well is no good news.
    pub(crate) fn by(answer: &Value) -> Told {
        if answer["status"] == DEGRADED { Told::Failed } else { Told::Done }
    }

    fn of(status: StatusCode) -> Told {
        match status {
            status if status.is_success() => Told::Done,
            StatusCode::BAD_REQUEST
            | StatusCode::UNPROCESSABLE_ENTITY
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::PAYLOAD_TOO_LARGE => Told::Usage,
            StatusCode::NOT_FOUND => Told::NotFound,
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Told::Conflict,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Told::Forbidden,
            StatusCode::TOO_MANY_REQUESTS => Told::RateLimited,
            // A proxy's word that nobody is behind it, or our own that it is not now.
            StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Told::Unreachable,
            _ => Told::Failed,
        }
    }
}

/// What a system says of itself that is not well.
const DEGRADED: &str = "degraded";

/// A key's limit is by the minute. Whoever is told to come back later than that has met another one, and would wait in vain.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// Waits for one answer. After the first a key has its whole limit again; that it is used up before we ask five times in a row
/// means that others with the same key leave nothing.
const WAITS_MAX: usize = 5;

/// Somebody who asks an API.
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    key: SecretString,
}

impl Client {
    /// The API that was named, or that of the dev instance that runs here.
    pub(crate) fn find(matches: &ArgMatches) -> anyhow::Result<Client> {
        Client::at(matches.get_one::<String>("url").map(String::as_str))
    }

    pub(crate) fn at(url: Option<&str>) -> anyhow::Result<Client> {
        let env = Env::of_process();
        let configured = env.var("TRUNKLINE_URL").url(&["http", "https"]).optional();
        let key: Option<SecretString> =
            env.var(["TRUNKLINE_API_KEY", "ADMIN_API_KEY"]).secret(1).optional();
        let (configured, key) =
            env.finish((configured, key)).map_err(|mistakes| usage(mistakes.into()))?;
        let url = url.map(|url| url.trim_end_matches('/').to_owned()).or(configured);
        let (base, key) = match (url, key) {
            (Some(url), Some(key)) => (url, key),
            (Some(_), None) => return Err(forbidden(anyhow!("no key: set TRUNKLINE_API_KEY"))),
            (None, key) => {
                let dev = running(Path::new(".trunkline"));
                let dev = dev.context("which API? Set TRUNKLINE_URL and TRUNKLINE_API_KEY, or start `trunkline dev` here");
                let dev = dev.map_err(usage)?;
                (dev.api, key.unwrap_or_else(|| dev.admin_api_key.into()))
            }
        };
        Url::parse(&base).with_context(|| format!("{base}: not a URL")).map_err(usage)?;
        let http = clients::http::client(clients::http::REQUEST_TIMEOUT * 3)?;
        Ok(Client { http, base, key })
    }

    /// A GET. The inner error: it was refused, and why is said.
    pub(crate) async fn get(
        &self,
        path: &str,
        query: &[(String, String)],
    ) -> anyhow::Result<Result<Value, Told>> {
        match self.asked(path, query).await? {
            Ok(response) => heard(response, None).await,
            Err(told) => Ok(Err(told)),
        }
    }

    /// One of many GETs that belong together, and not the first of them: told that these were too many, it waits until there
    /// may be more, for what was read so far would be lost.
    pub(super) async fn get_next(
        &self,
        path: &str,
        query: &[(String, String)],
    ) -> anyhow::Result<Result<Value, Told>> {
        for _ in 0..WAITS_MAX {
            let response = match self.asked(path, query).await? {
                Ok(response) => response,
                Err(told) => return Ok(Err(told)),
            };
            let Some(wait) = wait(response.status(), response.headers()) else {
                return heard(response, None).await;
            };
            eprintln!(
                "trunkline: as often as this key may in a minute; it goes on in {} s",
                wait.as_secs()
            );
            pause(wait).await;
        }
        self.get(path, query).await
    }

    async fn asked(
        &self,
        path: &str,
        query: &[(String, String)],
    ) -> anyhow::Result<Result<Response, Told>> {
        let mut url = Url::parse(&format!("{}{path}", self.base)).context("the API's address")?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let sent = self.http.get(url).bearer_auth(self.key.expose_secret()).send().await;
        Ok(sent.map_err(|error| unreachable(&error, None)))
    }

    /// A POST, under a key.
    pub(crate) async fn post(
        &self,
        path: &str,
        body: &Value,
        key: &str,
    ) -> anyhow::Result<Result<Value, Told>> {
        self.send(Method::POST, path, Some(body), (Some(key), None)).await
    }

    /// Any request. The conditions: under which key it is done once, and which `ETag` it is about.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        (key, if_match): (Option<&str>, Option<&str>),
    ) -> anyhow::Result<Result<Value, Told>> {
        let ask = self.http.request(method, format!("{}{path}", self.base));
        let mut ask = ask.bearer_auth(self.key.expose_secret());
        if let Some(key) = key {
            ask = ask.header("idempotency-key", key);
        }
        if let Some(tag) = if_match {
            ask = ask.header(header::IF_MATCH, quoted(tag));
        }
        if let Some(body) = body {
            ask = ask.json(body);
        }
        match ask.send().await {
            Ok(response) => heard(response, key).await,
            Err(error) => Ok(Err(unreachable(&error, key))),
        }
    }
}

/// The body of a good answer; of another one what it says is wrong, on stderr, and with which key it can be sent again if
/// nobody knows whether it was done.
async fn heard(response: Response, key: Option<&str>) -> anyhow::Result<Result<Value, Told>> {
    let status = response.status();
    let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let tag = tag.map(|tag| tag.trim_matches('"').to_owned());
    let text = match response.text().await {
        Ok(text) => text,
        Err(error) => {
            eprintln!("trunkline: the answer broke off: {error}");
            say_again(key);
            return Ok(Err(Told::Unreachable));
        }
    };
    let mut body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    // So that it can be named when the thing is changed.
    if let (Some(tag), Some(members)) = (tag, body.as_object_mut()) {
        members.insert("etag".to_owned(), tag.into());
    }
    let told = Told::of(status);
    // A system that is not well says so with 503, and how it is: that is an answer.
    let is_told = status == StatusCode::SERVICE_UNAVAILABLE && body["status"] == DEGRADED;
    if told == Told::Done || is_told {
        return Ok(Ok(body));
    }
    complain(status, &body);
    if status.is_server_error() {
        say_again(key);
    }
    Ok(Err(told))
}

/// How long to wait before the same is asked again, where that is of use.
fn wait(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let after = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    let wait = Duration::from_secs(after.parse().ok()?);
    (status == StatusCode::TOO_MANY_REQUESTS && wait <= WAIT_MAX).then_some(wait)
}

#[expect(clippy::disallowed_methods, reason = "the API has said when it is worth asking again")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// A tag as the header has it, with or without its quotes.
fn quoted(tag: &str) -> String {
    let is_whole = tag == "*" || tag.contains('"');
    if is_whole { tag.to_owned() } else { format!("\"{tag}\"") }
}

fn complain(status: StatusCode, problem: &Value) {
    let word = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    if problem["code"].is_string() {
        eprintln!("trunkline: {} {}: {}", status.as_u16(), word("code"), word("detail"));
    } else {
        // Not by the API: a proxy's page is of no use here.
        eprintln!("trunkline: {status}");
    }
    for error in problem["errors"].as_array().into_iter().flatten() {
        let part = |name: &str| error[name].as_str().unwrap_or_default();
        eprintln!("  {} {}", part("pointer"), part("detail"));
    }
    if problem["instance"].is_string() {
        eprintln!("  (request {})", word("instance"));
    }
}

fn unreachable(error: &reqwest::Error, key: Option<&str>) -> Told {
    // Nothing has left: what was given does not fit into a request.
    if error.is_builder() {
        eprintln!("trunkline: it cannot be sent like that: {error}");
        return Told::Usage;
    }
    eprintln!("trunkline: the API does not answer: {error}");
    say_again(key.filter(|_| !error.is_connect()));
    Told::Unreachable
}

/// How an order of which nobody knows whether it was done is sent again without being done twice.
fn say_again(key: Option<&str>) {
    if let Some(key) = key {
        eprintln!(
            "  Whether it was done is not known. To be sure, send it again with --idempotency-key {key}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_may_be_given_without_its_quotes() {
        assert_eq!(["ab", "\"ab\"", "*"].map(quoted), ["\"ab\"", "\"ab\"", "*"]);
    }

    #[test]
    fn every_kind_of_answer_has_its_number() {
        let number = |status| Told::of(StatusCode::from_u16(status).unwrap()).code();
        let told = [200, 202, 500, 422, 404, 409, 412, 401, 403, 429, 502, 503, 504].map(number);
        assert_eq!(told, [0, 0, 1, 2, 3, 4, 4, 5, 5, 6, 7, 7, 7]);
    }

    #[test]
    fn it_waits_only_for_what_is_over_in_a_minute() {
        let told = |status, after: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, after.parse().unwrap());
            wait(status, &headers).map(|wait| wait.as_secs())
        };
        let too_many = StatusCode::TOO_MANY_REQUESTS;
        let waits = ["1", "60", "61", "soon"].map(|after| told(too_many, after));
        assert_eq!(waits, [Some(1), Some(60), None, None]);
        assert_eq!(told(StatusCode::SERVICE_UNAVAILABLE, "1"), None);
        assert_eq!(wait(too_many, &HeaderMap::new()), None);
    }
}
