//! What happened, and when.

use std::time::Duration;

use serde::Serialize;

/// Moments of one call that are kept.
const MOMENTS_MAX: usize = 2_000;

/// Delays of one call that are kept: seven minutes of frames.
const DELAYS_MAX: usize = 20_000;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moment {
    /// Milliseconds since the call was placed, by the world's clock.
    pub at_ms: f64,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum What {
    /// A webhook was answered.
    Webhook {
        /// Its path.
        path: String,
        /// The HTTP status; 0: nobody answered.
        status: u16,
        /// How long it took.
        took_ms: f64,
        /// The verbs of the answer.
        verbs: Vec<&'static str>,
    },
    /// The repeated webhook was answered.
    Repeated {
        /// Whether with the same TwiML.
        alike: bool,
    },
    /// TwiML's `<Say>` has been heard.
    Announced {
        /// What it said.
        text: String,
    },
    /// The stream's WebSocket is open.
    StreamOpened {
        /// The stream.
        stream_sid: String,
        /// How long the handshake took.
        took_ms: f64,
    },
    /// The stream could not be opened.
    StreamRefused {
        /// Twilio's error.
        error: u32,
    },
    /// The first audio of a stream came.
    FirstAudio {
        /// Since its `start`.
        after_ms: f64,
    },
    /// The other side was heard.
    Heard {
        /// What it said, as far as it was heard.
        text: String,
        /// Whether it was cut off.
        cut: bool,
    },
    /// The caller has said something.
    Said {
        /// What.
        text: String,
    },
    /// The caller has pressed a key.
    Pressed {
        /// Which.
        key: char,
    },
    /// What was being said was cleared.
    Cleared {
        /// How many marks came back by it.
        marks: usize,
    },
    /// The stream is over.
    StreamClosed {
        /// `server`, `lost`, `caller` or `protocol`.
        by: &'static str,
    },
    /// Somebody else was rung.
    Dialled {
        /// How it ended.
        status: &'static str,
    },
    /// A message was recorded.
    Recorded,
    /// The call is over.
    Ended {
        /// Twilio's word for how.
        status: &'static str,
    },
}

/// All that happened in a call.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Story {
    /// The call.
    pub sid: String,
    /// Twilio's word for where it is.
    pub status: &'static str,
    /// In order.
    pub moments: Vec<Moment>,
    /// For each frame with audio that came: how long after it was sent by the sandbox's model, in microseconds.
    #[serde(skip)]
    pub delays_micros: Vec<u64>,
    /// When each `clear` came, in nanoseconds since 1970.
    #[serde(skip)]
    pub cleared_at: Vec<u64>,
    /// Frames with audio that came.
    pub frames_in: u64,
    /// Frames with audio that left.
    pub frames_out: u64,
}

/// Quantiles, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Delays {
    /// Half of them took no longer.
    pub p50: f64,
    /// One of a hundred took longer.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Story {
    pub(super) fn keep(&mut self, at_ms: f64, what: What) {
        if self.moments.len() < MOMENTS_MAX {
            self.moments.push(Moment { at_ms, what });
        }
    }

    pub(super) fn delayed(&mut self, micros: u64) {
        if self.delays_micros.len() < DELAYS_MAX {
            self.delays_micros.push(micros);
        }
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        !matches!(self.status, "ringing" | "in-progress")
    }

    /// Everything that the other side was heard to say.
    pub fn heard(&self) -> Vec<&str> {
        self.moments.iter().filter_map(|moment| heard_text(&moment.what)).collect()
    }

    /// How long parts of answers took from the sandbox's model to the phone.
    pub fn delay_ms(&self) -> Option<Delays> {
        let mut sorted = self.delays_micros.clone();
        sorted.sort_unstable();
        let at = |per_cent: usize| {
            let micros = sorted.get((sorted.len() * per_cent / 100).min(sorted.len() - 1));
            Duration::from_micros(micros.copied().unwrap_or_default()).as_secs_f64() * 1_000.0
        };
        (!sorted.is_empty()).then(|| Delays { p50: at(50), p99: at(99), max: at(100) })
    }

    /// From the placing of the call to the first audio of its first stream.
    pub fn first_audio_ms(&self) -> Option<f64> {
        let mut all = self.moments.iter();
        all.find(|moment| matches!(moment.what, What::FirstAudio { .. })).map(|moment| moment.at_ms)
    }
}

fn heard_text(what: &What) -> Option<&str> {
    if let What::Heard { text, .. } = what { Some(text) } else { None }
}
