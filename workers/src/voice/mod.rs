//! Live calls: the pool that speaks them. A session is claimed from its queue, its line is opened here, and its audio comes to
//! this worker's own address.
//!
//! A frame goes from the caller's socket through `call`'s decisions to the speech service's socket and back, in one task for
//! each call, without the database; what was said is written down behind it by the session's run (`workflows`).

mod bridge; // a call's sockets, and its clock
mod call; // what a call does next
mod config; // what a voice worker is told
mod desk; // its lines
mod endpoint; // the door by which audio comes
mod limits; // how long, how often, how much
mod line; // one session's call, as all sides share it
pub mod metrics; // what is measured
mod outbox; // what leaves on a socket, bounded
mod playout; // what the caller has heard
mod realtime; // a model that listens and speaks
mod socket; // a caller's audio stream
mod speech; // the seam behind which somebody listens and speaks
mod turns; // what the assistant says
mod uplink; // what leaves for whoever listens

use std::{sync::Arc, time::Duration};

use axum::Router;
use engine::{Engine, PoolConfig, Registry, Workflow};
use tokio_util::sync::CancellationToken;
use workflows::{Clients, Settings, Trunkline, voice_session::VoiceSession};

pub use self::config::VoiceConfig;
use self::{desk::Desk, endpoint::Keys};
use crate::pools::{self, Running, Stopped};

/// Where sessions wait.
pub const QUEUE: &str = <VoiceSession as Workflow<Trunkline>>::QUEUE;

/// A caller hears a greeting of a few seconds; a session that waits longer than this for its worker eats into it.
const LATENCY: Duration = Duration::from_millis(25);

/// A voice pool at work.
pub struct Voice {
    desk: Desk,
    running: Running<Trunkline>,
    watch: tokio::task::JoinHandle<()>,
    stop: CancellationToken,
}

/// The door and the lines of a worker, before its pool runs.
pub struct Switchboard {
    desk: Desk,
    router: Router,
}

impl Switchboard {
    /// Makes them. `config.address` is where the outside reaches this worker.
    pub fn new(config: &VoiceConfig, settings: &Settings) -> Switchboard {
        let model =
            realtime::Model { realtime: config.realtime.clone(), voice: config.speaks_as.clone() };
        let desk = Desk::new(Arc::new(model), config.address.clone());
        let keys = Keys {
            pepper: settings.pepper.clone(),
            name: config.name().to_owned(),
            stream_url: format!("{}/stream", config.address),
            account_sid: config.account_sid.clone(),
            auth_tokens: config.auth_tokens.clone(),
            validates: config.validates,
            slots: config.slots,
        };
        let router = endpoint::router(desk.clone(), keys);
        Switchboard { desk, router }
    }

    /// The route by which audio comes.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Claims sessions, and speaks them.
    pub async fn start(
        self,
        engine: Engine,
        registry: Arc<Registry<Trunkline>>,
        clients: Arc<Clients>,
        settings: Arc<Settings>,
        config: &VoiceConfig,
        version: &str,
    ) -> Result<Voice, engine::Error> {
        engine.promise_first(QUEUE, LATENCY).await?;
        // One process has one desk.
        clients.voice.set(Arc::new(self.desk.clone())).ok();
        let pool = PoolConfig {
            version: version.to_owned(),
            address: Some(config.address.clone()),
            queues: vec![QUEUE.to_owned()],
            ..PoolConfig::live("voice", config.slots)
        };
        let running = pools::start(engine.clone(), registry, clients, settings, pool).await?;
        let stop = CancellationToken::new();
        let watch = tokio::spawn(self.desk.clone().watch(engine, stop.clone()));
        Ok(Voice { desk: self.desk, running, watch, stop })
    }
}

impl Voice {
    /// Resolves when the pool ends by itself.
    pub async fn ended(&mut self) -> Result<(), Stopped> {
        self.running.ended().await
    }

    /// How many lines are open.
    pub fn lines(&self) -> usize {
        self.desk.len()
    }

    /// Takes no new calls, hands those there are over to other workers, one by one, and leaves.
    pub async fn stop(self, grace: Duration) {
        self.running.drain();
        tokio::time::timeout(grace, self.desk.hand_over()).await.ok();
        self.stop.cancel();
        self.running.stop(grace).await;
        self.watch.abort();
    }
}
