//! What there is to do.

/// Twilio's limit for a parameter's name and value together, in characters.
pub const PARAMETER_CHARS_MAX: usize = 500;

/// Who speaks, and in which language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voice {
    /// A tag such as `de-DE`.
    pub language: String,
    /// One of Twilio's ("Text-to-Speech", "Available voices"); none for the language's own.
    pub name: Option<String>,
}

/// One thing to do. Has no `Debug`: what is said may be private. [`Verb::name`] is its name.
#[derive(Clone, PartialEq, Eq)]
pub enum Verb {
    /// Says something.
    Say {
        /// What.
        text: String,
        /// By whom.
        voice: Voice,
    },
    /// Is silent.
    Pause {
        /// For so long.
        secs: u16,
    },
    /// Asks an address, by POST, how to go on.
    Redirect {
        /// Which.
        url: String,
    },
    /// Hands the audio to a WebSocket.
    Connect(Connect),
    /// Rings somebody.
    Dial(Dial),
    /// Records the caller.
    Record(Record),
    /// Ends the call.
    Hangup,
    /// Does not take the call.
    Reject {
        /// What the caller hears.
        reason: RejectReason,
    },
    /// Answers a text with a text.
    Message {
        /// What it says.
        body: String,
    },
}

impl Verb {
    /// The element's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Say { .. } => "Say",
            Self::Pause { .. } => "Pause",
            Self::Redirect { .. } => "Redirect",
            Self::Connect(_) => "Connect",
            Self::Dial(_) => "Dial",
            Self::Record(_) => "Record",
            Self::Hangup => "Hangup",
            Self::Reject { .. } => "Reject",
            Self::Message { .. } => "Message",
        }
    }
}

/// A stream in both directions. What stands after it is done when the server has closed the WebSocket.
#[derive(Clone, PartialEq, Eq)]
pub struct Connect {
    /// Asked, by POST, how to go on when the stream is over; with it, what stands after `Connect` is not done.
    pub action: Option<String>,
    /// The stream.
    pub stream: Stream,
}

/// Where the audio goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Stream {
    /// `wss://…`, without a query.
    pub url: String,
    /// A name for it, in its status reports.
    pub name: Option<String>,
    /// Told, by POST, when it begins, ends and fails.
    pub status_callback: Option<String>,
    /// What comes back in [`Start::parameters`](crate::twilio::media::Start).
    parameters: Vec<(String, String)>,
}

/// A parameter that Twilio would cut or refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stream's parameter has more than {PARAMETER_CHARS_MAX} characters")]
pub struct ParameterTooLong;

impl Stream {
    /// A stream to an address.
    pub fn to(url: impl Into<String>) -> Self {
        Self { url: url.into(), name: None, status_callback: None, parameters: Vec::new() }
    }

    /// Gives it a name, which its status reports carry.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Has its beginning, end and failures reported, by POST.
    #[must_use]
    pub fn reported_to(self, url: impl Into<String>) -> Self {
        Self { status_callback: Some(url.into()), ..self }
    }

    /// Gives it a parameter. A query in its address would not arrive.
    pub fn parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, ParameterTooLong> {
        let (name, value) = (name.into(), value.into());
        if name.chars().count() + value.chars().count() > PARAMETER_CHARS_MAX {
            return Err(ParameterTooLong);
        }
        self.parameters.push((name, value));
        Ok(self)
    }

    /// Names and values.
    pub fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }
}

/// Rings somebody and connects the two.
#[derive(Clone, PartialEq, Eq)]
pub struct Dial {
    /// Whom, E.164.
    pub number: String,
    /// Whose number they see; the caller's if none is given.
    pub caller_id: Option<String>,
    /// For how long it rings.
    pub timeout_secs: Option<u16>,
    /// Asked, by POST, how to go on when the other call is over, with `DialCallStatus`.
    pub action: Option<String>,
}

/// Records what the caller says, as a message.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Asked, by POST, how to go on when the caller is done.
    pub action: Option<String>,
    /// The longest message, in seconds.
    pub max_secs: Option<u16>,
    /// So much silence ends it, in seconds.
    pub silence_secs: Option<u16>,
    /// Keys that end it.
    pub finish_on: Option<String>,
    /// Told, by POST, when the recording can be fetched.
    pub status_callback: Option<String>,
    /// Whether it begins with a beep.
    pub beep: bool,
}

/// What somebody hears whose call is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// That the number is not in service.
    Rejected,
    /// That the line is taken.
    Busy,
}

impl RejectReason {
    /// Its word in the markup.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Busy => "busy",
        }
    }
}
