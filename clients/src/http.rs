//! The one HTTP client that every provider is called through.

use std::{sync::Once, time::Duration};

pub use reqwest::Client;
use reqwest::{Response, redirect, retry};

/// A provider that takes longer than this to accept a connection is not going to; the request
/// has certainly not left, so failing early costs nothing.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How long one request may take, connection and answer included, where nobody says otherwise.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Idle connections are closed before the load balancers in front of the providers close them:
/// a connection that dies under a request makes its outcome unknown.
const POOL_IDLE: Duration = Duration::from_mins(1);

/// Builds the client: `request_timeout` bounds a whole request, no redirects (a moved API is a
/// mistake of configuration), no proxy, no automatic repetition of any kind (a text message that
/// is repeated blindly arrives twice).
///
/// # Errors
///
/// When the system has no certificate authorities to trust.
pub fn client(request_timeout: Duration) -> Result<Client, reqwest::Error> {
    install_tls_provider();
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(request_timeout)
        .pool_idle_timeout(POOL_IDLE)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .user_agent(concat!("trunkline/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Makes ring the process's TLS provider. A provider that is installed already stays.
pub(crate) fn install_tls_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // An error means that another part of the process was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// Reads an answer's body up to `bytes_max`. `None`: longer than that, or cut off.
pub(crate) async fn body_read(mut response: Response, bytes_max: usize) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len() + chunk.len() > bytes_max {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}
