//! A call to be placed.

use std::time::Duration;

use super::Deed;
use crate::speech::CHARS_PER_SEC;

/// A call to be placed. [`Placement::new`] fills in the rest.
#[derive(Clone)]
pub struct Placement {
    /// The caller's phone.
    pub from: String,
    /// Our number.
    pub to: String,
    /// Where the number's webhook is.
    pub url: String,
    /// Where its status reports go.
    pub status_url: Option<String>,
    /// `CA` and 32 hex digits; a new one if none is given.
    pub sid: Option<String>,
    /// What the caller does, once connected.
    pub script: Vec<Deed>,
    /// How fast everybody speaks, the sandbox's Twilio and the caller.
    pub chars_per_sec: u32,
    /// How much faster than in the world time goes by for this call: 1 is real time. Frames come that much faster, too.
    pub speed: u32,
    /// The caller hangs up after so long, wherever the call is.
    pub patience: Duration,
    /// What is odd about it.
    pub oddity: Oddity,
    /// Whether the call is recorded, and when that is told.
    pub recording: Recording,
    /// How a phone that TwiML dials answers: `completed`, `busy`, `no-answer` or `failed`.
    pub dialled: &'static str,
}

impl Placement {
    /// A patient caller who hangs up when the script is over.
    pub fn new(from: impl Into<String>, to: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            from: from.into(),
            to: to.into(),
            url: url.into(),
            status_url: None,
            sid: None,
            script: Vec::new(),
            chars_per_sec: CHARS_PER_SEC,
            speed: 1,
            patience: Duration::from_hours(1),
            oddity: Oddity::None,
            recording: Recording::None,
            dialled: "completed",
        }
    }
}

/// What is odd about a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    /// Nothing.
    #[default]
    None,
    /// The first webhook is posted twice, at once, with the same idempotency token.
    PostsTwice,
    /// The stream's server cannot be reached: error 31901.
    NoStream,
    /// The handshake is signed with another token.
    ForgesHandshake,
    /// The call ends without a word: the socket is dropped.
    DropsLine,
    /// It does not read what is sent to it.
    Deaf,
}

/// Whether a call is recorded, and when that is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Recording {
    /// It is not.
    #[default]
    None,
    /// It is, and this address is told after the call.
    ToldAfter(String),
    /// It is, and this address is told before anybody has told of the call.
    ToldBefore(String),
}
