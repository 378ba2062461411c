//! The audio, both ways, over a WebSocket.

use std::{borrow::Cow, sync::Arc, time::Duration};

use clients::{
    audio::{FRAME_BYTES, Mulaw},
    twilio::{
        media::{Connected, Digit, Inbound, Mark, Media, Outbound, Start, Stop},
        signature,
        twiml::Stream,
    },
};
use futures::{SinkExt, StreamExt};
use http::HeaderValue;
use secrecy::SecretString;
use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::WebSocketConfig},
};
use url::Url;

use super::{
    Deed, Oddity, forms,
    hand::Live,
    moment::What,
    person::{Hears, Person},
    player::{Player, Tick},
};
use crate::stamp;

/// Twilio waits so long for a stream's server.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

const TICK: Duration = Duration::from_millis(20);

type Socket = WebSocketStream<TcpStream>;

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// The server said goodbye.
    Server,
    /// The server went without a word.
    Lost,
    /// The caller hung up.
    Caller,
    /// The server sent what Twilio does not take: error 31924.
    Protocol,
    /// It was never open.
    Never,
}

impl Closed {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Lost => "lost",
            Self::Caller => "caller",
            Self::Protocol => "protocol",
            Self::Never => "never",
        }
    }
}

/// Opens a stream and holds it to its end.
pub(super) async fn hold(
    live: &Arc<Live>,
    stream: &Stream,
    person: &mut Person,
    todo: &mut mpsc::Receiver<Deed>,
) -> Closed {
    let sid = live.state.new_sid("MZ");
    let report = |event, error: Option<u32>| {
        let Some(url) = stream.status_callback.clone() else { return };
        let error = error.map(|code| code.to_string());
        let name = stream.name.as_deref();
        let form = forms::of_stream(live, &sid, name, event, error.as_deref(), live.state.now());
        let live = Arc::clone(live);
        // The audio does not wait for it.
        live.state.clone().live_tasks.spawn(async move { live.tell(&url, &form).await });
    };
    let began = Instant::now();
    let socket = match open(live, &stream.url).await {
        Ok(socket) => socket,
        Err(error) => {
            live.keep(What::StreamRefused { error });
            report("stream-error", Some(error));
            return Closed::Never;
        }
    };
    let took_ms = began.elapsed().as_secs_f64() * 1_000.0;
    live.keep(What::StreamOpened { stream_sid: sid.clone(), took_ms });
    report("stream-started", None);
    let mut talk = Talk {
        live,
        socket,
        sid: &sid,
        player: Player::default(),
        person,
        todo,
        sequence: 0,
        chunk: 0,
        began: Instant::now(),
        has_audio: false,
        buffer: String::new(),
    };
    let closed = match talk.begin(stream).await {
        Ok(()) => talk.run().await,
        Err(_) => Closed::Lost,
    };
    if closed == Closed::Protocol {
        report("stream-error", Some(31924));
    }
    report("stream-stopped", None);
    closed
}

/// Connects, or says why not, with Twilio's number for it.
async fn open(live: &Live, url: &str) -> Result<Socket, u32> {
    let parsed = Url::parse(url).map_err(|_| 31923_u32)?;
    // There are no certificates between parts of one machine.
    if parsed.scheme() != "ws" || parsed.query().is_some() {
        return Err(31922);
    }
    if live.placement.oddity == Oddity::NoStream {
        return Err(31901);
    }
    let host = parsed.host_str().ok_or(31923_u32)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = parsed.port_or_known_default().ok_or(31923_u32)?;
    let mut token = live.state.options.auth_token.clone();
    if live.placement.oddity == Oddity::ForgesHandshake {
        token = SecretString::from("not the account's token".to_owned());
    }
    let signed = signature::sign(url, &[], &token);
    let connecting = async {
        let tcp = TcpStream::connect((host, port)).await.map_err(|_| 31902_u32)?;
        tcp.set_nodelay(true).map_err(|_| 31902_u32)?;
        let mut request = url.into_client_request().map_err(|_| 31923_u32)?;
        let signature = HeaderValue::from_str(&signed).map_err(|_| 31923_u32)?;
        request.headers_mut().insert("x-twilio-signature", signature);
        // Twilio takes what is sent in one piece; ours may be long.
        let limits = WebSocketConfig::default().max_message_size(Some(1024 * 1024));
        let connected = client_async_with_config(request, tcp, Some(limits)).await;
        connected.map(|(socket, _)| socket).map_err(|_| 31920_u32)
    };
    timeout(CONNECT_WITHIN, connecting).await.unwrap_or(Err(31901))
}

struct Talk<'a> {
    live: &'a Arc<Live>,
    socket: Socket,
    sid: &'a str,
    player: Player,
    person: &'a mut Person,
    todo: &'a mut mpsc::Receiver<Deed>,
    sequence: u64,
    chunk: u64,
    began: Instant,
    has_audio: bool,
    buffer: String,
}

