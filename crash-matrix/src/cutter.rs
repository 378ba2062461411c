//! A network between a worker and its Postgres that can be cut: every connection breaks, new ones are let through.

use std::{net::SocketAddr, sync::Arc};

use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::task::AbortOnDropHandle;

/// What sessions are called that come this way: only workers' commits are boundaries.
pub(crate) const WORKER: &str = "crash_matrix_worker";

/// Stands in front of a Postgres.
pub(crate) struct Cutter {
    url: SecretString,
    connections: Arc<Mutex<JoinSet<()>>>,
    _serving: AbortOnDropHandle<()>,
}

impl Cutter {
    /// In front of the server that this URL names.
    pub(crate) async fn before(url: &SecretString) -> Cutter {
        let mut url: url::Url = url.expose_secret().parse().expect("a URL");
        let server = format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        url.set_ip_host(address.ip()).expect("a host");
        url.set_port(Some(address.port())).expect("a port");
        url.query_pairs_mut().append_pair("application_name", WORKER);
        let connections = Arc::new(Mutex::new(JoinSet::new()));
        let serving = tokio::spawn(serve(listener, server, Arc::clone(&connections)));
        let url = SecretString::from(String::from(url));
        Cutter { url, connections, _serving: AbortOnDropHandle::new(serving) }
    }

    /// The way through it.
    pub(crate) fn url(&self) -> &SecretString {
        &self.url
    }

    /// Breaks every connection.
    pub(crate) fn cut(&self) {
        self.connections.lock().abort_all();
    }
}

async fn serve(listener: TcpListener, server: String, connections: Arc<Mutex<JoinSet<()>>>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let server = server.clone();
        let mut connections = connections.lock();
        while connections.try_join_next().is_some() {}
        connections.spawn(async move {
            let Ok(mut server) = TcpStream::connect(server).await else { return };
            client.set_nodelay(true).ok();
            server.set_nodelay(true).ok();
            copy_bidirectional(&mut client, &mut server).await.ok();
        });
    }
}
