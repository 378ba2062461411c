//! What a call does next: the bridge's decisions, apart from its sockets. Pure: events and the time in, actions out.

mod talking; // what follows on what is said
#[cfg(test)]
mod tests;

use clients::audio::Mulaw;
use domain::voice::{Outcome, Speaker, Spoken};
use workflows::voice_session::{Asked, tools::LineAnswer};

use super::{
    limits::{self, Patience},
    playout::Playout,
    speech::{SpeechEvent, Tell},
    turns::Turns,
};

/// What happens to a call.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// The caller's audio has come to us.
    Connected,
    /// Twenty milliseconds of the caller.
    Frame {
        /// By the caller's clock.
        at_ms: Option<u64>,
        /// The audio.
        audio: Mulaw<'a>,
    },
    /// A key.
    Digit(char),
    /// What was sent before this mark was heard, or flushed.
    Mark(&'a str),
    /// The caller has hung up.
    Gone,
    /// The caller's audio has broken off; the caller may still be there, and come back by another way.
    Disconnected,
    /// Somebody can listen and speak: for the first time, or again.
    SpeechReady,
    /// Nobody can any more.
    SpeechLost {
        /// Whether another try may succeed.
        again: bool,
    },
    /// What they say.
    Speech(SpeechEvent),
    /// What came of what was asked for.
    Answered(Asked, LineAnswer),
    /// Nothing; time passes.
    Tick,
}

/// What the bridge is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action<'a> {
    /// Passes the caller's audio on. If there is too much of it, the oldest goes.
    Listen(Mulaw<'a>),
    /// Passes something else on.
    Tell(Tell),
    /// Plays this, with a mark after it.
    Play(Mulaw<'static>, String),
    /// Forgets what is not played yet.
    Clear,
    /// Has it written down.
    Note(Happening),
    /// Looks for somebody to listen and speak.
    Dial,
    /// Lets go of the caller's audio.
    Disconnect,
}

/// What is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Happening {
    Said(Spoken),
    Asks(Asked),
    Over(Outcome),
}

/// What is to be said next: this, or what comes to the model's mind.
#[derive(Debug, Clone, Copy)]
struct Next(Option<&'static str>);

/// Where a conversation with the speech service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Dialing,
    Ready,
    /// Gone for good.
    Failed,
}

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    /// When it was opened here, on the clock of the events.
    opened_ms: u64,
    connected_ms: Option<u64>,
    /// Since when the audio is gone of a call that may come back.
    away_since_ms: Option<u64>,
    /// The caller's clock, as far as frames have told it.
    caller_ms: u64,
    last_frame_ms: u64,
    /// Whether somebody else has spoken in it before.
    is_taken_over: bool,
    /// What was spoken before is this old.
    base_ms: u32,
    /// What is left of the time that may be talked, once the caller is here.
    talk_max_ms: u64,
    service: Service,
    /// When the last try to reach the service began to count.
    redialed_ms: Option<u64>,
    playout: Playout,
    turns: Turns,
    patience: Patience,
    /// Whether the assistant is making an answer.
    answering: bool,
    answering_ms: u64,
    /// Something is to be said when that one is complete.
    speak_next: Option<Next>,
    /// Questions of this conversation, which know their answers by name.
    asked: Vec<String>,
    digits: String,
    digit_ms: u64,
    /// The end that is near: when the assistant has said what it has to say, at the latest then.
    ending: Option<(Outcome, u64)>,
    over: Option<Outcome>,
}

/// How a call begins here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begin {
    pub(super) now_ms: u64,
    pub(super) is_taken_over: bool,
    pub(super) base_ms: u32,
    pub(super) talk_max_secs: u32,
}

impl Call {
    pub(super) fn new(begin: Begin) -> Call {
        Call {
            opened_ms: begin.now_ms,
            connected_ms: None,
            away_since_ms: None,
            caller_ms: 0,
            last_frame_ms: begin.now_ms,
            is_taken_over: begin.is_taken_over,
            base_ms: begin.base_ms,
            talk_max_ms: limits::talk_left_ms(begin.talk_max_secs, begin.base_ms),
            service: Service::Dialing,
            redialed_ms: None,
            playout: Playout::default(),
            turns: Turns::default(),
            patience: Patience::new(begin.now_ms),
            answering: false,
            answering_ms: 0,
            speak_next: None,
            asked: Vec::new(),
            digits: String::new(),
            digit_ms: 0,
            ending: None,
            over: None,
        }
    }

