//! What a call does and says, in Twilio's markup ("TwiML for Programmable Voice" in its documentation).

mod verb; // what there is to do
mod write; // as XML

use std::fmt;

pub use self::verb::{
    Connect, Dial, PARAMETER_CHARS_MAX, ParameterTooLong, Record, RejectReason, Stream, Verb, Voice,
};

/// What a call does, one verb after the other. `Debug` shows the verbs and not what they say.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Twiml {
    verbs: Vec<Verb>,
}

impl Twiml {
    /// Nothing: an empty answer ends a call, and leaves a text unanswered.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says something.
    #[must_use]
    pub fn say(self, text: impl Into<String>, voice: &Voice) -> Self {
        self.then(Verb::Say { text: text.into(), voice: voice.clone() })
    }

    /// Is silent for so many seconds.
    #[must_use]
    pub fn pause(self, secs: u16) -> Self {
        self.then(Verb::Pause { secs })
    }

    /// Asks this address, by POST, how to go on; nothing after it is done.
    #[must_use]
    pub fn redirect(self, url: impl Into<String>) -> Self {
        self.then(Verb::Redirect { url: url.into() })
    }

    /// Hands the call's audio to a WebSocket, until the server there closes it.
    #[must_use]
    pub fn connect(self, connect: Connect) -> Self {
        self.then(Verb::Connect(connect))
    }

    /// Rings somebody and connects the two.
    #[must_use]
    pub fn dial(self, dial: Dial) -> Self {
        self.then(Verb::Dial(dial))
    }

    /// Records what the caller says.
    #[must_use]
    pub fn record(self, record: Record) -> Self {
        self.then(Verb::Record(record))
    }

    /// Ends the call.
    #[must_use]
    pub fn hang_up(self) -> Self {
        self.then(Verb::Hangup)
    }

    /// Does not take the call; it costs nothing if it is the first verb.
    #[must_use]
    pub fn reject(self, reason: RejectReason) -> Self {
        self.then(Verb::Reject { reason })
    }

    /// Answers a text with a text.
    #[must_use]
    pub fn message(self, body: impl Into<String>) -> Self {
        self.then(Verb::Message { body: body.into() })
    }

    /// And then this.
    #[must_use]
    pub fn then(mut self, verb: Verb) -> Self {
        self.verbs.push(verb);
        self
    }

    /// What is done, in order.
    pub fn verbs(&self) -> &[Verb] {
        &self.verbs
    }

    /// The document. Whatever is said or named, it is never markup; characters that XML does not know are left out.
    pub fn to_xml(&self) -> String {
        write::document(&self.verbs)
    }
}

impl From<Vec<Verb>> for Twiml {
    fn from(verbs: Vec<Verb>) -> Self {
        Self { verbs }
    }
}

impl fmt::Debug for Twiml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.verbs.iter().map(Verb::name)).finish()
    }
}

/// Says a text, and says it again after a pause; nobody has a pen at hand the first time.
pub fn say(text: &str, language: &str, voice: &str, times: u8) -> String {
    let voice = Voice { language: language.to_owned(), name: Some(voice.to_owned()) };
    let again = |twiml: Twiml| twiml.pause(1).say(text, &voice);
    let once = Twiml::new().say(text, &voice);
    (1..times).fold(once, |twiml, _| again(twiml)).to_xml()
}

#[cfg(test)]
mod tests;
