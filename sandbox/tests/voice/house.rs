//! All of it, on free ports.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use clients::openai::realtime::{Config, Realtime};
use parking_lot::Mutex;
use sandbox::{
    openai,
    twilio::{self, Deed, LiveCall, Placement, Story},
};
use tokio::{net::TcpListener, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::bridge::{Bridge, router};

const KEY: &str = "sk-of-the-house";
const CALLER: &str = "+4367712345678";
const OURS: &str = "+15005550006";

/// Longer than anything here takes on a busy machine; a deadlock fails by it.
const DEADLINE: Duration = Duration::from_secs(30);

/// Everything, until it is dropped.
pub(crate) struct House {
    pub(crate) twilio: twilio::Handle,
    pub(crate) openai: openai::Handle,
    pub(crate) bridge: Arc<Bridge>,
    _stop: DropGuard,
}

impl House {
    pub(crate) async fn open() -> House {
        Self::speaking(50).await
    }

    /// One whose model says so many letters a second.
    pub(crate) async fn speaking(chars_per_sec: u32) -> House {
        let stop = CancellationToken::new();
        let mut options = openai::Options::new(KEY);
        // Tests wait for nobody to think; all of an answer comes at once.
        (options.think, options.delta_every) = (Duration::ZERO, Duration::ZERO);
        options.chars_per_sec = chars_per_sec;
        let (openai, serving) =
            sandbox::OpenAi::serve(port().await, options, stop.child_token()).unwrap();
        tokio::spawn(serving);
        let options = twilio::Options::new("AC00000000000000000000000000000001", "token");
        let (twilio, serving) =
            sandbox::Twilio::serve(port().await, options, stop.child_token()).await.unwrap();
        tokio::spawn(serving);
        let listener = port().await;
        let bridge = Arc::new(Bridge {
            base: format!("http://{}", listener.local_addr().unwrap()),
            token: "token".into(),
            model: model(&openai.realtime_url(), KEY),
            posts: Mutex::default(),
            keys: Mutex::default(),
            marks: Mutex::default(),
            drops: AtomicU64::default(),
            unknown: AtomicU64::default(),
            stops: AtomicU64::default(),
        });
        let serving = axum::serve(listener, router(Arc::clone(&bridge)));
        tokio::spawn(
            serving.with_graceful_shutdown(stop.child_token().cancelled_owned()).into_future(),
        );
        House { twilio, openai, bridge, _stop: stop.drop_guard() }
    }

    /// A call in which time goes by ten times as fast.
    pub(crate) fn placement(&self, script: &[&str]) -> Placement {
        let mut placement = Placement::new(CALLER, OURS, format!("{}/incoming", self.bridge.base));
        placement.status_url = Some(format!("{}/status", self.bridge.base));
        placement.script = script.iter().map(|line| line.parse::<Deed>().unwrap()).collect();
        placement.speed = 10;
        placement
    }

    /// A call from its beginning to its end.
    pub(crate) async fn call(&self, script: &[&str]) -> Story {
        self.ended(&self.twilio.place_call(self.placement(script))).await
    }

    pub(crate) async fn ended(&self, call: &LiveCall) -> Story {
        let ended = timeout(DEADLINE, call.ended()).await;
        ended.unwrap_or_else(|_| panic!("the call does not end: {:#?}", call.story()))
    }

    /// How often a webhook came.
    pub(crate) fn posts(&self, path: &str) -> usize {
        self.bridge.posts.lock().iter().filter(|(posted, _)| posted == path).count()
    }

    /// A field of the last webhook of a path.
    pub(crate) fn field(&self, path: &str, name: &str) -> String {
        let posts = self.bridge.posts.lock();
        let found = posts.iter().rev().find(|(posted, _)| posted == path);
        found.and_then(|(_, form)| form.get(name)).cloned().unwrap_or_default()
    }

    pub(crate) fn unknown(&self) -> u64 {
        self.bridge.unknown.load(Ordering::Relaxed)
    }
}

pub(crate) fn model(url: &str, key: &str) -> Realtime {
    let config = Config {
        url: url.parse().unwrap(),
        api_key: key.into(),
        model: "gpt-realtime-2.1".to_owned(),
        dial_timeout: Duration::from_secs(1),
    };
    Realtime::new(config).unwrap()
}

async fn port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}
