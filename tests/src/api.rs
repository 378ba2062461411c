//! The API as a process has one, but in this process: on a port of its own, with its own engine. And a client that holds
//! every answer to what all answers promise.

mod ask; // a request, and its answer

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use api::{ApiState, Config};
use daemon::{config::Env, probes::Probes, telemetry::Metrics};
use engine::Engine;
use reqwest::Method;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

pub use self::ask::{Answer, Ask};

/// How the outside reaches the API, as it is configured. Nothing listens there: signatures and links are made of it.
pub const PUBLIC_BASE_URL: &str = "https://demo.trunkline.test";

/// The operators' key.
pub const ADMIN_KEY: &str = "operators-key-of-the-tests";

/// The server's part of every keyed hash.
pub const PEPPER: &str = "pepper-of-the-tests-0123456789abcdef";

/// The account at Twilio.
pub const TWILIO_ACCOUNT: &str = "AC00000000000000000000000000000001";

/// With which webhooks are signed.
pub const TWILIO_TOKEN: &str = "auth-token-of-the-tests-now";

/// With which they were signed before.
pub const TWILIO_TOKEN_BEFORE: &str = "auth-token-of-the-tests-before";

/// Longer than the API lets a request take.
const ANSWER_WITHIN: Duration = Duration::from_secs(40);

/// What an API is told by its environment, where a test does not say otherwise.
pub fn variables() -> BTreeMap<String, String> {
    [
        ("PUBLIC_BASE_URL", PUBLIC_BASE_URL),
        ("ADMIN_API_KEY", ADMIN_KEY),
        ("TRUNKLINE_PEPPER", PEPPER),
        ("TWILIO_ACCOUNT_SID", TWILIO_ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TWILIO_TOKEN),
        ("TWILIO_AUTH_TOKEN_PREVIOUS", TWILIO_TOKEN_BEFORE),
        ("TRUNKLINE_TRUSTED_PROXIES", "127.0.0.0/8"),
        // All of a test's people come from one address; what counts them has tests of its own.
        ("TRUNKLINE_REQUESTS_PER_MINUTE", "0"),
        ("TRUNKLINE_TRY_KINDS", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// A running API. Dropped, it is gone.
pub struct TestApi {
    address: SocketAddr,
    http: reqwest::Client,
    engine: Engine,
    drain: CancellationToken,
    serving: AbortOnDropHandle<std::io::Result<()>>,
}

impl TestApi {
    /// Connects, listens, serves.
    ///
    /// # Panics
    /// When the variables have mistakes or the database is not there.
    pub async fn start(
        engine: engine::Config,
        variables: &BTreeMap<String, String>,
        metrics: Metrics,
    ) -> TestApi {
        let env = Env::new(|name| variables.get(name).cloned());
        let config = Config::read(&env);
        let config = env.finish(config).expect("a configuration without mistakes");
        let registry = Arc::new(workflows::registry(config.try_kinds));
        let engine = Engine::connect(engine, &registry).await.expect("an engine");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let drain = CancellationToken::new();
        let probes = Probes::new(drain.clone());
        let state = ApiState::new(engine.clone(), registry, config, probes, metrics);
        let serving = tokio::spawn(api::serve(listener, state, drain.clone()));
        let http = clients::http::client(ANSWER_WITHIN).expect("a client");
        TestApi { address, http, engine, drain, serving: AbortOnDropHandle::new(serving) }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its engine, for arranging what no request can.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Ask {
        self.ask(&Method::GET, path)
    }

    /// A POST.
    pub fn post(&self, path: &str) -> Ask {
        self.ask(&Method::POST, path)
    }

    /// Any request. `path` may be a whole address under [`PUBLIC_BASE_URL`].
    pub fn ask(&self, method: &Method, path: &str) -> Ask {
        let path = path.strip_prefix(PUBLIC_BASE_URL).unwrap_or(path);
        let url = format!("http://{}{path}", self.address);
        Ask::new(self.http.request(method.clone(), url), format!("{method} {path}"))
    }

    /// As SIGTERM: takes nothing new, answers what it has begun, ends.
    pub async fn stop(self) {
        self.drain.cancel();
        self.serving.await.expect("it serves to the end").expect("it ends well");
        self.engine.close().await;
    }
}
