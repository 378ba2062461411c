//! What every handler has in its hands.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use daemon::{probes::Probes, telemetry::Metrics};
use domain::{Digest, scope};
use engine::{Engine, Registry, Tx};
use secrecy::ExposeSecret;
use workflows::Trunkline;

use crate::{config::Config, edge::Visitors, problem::Problem};

/// The API's parts. Clones are the same.
#[derive(Clone)]
pub struct ApiState(Arc<Inner>);

struct Inner {
    engine: Engine,
    registry: Arc<Registry<Trunkline>>,
    config: Config,
    probes: Probes,
    metrics: Metrics,
    admin_key: Digest,
    cron_secret: Option<Digest>,
    visitors: Visitors,
    strangers: Visitors,
    started: Instant,
}

impl ApiState {
    /// Puts the parts together. `probes` and `metrics` are the process's, shared with whatever else runs in it.
    pub fn new(
        engine: Engine,
        registry: Arc<Registry<Trunkline>>,
        config: Config,
        probes: Probes,
        metrics: Metrics,
    ) -> ApiState {
        let admin_key = Digest::of(config.admin_api_key.expose_secret().as_bytes());
        let cron_secret = config.cron_secret.as_ref();
        let cron_secret = cron_secret.map(|key| Digest::of(key.expose_secret().as_bytes()));
        ApiState(Arc::new(Inner {
            engine,
            registry,
            config,
            probes,
            metrics,
            admin_key,
            cron_secret,
            visitors: Visitors::default(),
            strangers: Visitors::default(),
            started: Instant::now(),
        }))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn registry(&self) -> &Registry<Trunkline> {
        &self.0.registry
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn probes(&self) -> &Probes {
        &self.0.probes
    }

    pub(crate) fn visitors(&self) -> &Visitors {
        &self.0.visitors
    }

    /// Addresses that tried wrong keys.
    pub(crate) fn strangers(&self) -> &Visitors {
        &self.0.strangers
    }

    /// For how long this process has been the API.
    pub(crate) fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    pub(crate) fn metrics(&self) -> Metrics {
        self.0.metrics.clone()
    }

    /// Whether this is the operators' key. Both sides are hashed, so that neither length nor content shows in the time.
    pub(crate) fn is_admin_key(&self, given: &str) -> bool {
        Digest::of(given.as_bytes()) == self.0.admin_key
    }

    /// Whether this is the outside clock's key, compared in the same way. Where none is configured, nothing is.
    pub(crate) fn is_cron_secret(&self, given: &str) -> bool {
        self.0.cron_secret.as_ref().is_some_and(|key| Digest::of(given.as_bytes()) == *key)
    }

    /// A transaction that sees every tenant: for sign-ups, logins, webhooks and operators. A handler that goes on for one
    /// tenant narrows it.
    pub(crate) async fn begin(&self) -> Result<Tx, Problem> {
        let mut tx = self.0.engine.begin().await?;
        scope::platform(&mut tx).await?;
        Ok(tx)
    }

    /// The address of one of our own pages.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0.config.public_base_url)
    }
}
