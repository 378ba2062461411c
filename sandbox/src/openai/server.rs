//! All of it behind one socket.

use std::{io, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::StatusCode,
    middleware,
    routing::{get, post},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    chat, control, gate,
    handle::Handle,
    realtime,
    state::{Options, State},
};
use crate::connection::{CuttableListener, Cutter};

/// The stand-in for OpenAI.
#[derive(Clone, Copy, Debug)]
pub struct OpenAi;

impl OpenAi {
    /// Sets a sandbox up on a socket that listens already. The future does all of its work and ends some time after `stop`,
    /// when the last request is answered.
    ///
    /// # Errors
    ///
    /// When the socket has no address.
    pub fn serve(
        listener: TcpListener,
        options: Options,
        stop: CancellationToken,
    ) -> io::Result<(Handle, impl Future<Output = io::Result<()>> + Send + 'static)> {
        let address = listener.local_addr()?;
        let base_url = Url::parse(&format!("http://{address}")).map_err(io::Error::other)?;
        let state = State::new(options, stop);
        let work = Box::pin(run(listener, Arc::clone(&state)));
        Ok((Handle { state, base_url }, work))
    }
}

async fn run(listener: TcpListener, state: Arc<State>) -> io::Result<()> {
    let stop = state.stop.clone();
    let app = router(state).into_make_service_with_connect_info::<Cutter>();
    let listener = CuttableListener(listener);
    axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
}

fn router(state: Arc<State>) -> Router {
    let api = Router::new()
        .route("/v1/chat/completions", post(chat::create))
        .route("/v1/realtime", get(realtime::open))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&state), gate::treat));
    Router::new()
        .merge(api)
        .merge(realtime::routes())
        .route("/_sandbox/completions", get(control::completions))
        .route("/_sandbox/requests", get(control::requests))
        .route("/_sandbox/mood", post(control::set_mood))
        .route("/_sandbox/answer", post(control::set_answer))
        .route("/_sandbox/reset", post(control::reset))
        .fallback(|| async {
            chat::refusal(StatusCode::NOT_FOUND, "invalid_request_error", "unknown URL")
        })
        .layer(DefaultBodyLimit::max(gate::BODY_BYTES_MAX))
        .with_state(state)
}
