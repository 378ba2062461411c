//! A network between an engine and its Postgres that loses what it is told to lose: the reply to a commit, or everything.
//!
//! It reads just enough of the protocol to know which statement a connection is about and when it is committed.

mod frames;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

pub(crate) use self::frames::Frames;

/// One read. More than a frame may come in it, or less.
const CHUNK: usize = 64 * 1024;

/// A proxy in front of a Postgres. Dropping it cuts every connection.
pub struct Proxy {
    url: SecretString,
    shared: Arc<Shared>,
    _serving: AbortOnDropHandle<()>,
}

struct Shared {
    server: String,
    /// Text of the statements whose commit's reply gets lost, and how often that is still to happen.
    lose: Mutex<Option<(String, u32)>>,
    lost: AtomicU32,
    /// Text of the statement whose reply is to be held back.
    hold: Mutex<Option<String>>,
    /// Whether one is, and what lets it go.
    holds: AtomicBool,
    go: Notify,
    /// Texts of what is asked, in order, while somebody listens.
    heard: Mutex<Option<Vec<String>>>,
    black: AtomicBool,
}

impl Proxy {
    /// In front of the server that this URL names.
    pub async fn before(url: &SecretString) -> Proxy {
        let mut url: url::Url = url.expose_secret().parse().expect("a URL");
        let server = format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        url.set_ip_host(address.ip()).expect("a host");
        url.set_port(Some(address.port())).expect("a port");
        // In the clear, or there would be nothing to read.
        url.query_pairs_mut().append_pair("sslmode", "disable");
        let shared = Arc::new(Shared {
            server,
            lose: Mutex::default(),
            lost: AtomicU32::new(0),
            hold: Mutex::default(),
            holds: AtomicBool::new(false),
            go: Notify::new(),
            heard: Mutex::default(),
            black: AtomicBool::new(false),
        });
        let serving = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Proxy { url: String::from(url).into(), shared, _serving: AbortOnDropHandle::new(serving) }
    }

    /// The way through it.
    pub fn url(&self) -> &SecretString {
        &self.url
    }

    /// Loses the next `times` replies that confirm the commit of a statement containing `text`: the connection breaks
    /// after the server has committed.
    pub fn lose_replies(&self, text: &str, times: u32) {
        *self.shared.lose.lock() = Some((text.to_owned(), times));
    }

    /// How many replies were lost so far.
    pub fn lost(&self) -> u32 {
        self.shared.lost.load(Ordering::Acquire)
    }

    /// Holds back the next reply that brings rows and confirms the commit of a statement containing `text`, until
    /// [`Proxy::let_go`].
    pub fn hold_reply(&self, text: &str) {
        *self.shared.hold.lock() = Some(text.to_owned());
    }

    /// Whether a reply is held back.
    pub fn holds(&self) -> bool {
        self.shared.holds.load(Ordering::Acquire)
    }

    /// Lets the reply go that is held back.
    pub fn let_go(&self) {
        self.shared.go.notify_one();
    }

    /// Listens from now on to what is asked.
    pub fn listen(&self) {
        *self.shared.heard.lock() = Some(Vec::new());
    }

    /// The texts of the statements since [`Proxy::listen`], in order; nobody listens then.
    pub fn heard(&self) -> Vec<String> {
        self.shared.heard.lock().take().unwrap_or_default()
    }

    /// Swallows everything in both directions, without breaking any connection, until [`Proxy::lighten`].
    pub fn blacken(&self) {
        self.shared.black.store(true, Ordering::Release);
    }

    /// Ends a black hole for connections made from now on. Those that lost something never recover.
    pub fn lighten(&self) {
        self.shared.black.store(false, Ordering::Release);
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(connection(client, Arc::clone(&shared)));
    }
}

