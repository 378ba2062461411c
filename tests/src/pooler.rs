//! A connection without memory: after each transaction everything that a session remembers is gone, except prepared
//! statements, as through a pooler in transaction mode that keeps those.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use secrecy::{ExposeSecret, SecretString};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Mutex,
};
use tokio_util::task::AbortOnDropHandle;

use crate::proxy::Frames;

/// What a session is told between two transactions. (`discard all` would drop prepared statements, too.)
const FORGET: &str = "reset all; reset session authorization; unlisten *; close all; discard temp; discard sequences; \
                      select pg_advisory_unlock_all()";

const CHUNK: usize = 64 * 1024;

/// A way to a Postgres on which no session remembers anything.
pub struct Forgetful {
    url: SecretString,
    forgotten: Arc<AtomicU32>,
    _serving: AbortOnDropHandle<()>,
}

impl Forgetful {
    /// In front of the server that this URL names.
    pub async fn before(url: &SecretString) -> Forgetful {
        let mut url: url::Url = url.expose_secret().parse().expect("a URL");
        let server = format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        url.set_ip_host(address.ip()).expect("a host");
        url.set_port(Some(address.port())).expect("a port");
        url.query_pairs_mut().append_pair("sslmode", "disable");
        let forgotten = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&forgotten);
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&server).await else { continue };
                connections.spawn(connection(client, server, Arc::clone(&count)));
            }
        });
        let serving = AbortOnDropHandle::new(serving);
        Forgetful { url: String::from(url).into(), forgotten, _serving: serving }
    }

    /// The way through it.
    pub fn url(&self) -> &SecretString {
        &self.url
    }

    /// How often a session has forgotten everything.
    pub fn forgotten(&self) -> u32 {
        self.forgotten.load(Ordering::Acquire)
    }
}

/// The way to the server, and how many answers are still to come on the other one.
struct Up {
    server: OwnedWriteHalf,
    expected: u32,
}

async fn connection(client: TcpStream, server: TcpStream, forgotten: Arc<AtomicU32>) {
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let (from_client, to_client) = client.into_split();
    let (from_server, server) = server.into_split();
    let up = Mutex::new(Up { server, expected: 0 });
    tokio::select! {
        () = asks(from_client, &up) => {}
        () = answers(from_server, to_client, &up, &forgotten) => {}
    }
}

async fn asks(mut from_client: OwnedReadHalf, up: &Mutex<Up>) {
    let mut frames = Frames::of_client();
    let mut chunk = vec![0; CHUNK];
    while let Ok(read @ 1..) = from_client.read(&mut chunk).await {
        // Held while a session forgets: what comes next belongs to the next transaction.
        let mut up = up.lock().await;
        let mut expected = 0;
        frames.push(&chunk[..read], |tag, _| expected += u32::from(matches!(tag, b'Q' | b'S')));
        up.expected += expected;
        if up.server.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}

async fn answers(
    mut from_server: OwnedReadHalf,
    mut to_client: OwnedWriteHalf,
    up: &Mutex<Up>,
    forgotten: &AtomicU32,
) {
    let mut frames = Frames::of_server();
    let mut chunk = vec![0; CHUNK];
    while let Ok(read @ 1..) = from_server.read(&mut chunk).await {
        let (mut ready, mut idle) = (0, false);
        frames.push(&chunk[..read], |tag, body| {
            if tag == b'Z' {
                ready += 1;
                idle = body.first() == Some(&b'I');
            }
        });
        if ready > 0 {
            let mut up = up.lock().await;
            up.expected = up.expected.saturating_sub(ready);
            if idle && up.expected == 0 {
                if !forget(&mut up, &mut from_server).await {
                    return;
                }
                forgotten.fetch_add(1, Ordering::AcqRel);
            }
        }
        if to_client.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}

/// Has the session forget. Nobody else speaks with it meanwhile. False: the connection is gone.
async fn forget(up: &mut Up, from_server: &mut OwnedReadHalf) -> bool {
    let length = u32::try_from(FORGET.len() + 5).expect("a short text");
    let message = [b"Q", &length.to_be_bytes()[..], FORGET.as_bytes(), b"\0"].concat();
    if up.server.write_all(&message).await.is_err() {
        return false;
    }
    let mut frames = Frames::of_server();
    let mut chunk = vec![0; CHUNK];
    let mut done = false;
    while !done {
        let Ok(read @ 1..) = from_server.read(&mut chunk).await else { return false };
        frames.push(&chunk[..read], |tag, _| {
            assert_ne!(tag, b'E', "the session refuses to forget");
            done |= tag == b'Z';
        });
    }
    true
}
