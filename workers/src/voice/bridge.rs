//! A call's bridge: its sockets, its clock, and between them the decisions of [`super::call`]. A task of its own for each
//! call; nothing in it waits for the database, and no slow reader holds up the other side.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::extract::ws::WebSocket;
use clients::twilio::media::{BadFrame, Inbound};
use domain::voice::{Speaker, Spoken};
use futures::{StreamExt, stream::SplitStream};
use tokio::{sync::mpsc, time::MissedTickBehavior};
use tokio_util::task::AbortOnDropHandle;

use super::{
    call::{Action, Begin, Call, Event, Happening},
    line::{Line, Order},
    metrics, socket,
    socket::{Down, Frame, Stream},
    speech::{Conversation, Ear, Opening, Speech, SpeechEvent, SpeechFailed},
    uplink::{self, Up, Uplink},
};

/// How fine the clock of silences and limits is.
const TICK: Duration = Duration::from_millis(100);

/// A call that is over is closed when that is written down, or after so long: the caller waits.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Frames that cannot be read. Twilio sends none; whoever sends more is somebody else.
const BAD_FRAMES_MAX: u32 = 20;

/// With what a bridge begins.
pub(super) struct Start {
    pub(super) opening: Opening,
    pub(super) is_taken_over: bool,
    pub(super) talk_max_secs: u32,
}

/// The caller's side, while there is one.
struct Caller {
    stream: SplitStream<WebSocket>,
    down: Arc<Down>,
    bad: u32,
    _writer: AbortOnLeave,
}

/// The writer ends by itself when its box is closed and empty.
struct AbortOnLeave(Arc<Down>);

impl Drop for AbortOnLeave {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Bridge {
    line: Arc<Line>,
    speech: Arc<dyn Speech>,
    opening: Opening,
    call: Call,
    born: Instant,
    caller: Option<Caller>,
    uplink: Arc<Uplink>,
    ear: Option<Box<dyn Ear>>,
    dialing: Option<Dialing>,
    over_since: Option<Instant>,
}

type Dialing = Pin<Box<AbortOnDropHandle<Result<Conversation, SpeechFailed>>>>;

/// What woke the bridge.
enum Woken {
    Order(Option<Order>),
    Begun(Result<Conversation, SpeechFailed>),
    Heard(Result<SpeechEvent, SpeechFailed>),
    Text(Option<axum::extract::ws::Utf8Bytes>),
    Tick,
}

/// Speaks in a call until it is over, and written down or handed on.
pub(super) async fn run(
    line: Arc<Line>,
    speech: Arc<dyn Speech>,
    start: Start,
    mut orders: mpsc::Receiver<Order>,
) {
    let _gone = Gone(Arc::clone(&line));
    let base_ms = start.opening.spoken.last().map_or(0, |said| said.at_ms);
    let first = Begin {
        now_ms: 0,
        is_taken_over: start.is_taken_over,
        base_ms,
        talk_max_secs: start.talk_max_secs,
    };
    let mut bridge = Bridge {
        line,
        speech,
        opening: start.opening,
        call: Call::new(first),
        born: Instant::now(),
        caller: None,
        uplink: Arc::new(uplink::uplink()),
        ear: None,
        dialing: None,
        over_since: None,
    };
    bridge.dial();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let woken = tokio::select! {
            biased;
            order = orders.recv() => Woken::Order(order),
            begun = begun(&mut bridge.dialing) => Woken::Begun(begun),
            heard = heard(&mut bridge.ear) => Woken::Heard(heard),
            text = text(&mut bridge.caller) => Woken::Text(text),
            _ = ticks.tick() => Woken::Tick,
        };
        if !bridge.on(woken) {
            break;
        }
    }
    bridge.uplink.close();
}

/// However it ends, whoever attends learns of it.
struct Gone(Arc<Line>);

impl Drop for Gone {
    fn drop(&mut self) {
        if !self.0.is_over() {
            self.0.lose();
        }
    }
}

async fn begun(dialing: &mut Option<Dialing>) -> Result<Conversation, SpeechFailed> {
    match dialing {
        Some(task) => {
            let begun = task.as_mut().await;
            *dialing = None;
            begun.unwrap_or(Err(SpeechFailed::Unreachable))
        }
        None => std::future::pending().await,
    }
}

async fn heard(ear: &mut Option<Box<dyn Ear>>) -> Result<SpeechEvent, SpeechFailed> {
    match ear {
        Some(ear) => ear.next().await,
        None => std::future::pending().await,
    }
}

async fn text(caller: &mut Option<Caller>) -> Option<axum::extract::ws::Utf8Bytes> {
    match caller {
        Some(caller) => socket::next_text(&mut caller.stream).await,
        None => std::future::pending().await,
    }
}

impl Bridge {
    /// What follows on what woke it. False: it has no more to do.
    fn on(&mut self, woken: Woken) -> bool {
        match woken {
            Woken::Order(None | Some(Order::HangUp | Order::HandOver)) => return false,
            Woken::Order(Some(Order::Connect(stream))) => self.connect(*stream),
            Woken::Order(Some(Order::Answer(asked, answer))) => {
                let at_ms = self.opening.spoken.last().map_or(0, |said| said.at_ms);
                let text = format!("{}: {}", asked.name, answer.text);
                self.opening.spoken.push(Spoken { who: Speaker::Tool, text, at_ms });
                self.decide(Event::Answered(asked, answer));
            }
            Woken::Begun(begun) => self.begun(begun),
            Woken::Heard(Ok(event)) => self.decide(Event::Speech(event)),
            Woken::Heard(Err(failed)) => self.lost(failed),
            Woken::Text(None) => self.disconnected(),
            Woken::Text(Some(text)) => self.frame(&text),
            Woken::Tick => {
                if self.caller.as_ref().is_some_and(|caller| caller.down.is_closed()) {
                    self.slow_reader();
                    self.disconnected();
                }
                if self.ear.is_some() && self.uplink.is_closed() {
                    self.lost(SpeechFailed::Unreachable);
                }
                self.decide(Event::Tick);
                if self.over_since.is_some_and(|since| since.elapsed() > CLOSE_WITHIN) {
                    // Nobody could write it down in time; the line remembers it until somebody does.
                    self.caller = None;
                    return false;
                }
            }
        }
        true
    }

