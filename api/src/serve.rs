//! The layers around the routes, and the listener.

use std::{io, time::Duration};

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use workflows::credentials::Keeper;

use crate::{
    edge, health,
    observe::observe,
    problem::{Code, Problem},
    routes,
    state::ApiState,
};

/// From a request's head to its answer. Longer than any body may take to arrive and any transaction or wait of ours.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Serves until `drain`; then takes no new connections and ends once every request is answered.
pub async fn serve(
    listener: TcpListener,
    state: ApiState,
    drain: CancellationToken,
) -> io::Result<()> {
    let service = service(&state);
    let closing = CancellationToken::new();
    // Before anybody is answered: what the environment says may have been retired.
    let beginning = Keeper::begin(state.engine().clone(), state.config().credentials());
    let Some(keeper) = drain.run_until_cancelled(beginning).await else { return Ok(()) };
    let keeping = closing.run_until_cancelled(keeper.keep());
    let watcher = health::watch(state, closing.clone());
    let serving = async {
        let served = daemon::http::serve(listener, service, drain).await;
        closing.cancel();
        served
    };
    let (served, (), _) = tokio::join!(serving, watcher, keeping);
    served
}

/// The routes with their layers, the first of these innermost.
fn service(state: &ApiState) -> Router {
    routes::router(state)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(in_time))
        .layer(from_fn_with_state(state.clone(), edge::admit))
        .layer(from_fn_with_state(state.clone(), observe))
        .with_state(state.clone())
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => response,
        // A transaction that was open is rolled back.
        Err(_) => Problem::new(Code::TookTooLong, "").into_response(),
    }
}

/// A handler's panic is one failed request. The process's panic hook has logged where it happened.
fn panicked(_what: Box<dyn std::any::Any + Send>) -> Response {
    Problem::new(Code::Internal, "").into_response()
}