impl Talk<'_> {
    async fn begin(&mut self, stream: &Stream) -> Result<(), Error> {
        let connected = Connected { protocol: "Call".to_owned(), version: "1.0.0".to_owned() };
        self.send(&Inbound::Connected(connected)).await?;
        let start = Start {
            sequence: Some(self.next()),
            stream_sid: self.sid.to_owned(),
            account_sid: self.live.account_sid.clone(),
            call_sid: self.live.sid.clone(),
            tracks: vec!["inbound".to_owned()],
            parameters: stream.parameters().iter().cloned().collect(),
        };
        self.send(&Inbound::Start(Box::new(start))).await?;
        self.socket.flush().await
    }

    async fn run(&mut self) -> Closed {
        let speed = self.live.placement.speed.max(1);
        let mut ticks = interval(TICK / speed);
        // A caller does not speak slower because a machine is busy.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let is_deaf = self.live.placement.oddity == Oddity::Deaf;
        let over = self.live.over.clone();
        loop {
            tokio::select! {
                () = over.cancelled() => return self.leave().await,
                message = self.socket.next(), if !is_deaf => match message {
                    Some(Ok(Message::Text(text))) => match Outbound::read(&text) {
                        Ok(frame) => if self.take(&frame).await.is_err() { return self.gone(Closed::Lost) },
                        Err(_) => return self.gone(Closed::Protocol),
                    },
                    Some(Ok(Message::Close(_))) => {
                        // The answer to it goes out with the next read.
                        let _ = timeout(CONNECT_WITHIN, self.socket.next()).await;
                        return self.gone(Closed::Server);
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                    Some(Ok(Message::Binary(_))) => return self.gone(Closed::Protocol),
                    Some(Err(_)) | None => return self.gone(Closed::Lost),
                },
                _ = ticks.tick() => match self.tick().await {
                    Ok(true) => {}
                    Ok(false) => return self.leave().await,
                    Err(_) => return self.gone(Closed::Lost),
                },
                Some(deed) = self.todo.recv() => self.person.then(deed),
            }
        }
    }

    /// What the server sends.
    async fn take(&mut self, frame: &Outbound<'_>) -> Result<(), Error> {
        match frame {
            Outbound::Media { payload, .. } => {
                let mut audio = Vec::with_capacity(payload.bytes());
                if payload.decode_into(&mut audio).is_ok() {
                    self.heard(audio);
                }
                Ok(())
            }
            Outbound::Mark { name, .. } => {
                self.player.mark(name.to_string());
                Ok(())
            }
            Outbound::Clear { .. } => {
                let now = stamp::now();
                let tick = self.player.clear();
                self.live.keep(What::Cleared { marks: tick.marks.len() });
                self.live.measure(|story| story.cleared_at.push(now));
                self.played(tick, true).await
            }
        }
    }

    fn heard(&mut self, audio: Vec<u8>) {
        if !self.has_audio {
            self.has_audio = true;
            let after_ms = self.began.elapsed().as_secs_f64() * 1_000.0;
            self.live.keep(What::FirstAudio { after_ms });
        }
        let age = stamp::age_micros(&audio, stamp::now());
        self.live.measure(|story| {
            story.frames_in += 1;
            if let Some(age) = age {
                story.delayed(age);
            }
        });
        self.player.play(audio);
    }

    /// 20 ms go by. Whether the caller stays.
    async fn tick(&mut self) -> Result<bool, Error> {
        let mut frame = [0; FRAME_BYTES];
        let hears = Hears { for_ms: self.player.heard_ms(), turns: self.player.turns() };
        let did = self.person.tick(hears, &mut frame);
        if did.hangs_up {
            return Ok(false);
        }
        stamp::put(&mut frame, stamp::now());
        self.chunk += 1;
        let media = Media {
            sequence: Some(self.next()),
            chunk: Some(self.chunk),
            timestamp_ms: Some(self.chunk * 20),
            stream_sid: Cow::Borrowed(self.sid),
            payload: Mulaw::encode(&frame),
        };
        self.send(&Inbound::Media(media)).await?;
        self.live.measure(|story| story.frames_out += 1);
        if let Some(digit) = did.pressed {
            let (sequence, stream_sid) = (Some(self.next()), Cow::Borrowed(self.sid));
            self.send(&Inbound::Dtmf(Digit { sequence, stream_sid, digit })).await?;
            self.live.keep(What::Pressed { key: digit });
        }
        if let Some(text) = did.said {
            self.live.keep(What::Said { text });
        }
        let tick = self.player.tick();
        self.played(tick, false).await?;
        self.socket.flush().await?;
        Ok(true)
    }

    /// What was played: marks go back, words are written down.
    async fn played(&mut self, tick: Tick, cut: bool) -> Result<(), Error> {
        for name in tick.marks {
            let sequence = Some(self.next());
            let mark =
                Mark { sequence, stream_sid: Cow::Borrowed(self.sid), name: Cow::Owned(name) };
            self.send(&Inbound::Mark(mark)).await?;
        }
        if let Some(text) = tick.said {
            self.live.keep(What::Heard { text, cut });
        }
        self.socket.flush().await
    }

    /// The caller hangs up.
    async fn leave(&mut self) -> Closed {
        if self.live.placement.oddity != Oddity::DropsLine {
            let stop = Stop {
                sequence: Some(self.next()),
                stream_sid: self.sid.to_owned(),
                account_sid: self.live.account_sid.clone(),
                call_sid: self.live.sid.clone(),
            };
            let goodbye = async {
                self.send(&Inbound::Stop(stop)).await?;
                self.socket.close(None).await
            };
            // Somebody who does not read any more is not waited for.
            let _ = timeout(CONNECT_WITHIN, goodbye).await;
        }
        self.gone(Closed::Caller)
    }

    /// What was being heard is over, too.
    fn gone(&mut self, closed: Closed) -> Closed {
        if let Some(text) = self.player.end() {
            self.live.keep(What::Heard { text, cut: true });
        }
        closed
    }

    async fn send(&mut self, frame: &Inbound<'_>) -> Result<(), Error> {
        frame.write(&mut self.buffer);
        self.socket.feed(Message::text(self.buffer.as_str())).await
    }

    fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }
}
