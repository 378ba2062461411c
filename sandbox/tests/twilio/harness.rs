//! A sandbox on a free port, a client for it, and a receiver of webhooks.

use std::{io, time::Duration};

use clients::{
    http,
    twilio::{Config, Error, Message, NewMessage, Twilio},
};
use sandbox::twilio::{Handle, Options};
use secrecy::SecretString;
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use url::Url;

pub(crate) const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub(crate) const ALICE: &str = "+4367712345678";
pub(crate) const BOB: &str = "+4915112345678";
pub(crate) const OURS: &str = "+15005550006";

/// Longer than anything here takes on a busy machine; a deadlock fails by it.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn token() -> SecretString {
    "sandbox-token".into()
}

/// Quick, and with a coin that always falls the same way.
pub(crate) fn options() -> Options {
    Options { callback_delay: Duration::ZERO, seed: Some(7), ..Options::new(ACCOUNT, token()) }
}

pub(crate) struct Sandbox {
    pub(crate) handle: Handle,
    pub(crate) twilio: Twilio,
    pub(crate) http: reqwest::Client,
    stop: CancellationToken,
    work: JoinHandle<io::Result<()>>,
}

impl Sandbox {
    pub(crate) async fn start() -> Self {
        Self::start_with(options()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let stop = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (handle, work) = sandbox::Twilio::serve(listener, options, stop.clone()).await.unwrap();
        let work = tokio::spawn(work);
        let http = http::client(http::REQUEST_TIMEOUT).unwrap();
        let twilio = client(handle.base_url(), ACCOUNT, token(), http.clone());
        Self { handle, twilio, http, stop, work }
    }

    /// Stops and waits for the end.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        timeout(DEADLINE, self.work).await.expect("the sandbox does not stop").unwrap().unwrap();
    }

    pub(crate) async fn send(&self, to: &str, body: &str) -> Result<Message, Error> {
        self.twilio.send_message(&text(to, body)).await
    }

    /// Waits until the sandbox is as `look` wants it.
    pub(crate) async fn until(&self, look: impl Fn(&Handle) -> bool) {
        let waited = self.handle.until(|handle| look(handle).then_some(()));
        timeout(DEADLINE, waited).await.expect("the sandbox does not get there");
    }

    /// `POST /_sandbox/{verb}`: the status and the body.
    pub(crate) async fn control(&self, verb: &str, body: &str) -> (u16, String) {
        let url = self.url(&format!("_sandbox/{verb}"));
        let answer = self.http.post(url).body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        self.http.get(self.url(path)).send().await.unwrap().text().await.unwrap()
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        self.handle.base_url().join(path).unwrap()
    }

    /// Requests and effects of sending and listing.
    pub(crate) fn traffic(&self) -> (u64, u64) {
        let paths = self.handle.requests();
        let requests = paths.values().map(|traffic| traffic.requests).sum();
        (requests, paths.values().map(|traffic| traffic.effects).sum())
    }
}

pub(crate) fn client(
    base: &Url,
    account: &str,
    token: SecretString,
    http: reqwest::Client,
) -> Twilio {
    let config = Config {
        api_base: base.clone(),
        account_sid: account.to_owned(),
        auth_token: token.into(),
    };
    Twilio::new(http, config).unwrap()
}

pub(crate) fn text(to: &str, body: &str) -> NewMessage {
    NewMessage {
        to: to.to_owned(),
        from: OURS.to_owned(),
        body: body.to_owned(),
        status_callback: None,
        validity_period_secs: Some(600),
    }
}