    fn connect(&mut self, stream: Stream) {
        let (sink, frames) = stream.socket.split();
        let down = Arc::new(socket::down());
        tokio::spawn(socket::write(sink, stream.stream_sid, Arc::clone(&down)));
        let leave = AbortOnLeave(Arc::clone(&down));
        self.caller = Some(Caller { stream: frames, down, bad: 0, _writer: leave });
        self.decide(Event::Connected);
    }

    /// The stream has ended without a word: the caller may still be on the phone, and comes back by another way.
    fn disconnected(&mut self) {
        self.caller = None;
        self.decide(Event::Disconnected);
    }

    fn frame(&mut self, text: &str) {
        let read = Instant::now();
        match Inbound::read(text) {
            Ok(Inbound::Media(media)) => {
                let at_ms = media.timestamp_ms;
                self.decide_at(read, Event::Frame { at_ms, audio: media.payload });
            }
            Ok(Inbound::Mark(mark)) => self.decide(Event::Mark(&mark.name)),
            Ok(Inbound::Dtmf(key)) => self.decide(Event::Digit(key.digit)),
            Ok(Inbound::Stop(_)) => self.decide(Event::Gone),
            // It has begun already, or is of a later day.
            Ok(Inbound::Connected(_) | Inbound::Start(_) | Inbound::Unknown(_)) => {}
            Err(bad) => self.bad_frame(&bad),
        }
    }

    fn bad_frame(&mut self, bad: &BadFrame) {
        metrics::bad_frame();
        let Some(caller) = &mut self.caller else { return };
        caller.bad += 1;
        if caller.bad > BAD_FRAMES_MAX {
            tracing::warn!(session.id = %self.line.session, %bad, "a stream of what is none was closed");
            self.disconnected();
        }
    }

    fn dial(&mut self) {
        self.uplink.close();
        self.uplink = Arc::new(uplink::uplink());
        self.ear = None;
        let (speech, opening) = (Arc::clone(&self.speech), self.opening.clone());
        let dialing = tokio::spawn(async move { speech.begin(opening).await });
        self.dialing = Some(Box::pin(AbortOnDropHandle::new(dialing)));
    }

    fn begun(&mut self, begun: Result<Conversation, SpeechFailed>) {
        match begun {
            Ok(Conversation { mouthpiece, ear }) => {
                tokio::spawn(uplink::write(mouthpiece, Arc::clone(&self.uplink)));
                self.ear = Some(ear);
                metrics::dialed(self.born.elapsed());
                self.decide(Event::SpeechReady);
            }
            Err(failed) => self.lost(failed),
        }
    }

    fn lost(&mut self, failed: SpeechFailed) {
        tracing::warn!(session.id = %self.line.session, %failed, "nobody listens and speaks");
        metrics::speech_lost();
        self.ear = None;
        self.decide(Event::SpeechLost { again: failed == SpeechFailed::Unreachable });
    }

    fn decide(&mut self, event: Event<'_>) {
        self.decide_at(Instant::now(), event);
    }

    /// Has the call decide, and does what it says.
    fn decide_at(&mut self, read: Instant, event: Event<'_>) {
        let now_ms = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        for action in self.call.on(now_ms, event) {
            match action {
                Action::Listen(audio) => self.tell(Up::audio(audio.into_owned(), read)),
                Action::Tell(tell) => self.tell(Up::of(tell)),
                Action::Play(audio, mark) => {
                    self.play(Frame::Audio(audio, read));
                    self.play(Frame::Mark(mark));
                }
                Action::Clear => {
                    if let Some(caller) = &self.caller {
                        caller.down.replace_all(Frame::Clear(read));
                    }
                }
                Action::Note(happening) => self.note(happening),
                Action::Dial => self.dial(),
                Action::Disconnect => self.caller = None,
            }
        }
        if self.call.over().is_some() && self.over_since.is_none() {
            self.over_since = Some(Instant::now());
            // What was asked for last may still be heard; nothing more is said.
            self.uplink.close();
            self.ear = None;
            self.dialing = None;
        }
    }

    fn tell(&self, up: Up) {
        match self.uplink.push(up) {
            Ok(false) => {}
            Ok(true) => metrics::dropped_up(),
            // Its writer is stuck, and will say so.
            Err(_) => self.uplink.close(),
        }
    }

    fn play(&mut self, frame: Frame) {
        let Some(caller) = &self.caller else { return };
        if caller.down.push(frame).is_err() {
            // The next tick finds it: the decision that led here is not through.
            caller.down.close();
        }
    }

    fn slow_reader(&self) {
        tracing::warn!(session.id = %self.line.session, "a stream that nobody reads was closed");
        metrics::slow_reader();
    }

    fn note(&mut self, happening: Happening) {
        if let Happening::Said(spoken) = &happening {
            self.remember(spoken);
        }
        self.line.note(happening);
    }

    /// For whoever listens and speaks next in this call.
    fn remember(&mut self, spoken: &Spoken) {
        self.opening.spoken.push(spoken.clone());
    }
}