async fn connection(client: TcpStream, shared: Arc<Shared>) {
    let Ok(server) = TcpStream::connect(&shared.server).await else { return };
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let cut = CancellationToken::new();
    let about = Arc::new(About::default());
    let up = async {
        let mut frames = Frames::of_client();
        let mut chunk = vec![0; CHUNK];
        while let Ok(read @ 1..) = from_client.read(&mut chunk).await {
            frames.push(&chunk[..read], |tag, body| about.asked(tag, body, &shared));
            if !about.is_dead(&shared) && to_server.write_all(&chunk[..read]).await.is_err() {
                break;
            }
        }
    };
    let down = async {
        let mut frames = Frames::of_server();
        let mut chunk = vec![0; CHUNK];
        while let Ok(read @ 1..) = from_server.read(&mut chunk).await {
            frames.push(&chunk[..read], |tag, body| {
                if about.answered(tag, body, &shared) {
                    cut.cancel();
                }
            });
            if cut.is_cancelled() {
                break;
            }
            if about.is_held.swap(false, Ordering::AcqRel) {
                shared.holds.store(true, Ordering::Release);
                shared.go.notified().await;
                shared.holds.store(false, Ordering::Release);
            }
            if !about.is_dead(&shared) && to_client.write_all(&chunk[..read]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! { () = up => {}, () = down => {} }
}

/// What a connection's present transaction is about.
#[derive(Default)]
struct About {
    statements: Mutex<HashMap<Vec<u8>, String>>,
    /// A statement of the text to be lost was executed since the connection was last idle.
    marked: AtomicBool,
    /// The same of the text to be held back; whether it brought rows; whether it is held.
    to_hold: AtomicBool,
    has_rows: AtomicBool,
    is_held: AtomicBool,
    /// Something was swallowed: half a conversation is none.
    dead: AtomicBool,
}

impl About {
    fn is_dead(&self, shared: &Shared) -> bool {
        if shared.black.load(Ordering::Acquire) {
            self.dead.store(true, Ordering::Release);
        }
        self.dead.load(Ordering::Acquire)
    }

    fn asked(&self, tag: u8, body: &[u8], shared: &Shared) {
        let mut words = body.split(|byte| *byte == 0);
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match tag {
            b'P' => {
                let text = String::from_utf8_lossy(second).into_owned();
                self.statements.lock().insert(first.to_vec(), text);
            }
            b'B' => {
                let text = self.statements.lock().get(second).cloned().unwrap_or_default();
                if let Some(heard) = shared.heard.lock().as_mut() {
                    heard.push(text.clone());
                }
                let wanted = shared
                    .lose
                    .lock()
                    .as_ref()
                    .is_some_and(|(lose, _)| text.contains(lose.as_str()));
                if wanted {
                    self.marked.store(true, Ordering::Release);
                }
                if shared.hold.lock().as_ref().is_some_and(|hold| text.contains(hold.as_str())) {
                    self.to_hold.store(true, Ordering::Release);
                    self.has_rows.store(false, Ordering::Release);
                }
            }
            _ => {}
        }
    }

    /// Whether this is the reply to be lost.
    fn answered(&self, tag: u8, body: &[u8], shared: &Shared) -> bool {
        if tag == b'D' {
            self.has_rows.store(true, Ordering::Release);
        }
        let is_idle = tag == b'Z' && body.first() == Some(&b'I');
        if is_idle
            && self.to_hold.swap(false, Ordering::AcqRel)
            && self.has_rows.load(Ordering::Acquire)
            && shared.hold.lock().take().is_some()
        {
            self.is_held.store(true, Ordering::Release);
        }
        // Ready for the next query, and idle: what was marked is committed.
        if !is_idle || !self.marked.swap(false, Ordering::AcqRel) {
            return false;
        }
        let mut lose = shared.lose.lock();
        match lose.as_mut() {
            Some((_, times @ 1..)) => {
                *times -= 1;
                shared.lost.fetch_add(1, Ordering::AcqRel);
                true
            }
            Some(_) | None => false,
        }
    }
}
