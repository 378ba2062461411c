//! All of it behind one socket.

use std::{io, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{delete, get, post},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{
    call,
    callbacks::{Carrier, Journeys, WEBHOOK_TIMEOUT},
    connection::{CuttableListener, Cutter},
    control, gate,
    handle::Handle,
    inbound,
    ledger::{Ledger, Writer},
    list, live, numbers,
    options::Options,
    page, recordings,
    refusal::Refusal,
    send,
    state::State,
};

/// The stand-in for Twilio.
#[derive(Clone, Copy, Debug)]
pub struct Twilio;

impl Twilio {
    /// Sets a sandbox up on a socket that listens already. The future does all of its work and
    /// ends some time after `stop`, when the last request is answered.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be opened, the socket has no address, or the system has no
    /// certificate authorities. The future: when the ledger cannot be written.
    pub async fn serve(
        listener: TcpListener,
        options: Options,
        stop: CancellationToken,
    ) -> io::Result<(Handle, impl Future<Output = io::Result<()>> + Send + 'static)> {
        let address = listener.local_addr()?;
        let base_url = Url::parse(&format!("http://{address}")).map_err(io::Error::other)?;
        let http = clients::http::client(WEBHOOK_TIMEOUT).map_err(io::Error::other)?;
        let (journeys, carrier) = Journeys::new(http.clone());
        let (ledger, writer, known) = match &options.ledger {
            None => (None, None, Vec::new()),
            Some(path) => {
                let (ledger, writer, known) = Ledger::open(path).await?;
                (Some(ledger), Some(writer), known)
            }
        };
        let state = State::new(options, stop, journeys, http, ledger, known);
        let work = Box::pin(run(listener, state.clone(), carrier, writer));
        Ok((Handle { state, base_url }, work))
    }
}

async fn run(
    listener: TcpListener,
    state: Arc<State>,
    carrier: Carrier,
    writer: Option<Writer>,
) -> io::Result<()> {
    let stop = state.stop.clone();
    // The ledger ends last: requests that are being answered wait for it.
    let served = CancellationToken::new();
    let app = router(state.clone()).into_make_service_with_connect_info::<Cutter>();
    let serving = async {
        let _ends_the_ledger = served.clone().drop_guard();
        let listener = CuttableListener(listener);
        axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned()).await
    };
    let writing = async {
        match writer {
            Some(writer) => writer.run(served.clone()).await,
            None => Ok(()),
        }
    };
    let calls = state.live_tasks.clone();
    let (serving, writing, ()) = tokio::join!(serving, writing, carrier.run(state));
    calls.close();
    calls.wait().await;
    serving.and(writing)
}

fn router(state: Arc<State>) -> Router {
    let messages = "/2010-04-01/Accounts/{account}/Messages.json";
    let message = "/2010-04-01/Accounts/{account}/Messages/{message}";
    let offers = "/2010-04-01/Accounts/{account}/AvailablePhoneNumbers/{country}/{kind}";
    let owned = "/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json";
    let number = "/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{number}";
    let calls = "/2010-04-01/Accounts/{account}/Calls.json";
    let one_call = "/2010-04-01/Accounts/{account}/Calls/{call}";
    let recording = "/2010-04-01/Accounts/{account}/Recordings/{recording}";
    let api = Router::new()
        .route(messages, post(send::create_message).get(list::list_messages))
        .route(message, get(list::fetch_message))
        .route(offers, get(numbers::search))
        .route(owned, get(numbers::list).post(numbers::buy))
        .route(number, get(numbers::fetch).post(numbers::update).delete(numbers::give_back))
        .route(calls, post(call::create_call).get(call::list_calls))
        .route(one_call, get(call::fetch_call).post(call::update_call))
        .route(recording, delete(recordings::delete))
        .route_layer(middleware::from_fn_with_state(state.clone(), gate::treat));
    let control = Router::new()
        .route("/_sandbox/callee", post(control::set_callee))
        .route("/_sandbox/inbound", post(inbound::post))
        .route("/_sandbox/undeliverable", post(control::set_undeliverable))
        .route("/_sandbox/messages", get(control::messages))
        .route("/_sandbox/numbers", get(control::numbers).post(control::take_numbers))
        .route("/_sandbox/requests", get(control::requests))
        .route("/_sandbox/mood", post(control::set_mood))
        .route("/_sandbox/callbacks", post(control::set_callbacks))
        .route("/_sandbox/opt_outs", post(control::opt_out))
        .route("/_sandbox/clock", post(control::set_clock))
        .route("/_sandbox/reset", post(control::reset));
    Router::new()
        .route("/", get(page::show))
        .merge(api)
        .merge(control)
        .merge(live::routes())
        .fallback(|| async { Refusal::not_found() })
        .layer(DefaultBodyLimit::max(gate::BODY_BYTES_MAX))
        .with_state(state)
}