    /// How it ended, once it has.
    pub(super) fn over(&self) -> Option<Outcome> {
        self.over
    }

    /// What follows on an event. Nothing follows on anything once it is over.
    pub(super) fn on<'a>(&mut self, now_ms: u64, event: Event<'a>) -> Vec<Action<'a>> {
        let mut out = Vec::new();
        if self.over.is_some() {
            return out;
        }
        match event {
            Event::Frame { at_ms, audio } => {
                self.caller_ms =
                    at_ms.unwrap_or(self.caller_ms + audio.millis()).max(self.caller_ms);
                self.last_frame_ms = now_ms;
                // Whoever has been told good-bye is not listened to any more.
                if self.service != Service::Failed && self.ending.is_none() {
                    out.push(Action::Listen(audio));
                }
            }
            Event::Mark(mark) => self.heard(now_ms, mark, &mut out),
            Event::Speech(event) => self.speech(now_ms, event, &mut out),
            Event::Digit(digit) => self.digit(now_ms, digit, &mut out),
            Event::Connected => {
                self.connected_ms.get_or_insert(now_ms);
                self.away_since_ms = None;
                // A stream's clock begins anew with it.
                (self.caller_ms, self.last_frame_ms) = (0, now_ms);
                self.patience.busy(now_ms);
                self.resume(now_ms, &mut out);
            }
            Event::SpeechReady => {
                let was_lost = self.redialed_ms.is_some();
                self.service = Service::Ready;
                self.answering = false;
                self.is_taken_over |= was_lost && self.connected_ms.is_some();
                self.resume(now_ms, &mut out);
                self.say_what_waits(now_ms, &mut out);
            }
            Event::SpeechLost { again } => self.lost(now_ms, again, &mut out),
            Event::Answered(asked, answer) => self.answered(now_ms, &asked, answer, &mut out),
            Event::Gone => self.end(now_ms, limits::when_gone(self.ending), &mut out),
            Event::Disconnected => self.disconnected(now_ms, &mut out),
            Event::Tick => self.tick(now_ms, &mut out),
        }
        out
    }

    /// Both sides are there, and somebody else has spoken before.
    fn resume(&mut self, now_ms: u64, out: &mut Vec<Action<'_>>) {
        let is_here = self.connected_ms.is_some() && self.away_since_ms.is_none();
        if self.is_taken_over && is_here && self.service == Service::Ready {
            self.is_taken_over = false;
            self.say(now_ms, Some(limits::INTERRUPTED), out);
        }
    }

    /// Has the assistant say something: now, or when it is through with what it says, or when there is somebody to say it.
    fn say(&mut self, now_ms: u64, what: Option<&'static str>, out: &mut Vec<Action<'_>>) {
        if self.answering || self.service == Service::Dialing {
            let what = what.or(self.speak_next.and_then(|next| next.0));
            self.speak_next = Some(Next(what));
        } else {
            (self.answering, self.answering_ms) = (true, now_ms);
            out.push(Action::Tell(Tell::Speak(what)));
        }
    }

    /// What was to be said while nobody could.
    fn say_what_waits(&mut self, now_ms: u64, out: &mut Vec<Action<'_>>) {
        match self.speak_next.take() {
            // Whoever says that the line was interrupted goes on with what they know, and that is among it.
            Some(Next(None)) if self.answering => {}
            Some(Next(what)) => self.say(now_ms, what, out),
            None => {}
        }
    }

    fn heard(&mut self, now_ms: u64, mark: &str, out: &mut Vec<Action<'_>>) {
        for item in self.playout.heard(mark, self.caller_ms) {
            if let Some(text) = self.turns.heard(&item) {
                self.note(now_ms, Speaker::Assistant, text, out);
            }
        }
        self.patience.busy(now_ms);
        self.end_if_said(now_ms, out);
    }

    /// What is on its way is not heard any more. If the caller is still there, the phone company asks where to, and brings
    /// the audio again; whoever comes back is told that the line was interrupted.
    fn disconnected(&mut self, now_ms: u64, out: &mut Vec<Action<'_>>) {
        if self.connected_ms.is_none() {
            return;
        }
        self.interrupt(now_ms, out);
        if let Some((outcome, _)) = self.ending {
            return self.end(now_ms, outcome, out);
        }
        self.away_since_ms = Some(now_ms);
        self.is_taken_over = true;
    }

    fn tick(&mut self, now_ms: u64, out: &mut Vec<Action<'_>>) {
        if let Some(since) = self.away_since_ms {
            if now_ms.saturating_sub(since) >= limits::BACK_WITHIN_MS {
                self.end(now_ms, Outcome::HungUp, out);
            }
            return;
        }
        let Some(connected_ms) = self.connected_ms else {
            if now_ms.saturating_sub(self.opened_ms) >= limits::CONNECT_WITHIN_MS {
                self.end(now_ms, Outcome::Abandoned, out);
            }
            return;
        };
        if self.answering && now_ms.saturating_sub(self.answering_ms) >= limits::ANSWER_WITHIN_MS {
            // It was refused, or forgotten.
            self.answering = false;
        }
        if self.service == Service::Failed && self.ending.is_none() {
            self.end_soon(now_ms, Outcome::AiFailed);
        }
        self.end_if_said(now_ms, out);
        if self.over.is_some() {
            return;
        }
        if now_ms.saturating_sub(self.last_frame_ms) >= limits::FRAMES_WITHIN_MS {
            // The phone company sends silence, too: who sends nothing is gone.
            out.push(Action::Disconnect);
            return self.disconnected(now_ms, out);
        }
        if !self.digits.is_empty()
            && now_ms.saturating_sub(self.digit_ms) >= limits::DIGITS_WITHIN_MS
        {
            self.pressed(now_ms, out);
        }
        if self.ending.is_some() {
            return;
        }
        if now_ms.saturating_sub(connected_ms) >= self.talk_max_ms {
            self.say(now_ms, Some(limits::TIME_UP), out);
            return self.end_soon(now_ms, Outcome::TimeUp);
        }
        let is_quiet =
            self.playout.is_silent() && !self.answering && self.service == Service::Ready;
        match self.patience.look(now_ms, is_quiet) {
            limits::Silence::Bearable => {}
            limits::Silence::Ask => self.say(now_ms, Some(limits::STILL_THERE), out),
            limits::Silence::TooLong => self.end(now_ms, Outcome::Silent, out),
        }
    }

    /// The call ends like this when the assistant has said what it is saying.
    fn end_soon(&mut self, now_ms: u64, outcome: Outcome) {
        if self.ending.is_none() {
            self.ending = Some((outcome, now_ms + limits::GOOD_BYE_MS));
        }
    }

    fn end_if_said(&mut self, now_ms: u64, out: &mut Vec<Action<'_>>) {
        let Some((outcome, at_the_latest)) = self.ending else { return };
        let waits = self.service == Service::Dialing && self.speak_next.is_some();
        let is_said = !self.answering && !waits && self.playout.is_silent();
        if is_said || now_ms >= at_the_latest {
            self.end(now_ms, outcome, out);
        }
    }

    fn end(&mut self, now_ms: u64, outcome: Outcome, out: &mut Vec<Action<'_>>) {
        // What was being said when it ended was said up to here.
        for cut in self.playout.clear(self.caller_ms) {
            if let Some(text) = self.turns.cut(&cut) {
                self.note(now_ms, Speaker::Assistant, text, out);
            }
        }
        self.over = Some(outcome);
        out.push(Action::Note(Happening::Over(outcome)));
    }

    fn note(&self, now_ms: u64, who: Speaker, text: String, out: &mut Vec<Action<'_>>) {
        let since = now_ms.saturating_sub(self.connected_ms.unwrap_or(self.opened_ms));
        let at_ms = self.base_ms.saturating_add(u32::try_from(since).unwrap_or(u32::MAX));
        let text = limits::cut(text, limits::TURN_BYTES_MAX);
        out.push(Action::Note(Happening::Said(Spoken { who, text, at_ms })));
    }
}
