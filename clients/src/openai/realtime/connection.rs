//! A WebSocket to the model.

use std::{fmt, ops::Deref, sync::Arc, time::Duration};

use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use http::{HeaderValue, StatusCode, header};
use rustls::ClientConfig;
use secrecy::ExposeSecret;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self, Message, Utf8Bytes,
        client::IntoClientRequest,
        error::{CapacityError, ProtocolError},
        protocol::WebSocketConfig,
    },
};
use url::Url;

use super::{
    EVENT_BYTES_MAX,
    line::{self, Line},
};
use crate::Secrets;

/// Which account, which model, and where.
#[derive(Clone)]
pub struct Config {
    /// `wss://api.openai.com/v1/realtime`, or a stand-in; `ws` is not encrypted.
    pub url: Url,
    /// The key. Each connection takes the newest.
    pub api_key: Secrets,
    /// The model's name.
    pub model: String,
    /// How long a connection may take, handshake included.
    pub dial_timeout: Duration,
}

/// OpenAI's speech model. Cheap to clone; never dials twice by itself.
#[derive(Clone)]
pub struct Realtime {
    config: Config,
    trust: Arc<ClientConfig>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Nobody could be reached, or what they said was no WebSocket.
    #[error("OpenAI could not be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It took longer than it may.
    #[error("OpenAI did not answer in time")]
    TimedOut,
    /// Too many connections, or too many tokens (429).
    #[error("OpenAI limits our rate")]
    RateLimited,
    /// OpenAI failed (5xx).
    #[error("OpenAI failed with status {status}")]
    ServerError {
        /// The HTTP status, 500–599.
        status: u16,
    },
    /// OpenAI understood and refused: a key or a model that it does not take.
    #[error("OpenAI refused with status {status}")]
    Rejected {
        /// The HTTP status.
        status: u16,
    },
}

/// Why a connection is over that was not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The other side has gone without a word.
    #[error("the connection to OpenAI is lost")]
    Lost,
    /// A message that is longer than any event is.
    #[error("a message from OpenAI is longer than {EVENT_BYTES_MAX} bytes")]
    TooLarge,
    /// What came is no WebSocket's.
    #[error("what came from OpenAI is no frame")]
    Protocol,
}

/// One event's text.
#[derive(Clone)]
pub struct Text(Utf8Bytes);

/// Tells the model.
pub struct Sender(SplitSink<WebSocketStream<Line>, Message>);

/// Hears the model.
pub struct Receiver(SplitStream<WebSocketStream<Line>>);

impl Realtime {
    /// Calls nobody yet.
    ///
    /// # Errors
    ///
    /// When the system has no certificate authorities to trust.
    pub fn new(config: Config) -> Result<Self, rustls::Error> {
        Ok(Self { config, trust: line::trust()? })
    }

    /// With what it signs in.
    pub fn api_key(&self) -> &Secrets {
        &self.config.api_key
    }

    /// Connects, in at most [`Config::dial_timeout`].
    pub async fn dial(&self) -> Result<(Sender, Receiver), DialError> {
        let dialled = timeout(self.config.dial_timeout, self.connect()).await;
        let socket = dialled.map_err(|_| DialError::TimedOut)??;
        let (sink, stream) = socket.split();
        Ok((Sender(sink), Receiver(stream)))
    }

    async fn connect(&self) -> Result<WebSocketStream<Line>, DialError> {
        let mut url = self.config.url.clone();
        url.query_pairs_mut().append_pair("model", &self.config.model);
        let mut request = url.as_str().into_client_request().map_err(refused)?;
        // What OpenAI would say without one.
        let key = self.config.api_key.newest().ok_or(DialError::Rejected { status: 401 })?;
        let key = format!("Bearer {}", key.expose_secret());
        let mut key =
            HeaderValue::from_str(&key).map_err(|error| DialError::Unreachable(Box::new(error)))?;
        key.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, key);
        let line = line::connect(&url, Arc::clone(&self.trust)).await;
        let line = line.map_err(|error| DialError::Unreachable(Box::new(error)))?;
        let limits = WebSocketConfig::default()
            .max_message_size(Some(EVENT_BYTES_MAX))
            .max_frame_size(Some(EVENT_BYTES_MAX));
        let connected = client_async_with_config(request, line, Some(limits)).await;
        connected.map(|(socket, _)| socket).map_err(refused)
    }
}

impl Sender {
    /// Sends one event, and waits until the system has taken it.
    pub async fn send(&mut self, event: &str) -> Result<(), Broken> {
        self.0.send(Message::text(event)).await.map_err(broken)
    }

    /// Says goodbye. What comes after it is not read any more by the model.
    pub async fn close(&mut self) -> Result<(), Broken> {
        self.0.close().await.map_err(broken)
    }
}

impl Receiver {
    /// The next event; `None` when the model has said goodbye. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Text>, Broken> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(Some(Text(text))),
                Some(Ok(Message::Close(_)) | Err(tungstenite::Error::ConnectionClosed)) => {
                    return Ok(None);
                }
                Some(Ok(Message::Binary(_))) => return Err(Broken::Protocol),
                // Pings are answered below us.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Err(broken(error)),
                None => return Err(Broken::Lost),
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
#[expect(clippy::wildcard_enum_match_arm, reason = "what is not told apart is a lost connection")]
fn broken(error: tungstenite::Error) -> Broken {
    match error {
        tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. }) => Broken::TooLarge,
        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Broken::Lost,
        tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_) => Broken::Protocol,
        _ => Broken::Lost,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else it is, nobody was reached")]
fn refused(error: tungstenite::Error) -> DialError {
    match error {
        tungstenite::Error::Http(answer) => match answer.status() {
            StatusCode::TOO_MANY_REQUESTS => DialError::RateLimited,
            status if status.is_server_error() => {
                DialError::ServerError { status: status.as_u16() }
            }
            status => DialError::Rejected { status: status.as_u16() },
        },
        other => DialError::Unreachable(Box::new(other)),
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("url", &self.url.as_str())
            .field("model", &self.model)
            .field("dial_timeout", &self.dial_timeout)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Realtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Realtime").field("config", &self.config).finish_non_exhaustive()
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
