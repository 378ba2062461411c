//! What every test of the API stands on: a database, the API on a port, Twilio's stand-in, and nobody who works. What a
//! worker would have done, a test does itself, with the very functions of the domain.

mod guest; // a person, and what is told of them
mod house; // what workers would have done
mod rows; // everything that is written, counted
mod webhook; // what Twilio posts

use std::{collections::BTreeMap, time::Duration};

use daemon::telemetry::Metrics;
use reqwest::Method;
use sandbox::{Twilio, twilio};
use tests::{Ask, TWILIO_ACCOUNT, TWILIO_TOKEN, TestApi, TestDb};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

pub(crate) use self::{guest::Guest, house::Demo, rows::Rows, webhook::Webhook};

/// The right code of every sign-up here.
pub(crate) const CODE: &str = "424242";

/// A wrong one.
pub(crate) const WRONG_CODE: &str = "131313";

/// Longer than a code can be used.
pub(crate) const CODE_OVER: Duration = Duration::from_secs(10 * 60 + 1);

/// How long a demo lasts, and a moment longer.
pub(crate) const DEMO_LASTS: Duration = Duration::from_hours(72);
pub(crate) const DEMO_OVER: Duration = Duration::from_secs(72 * 3600 + 1);

/// All of it.
pub(crate) struct Stage {
    pub(crate) api: TestApi,
    pub(crate) twilio: twilio::Handle,
    pub(crate) db: TestDb,
    variables: BTreeMap<String, String>,
    _sandbox: AbortOnDropHandle<std::io::Result<()>>,
}

impl Stage {
    /// With everything as usual.
    pub(crate) async fn open() -> Stage {
        Stage::with(&[]).await
    }

    /// With some variables of the environment set otherwise; an empty value means not set.
    pub(crate) async fn with(changes: &[(&str, &str)]) -> Stage {
        Stage::measured(changes, Metrics::detached()).await
    }

    /// With the process's own metrics.
    pub(crate) async fn measured(changes: &[(&str, &str)], metrics: Metrics) -> Stage {
        let db = TestDb::new().await;
        // Nobody works here, so every job is left.
        db.may_leave_jobs();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = twilio::Options::new(TWILIO_ACCOUNT, TWILIO_TOKEN);
        let stop = CancellationToken::new();
        let (twilio, serving) = Twilio::serve(listener, options, stop).await.unwrap();
        let sandbox = AbortOnDropHandle::new(tokio::spawn(serving));
        let mut variables = tests::variables();
        variables.insert("TWILIO_API_BASE".to_owned(), twilio.base_url().to_string());
        variables.extend(changes.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let api = TestApi::start(db.engine_config(), &variables, metrics).await;
        Stage { api, twilio, db, variables, _sandbox: sandbox }
    }

    /// Another instance on the same database.
    pub(crate) async fn another_api(&self) -> TestApi {
        TestApi::start(self.db.engine_config(), &self.variables, Metrics::detached()).await
    }

    pub(crate) fn get(&self, path: &str) -> Ask {
        self.api.get(path)
    }

    pub(crate) fn post(&self, path: &str) -> Ask {
        self.api.post(path)
    }

    pub(crate) fn ask(&self, method: &Method, path: &str) -> Ask {
        self.api.ask(method, path)
    }
}

/// The API only checks and enqueues: whatever was asked of it, no provider heard of it.
impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.twilio.requests_total(), 0, "the API spoke to a provider");
        }
    }
}
