//! A listener that serves a router over HTTP/1.1: no head may take its time, and draining lets every answer go out.

use std::{io, net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, serve::Listener};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

/// From the first byte of a connection, or the end of the request before, to the end of a request's head. Whoever sends a
/// byte a second holds a socket and nothing else for that long; a proxy in front keeps idle connections no longer than
/// about a minute, and one that is closed under it is opened again.
pub const HEAD_WITHIN: Duration = Duration::from_secs(75);

/// A head with our longest query and a proxy's headers has a few kilobytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Serves until `drain`; then takes no new connections, and ends when every request that has begun is answered.
///
/// # Errors
///
/// None today: what goes wrong with one connection ends that one.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    drain: CancellationToken,
) -> io::Result<()> {
    serve_within(listener, router, drain, HEAD_WITHIN).await
}

async fn serve_within(
    mut listener: TcpListener,
    router: Router,
    drain: CancellationToken,
    head_within: Duration,
) -> io::Result<()> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_within).max_buf_size(HEAD_BYTES_MAX);
    let connections = TaskTracker::new();
    // (A failed accept, such as one too many open files, is waited out in there.)
    while let Some((stream, peer)) =
        drain.run_until_cancelled(Listener::accept(&mut listener)).await
    {
        connections.spawn(carry(stream, peer, http.clone(), router.clone(), drain.clone()));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
    Ok(())
}

/// One connection to its end.
async fn carry(
    stream: TcpStream,
    peer: SocketAddr,
    http: http1::Builder,
    router: Router,
    drain: CancellationToken,
) {
    stream.set_nodelay(true).ok();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request)
    });
    let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = drain.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended before its time");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::oneshot,
        time::timeout,
    };

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    async fn serving(
        router: Router,
        head_within: Duration,
    ) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<io::Result<()>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let drain = CancellationToken::new();
        let tasks = TaskTracker::new();
        let serving = tasks.spawn(serve_within(listener, router, drain.clone(), head_within));
        (address, drain, serving)
    }

    #[tokio::test]
    async fn a_head_that_never_ends_is_not_waited_for() {
        let router = Router::new().route("/", get(async || "here"));
        let (address, _drain, _serving) = serving(router, Duration::from_millis(200)).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
        let mut said = Vec::new();
        timeout(SOON, slow.read_to_end(&mut said)).await.expect("it is closed").ok();
        assert!(!said.starts_with(b"HTTP/1.1 200"), "{said:?}");
        let mut quick = TcpStream::connect(address).await.unwrap();
        quick.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        timeout(SOON, quick.read_to_end(&mut said)).await.expect("it is answered").unwrap();
        assert!(said.ends_with(b"here"), "{said:?}");
    }

    #[tokio::test]
    async fn what_has_begun_is_answered_while_it_drains() {
        let (begun, has_begun) = oneshot::channel();
        let (end, ends) = oneshot::channel::<()>();
        let once = parking(begun, ends);
        let (address, drain, serving) = serving(once, HEAD_WITHIN).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        has_begun.await.unwrap();
        drain.cancel();
        end.send(()).unwrap();
        let mut said = Vec::new();
        timeout(SOON, client.read_to_end(&mut said)).await.expect("it is answered").unwrap();
        assert!(said.starts_with(b"HTTP/1.1 200") && said.ends_with(b"late"), "{said:?}");
        timeout(SOON, serving).await.expect("and then it ends").unwrap().unwrap();
        assert!(TcpStream::connect(address).await.is_err(), "nothing new is taken");
    }

    /// A route that says when it is asked and answers when it is told to.
    fn parking(begun: oneshot::Sender<()>, ends: oneshot::Receiver<()>) -> Router {
        let parts = std::sync::Arc::new(tokio::sync::Mutex::new(Some((begun, ends))));
        Router::new().route(
            "/",
            get(async move || {
                if let Some((begun, ends)) = parts.lock().await.take() {
                    begun.send(()).ok();
                    ends.await.ok();
                }
                "late"
            }),
        )
    }
}
