//! TCP, with TLS where the address asks for it.

use std::{io, sync::Arc};

use rustls::{ClientConfig, pki_types::ServerName};
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use url::Url;

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection, encrypted or not.
pub(super) type Line = Box<dyn Stream>;

/// What trusts the system's certificate authorities.
pub(super) fn trust() -> Result<Arc<ClientConfig>, rustls::Error> {
    crate::http::install_tls_provider();
    ClientConfig::with_platform_verifier().map(Arc::new)
}

/// Connects to a `wss` or a `ws` address.
pub(super) async fn connect(url: &Url, trust: Arc<ClientConfig>) -> io::Result<Line> {
    let nowhere = || io::Error::from(io::ErrorKind::InvalidInput);
    let host = url.host_str().ok_or_else(nowhere)?;
    let port = url.port_or_known_default().ok_or_else(nowhere)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let tcp = TcpStream::connect((bare, port)).await?;
    // Frames are small and must not wait for one another.
    tcp.set_nodelay(true)?;
    if url.scheme() != "wss" {
        return Ok(Box::new(tcp));
    }
    let name = ServerName::try_from(bare.to_owned()).map_err(io::Error::other)?;
    Ok(Box::new(TlsConnector::from(trust).connect(name, tcp).await?))
}
