//! All of it behind one socket.

use std::{io, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{any, get, post},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    answer::Answer, control, gate, handle::Handle, options::Options, state::State, webhooks,
};
use crate::connection::{CuttableListener, Cutter};

/// The stand-in for Stripe.
#[derive(Clone, Copy, Debug)]
pub struct Stripe;

impl Stripe {
    /// Sets a sandbox up on a socket that listens already. The future does all of its work and ends some time after
    /// `stop`, when the last request is answered.
    ///
    /// # Errors
    ///
    /// When the socket has no address, or the system has no certificate authorities.
    pub fn serve(
        listener: TcpListener,
        options: Options,
        stop: CancellationToken,
    ) -> io::Result<(Handle, impl Future<Output = io::Result<()>> + Send + 'static)> {
        let address = listener.local_addr()?;
        let base_url = Url::parse(&format!("http://{address}")).map_err(io::Error::other)?;
        let http = clients::http::client(webhooks::TIMEOUT).map_err(io::Error::other)?;
        let state = State::new(options, stop);
        let work = Box::pin(run(listener, Arc::clone(&state), http));
        Ok((Handle { state, base_url }, work))
    }
}

async fn run(listener: TcpListener, state: Arc<State>, http: reqwest::Client) -> io::Result<()> {
    let stop = state.stop.clone();
    let app = router(Arc::clone(&state)).into_make_service_with_connect_info::<Cutter>();
    let listener = CuttableListener(listener);
    let serving = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned());
    let (served, ()) = tokio::join!(async { serving.await }, webhooks::run(state, http));
    served
}

fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/v1/{*path}", any(gate::treat))
        .route("/_sandbox/subscriptions", get(control::subscriptions))
        .route("/_sandbox/charges", get(control::charges))
        .route("/_sandbox/usage", get(control::usage))
        .route("/_sandbox/requests", get(control::requests))
        .route("/_sandbox/mood", post(control::set_mood))
        .route("/_sandbox/webhooks", post(control::set_webhooks))
        .route("/_sandbox/shape", post(control::set_shape))
        .route("/_sandbox/seed", post(control::seed))
        .route("/_sandbox/drift", post(control::drift))
        .route("/_sandbox/clock", post(control::set_clock))
        .route("/_sandbox/reset", post(control::reset))
        .fallback(|| async { Answer::missing("route") })
        .layer(DefaultBodyLimit::max(gate::BODY_BYTES_MAX))
        .with_state(state)
}
