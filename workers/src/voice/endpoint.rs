//! The door by which a call's audio comes: `GET /voice/{worker}/stream`, a WebSocket. Nobody is let in whose handshake the
//! phone company has not signed; nobody is listened to whose first frames do not bring the token of a line that waits here.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::{Path, State, WebSocketUpgrade, ws::WebSocket},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use clients::{
    Secrets,
    twilio::{
        media::{FRAME_BYTES_MAX, Inbound, Start},
        signature::{self, Payload},
    },
};
use domain::{Pepper, voice::token};
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    desk::Desk,
    line::{Line, Order},
    metrics::{self, Door},
    socket::Stream,
};

/// From the handshake to the frame that says whose stream it is.
const START_WITHIN: Duration = Duration::from_secs(5);

/// That frame is the second one.
const FRAMES_BEFORE_START: usize = 4;

/// For the run that attends to the session: it is claimed already, and about to.
const LINE_WITHIN: Duration = Duration::from_secs(2);

/// Streams that have not said whose they are, for each line that could be open.
const STRANGERS_PER_SLOT: usize = 4;

/// Under which the token comes.
const TOKEN: &str = "token";

/// Twilio ends a stream whose server closes with anything; this says why.
const POLICY_VIOLATION: u16 = 1008;

/// What the door knows.
#[derive(Clone)]
pub(super) struct Gatehouse(Arc<Inner>);

struct Inner {
    desk: Desk,
    pepper: Pepper,
    /// This worker's name in the address.
    name: String,
    /// The stream's address as Twilio is told it.
    stream_url: String,
    account_sid: Option<String>,
    auth_tokens: Secrets,
    validates: bool,
    strangers: Arc<Semaphore>,
}

/// With what the door is made.
pub(super) struct Keys {
    pub(super) pepper: Pepper,
    pub(super) name: String,
    pub(super) stream_url: String,
    pub(super) account_sid: Option<String>,
    pub(super) auth_tokens: Secrets,
    pub(super) validates: bool,
    pub(super) slots: usize,
}

/// The route.
pub(super) fn router(desk: Desk, keys: Keys) -> Router {
    let strangers = Arc::new(Semaphore::new(keys.slots.saturating_mul(STRANGERS_PER_SLOT).max(8)));
    let gatehouse = Gatehouse(Arc::new(Inner {
        desk,
        pepper: keys.pepper,
        name: keys.name,
        stream_url: keys.stream_url,
        account_sid: keys.account_sid,
        auth_tokens: keys.auth_tokens,
        validates: keys.validates,
        strangers,
    }));
    Router::new().route("/voice/{worker}/stream", get(come)).with_state(gatehouse)
}

/// The handshake. Refused, Twilio goes on with what follows the stream in its TwiML.
async fn come(
    State(gatehouse): State<Gatehouse>,
    Path(worker): Path<String>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let inner = &gatehouse.0;
    if worker != inner.name {
        return refuse(Door::Lost, StatusCode::NOT_FOUND);
    }
    if inner.validates {
        let Some(claimed) = headers.get("x-twilio-signature") else {
            return refuse(Door::Unsigned, StatusCode::UNAUTHORIZED);
        };
        let claimed = claimed.to_str().unwrap_or_default();
        let signed = Payload::Form(&[]);
        if !signature::verify(&inner.stream_url, signed, claimed, &inner.auth_tokens.all()) {
            return refuse(Door::BadSignature, StatusCode::FORBIDDEN);
        }
    }
    let Ok(upgrade) = upgrade else { return refuse(Door::NoSocket, StatusCode::BAD_REQUEST) };
    let Ok(stranger) = Arc::clone(&inner.strangers).try_acquire_owned() else {
        return refuse(Door::TooMany, StatusCode::SERVICE_UNAVAILABLE);
    };
    upgrade
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .on_upgrade(async move |socket| gatehouse.welcome(socket, stranger).await)
}

fn refuse(why: Door, status: StatusCode) -> Response {
    metrics::door(why);
    status.into_response()
}

impl Gatehouse {
    /// Lets the stream in, or shows it out.
    async fn welcome(self, mut socket: WebSocket, stranger: OwnedSemaphorePermit) {
        let came = Instant::now();
        let begun = tokio::time::timeout(START_WITHIN, first_words(&mut socket)).await;
        let admitted = match begun {
            Ok(Ok(start)) => self.admit(&start).await.map(|line| (line, start)),
            Ok(Err(why)) => Err(why),
            Err(_) => Err(Door::Silent),
        };
        drop(stranger);
        match admitted {
            Ok((line, start)) => {
                metrics::admitted(came.elapsed());
                let stream = Stream { socket, stream_sid: start.stream_sid };
                let connect = Order::Connect(Box::new(stream));
                // A bridge that is just ending drops the socket, and the call asks for its route again.
                line.orders.send(connect).await.ok();
            }
            Err(why) => {
                metrics::door(why);
                tracing::warn!(why = why.as_str(), "a stream was shown out");
                let close = axum::extract::ws::CloseFrame {
                    code: POLICY_VIOLATION,
                    reason: why.as_str().into(),
                };
                let goodbye = socket.send(axum::extract::ws::Message::Close(Some(close)));
                tokio::time::timeout(START_WITHIN, goodbye).await.ok();
            }
        }
    }

    /// Whether the token that it brought opens a line here.
    async fn admit(&self, start: &Start) -> Result<Arc<Line>, Door> {
        let inner = &self.0;
        if inner.account_sid.as_ref().is_some_and(|ours| *ours != start.account_sid) {
            return Err(Door::OtherAccount);
        }
        let token = start.parameters.get(TOKEN).map_or("", String::as_str);
        // Whether it is ours can be told without the line; whether its minute is over only by the line's clock.
        let (session, epoch) = token::verify(&inner.pepper, token, &start.call_sid, i64::MIN)
            .map_err(|_| Door::BadToken)?;
        let deadline = Instant::now() + LINE_WITHIN;
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        let line = loop {
            looks.tick().await;
            if let Some(line) = inner.desk.line(session).filter(|line| line.epoch() >= epoch) {
                break line;
            }
            if Instant::now() > deadline {
                return Err(Door::NoLine);
            }
        };
        token::verify(&inner.pepper, token, &start.call_sid, line.now())
            .map_err(|_| Door::OldToken)?;
        if line.call_sid != start.call_sid || !line.let_in(epoch) {
            return Err(Door::OldToken);
        }
        Ok(line)
    }
}

/// The frame that says whose stream it is, and nothing before it but the one that says what it is.
async fn first_words(socket: &mut WebSocket) -> Result<Start, Door> {
    for _ in 0..FRAMES_BEFORE_START {
        let text = match socket.next().await {
            Some(Ok(axum::extract::ws::Message::Text(text))) => text,
            Some(Ok(axum::extract::ws::Message::Ping(_) | axum::extract::ws::Message::Pong(_))) => {
                continue;
            }
            Some(Ok(_) | Err(_)) | None => return Err(Door::Malformed),
        };
        match Inbound::read(&text) {
            Ok(Inbound::Connected(_) | Inbound::Unknown(_)) => {}
            Ok(Inbound::Start(start)) => return Ok(*start),
            Ok(Inbound::Media(_) | Inbound::Dtmf(_) | Inbound::Mark(_) | Inbound::Stop(_))
            | Err(_) => return Err(Door::Malformed),
        }
    }
    Err(Door::Malformed)
}
