//! What Twilio tells us.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde_json::json;

use super::{
    MARK_BYTES_MAX, PARAMETERS_MAX,
    wire::{BadFrame, Wire, WireFormat, WireStart, quoted},
};
use crate::audio::Mulaw;

const KNOWN: [&str; 6] = ["connected", "start", "media", "dtmf", "mark", "stop"];

/// One frame from Twilio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inbound<'a> {
    /// The first frame: which protocol follows.
    Connected(Connected),
    /// The second one: whose stream it is.
    Start(Box<Start>),
    /// What the caller says.
    Media(Media<'a>),
    /// A key that the caller pressed.
    Dtmf(Digit<'a>),
    /// What was sent before this mark has been played, or was cleared.
    Mark(Mark<'a>),
    /// The stream is over.
    Stop(Stop),
    /// An event that this version does not know, by its name. Twilio may add some.
    Unknown(Cow<'a, str>),
}

/// Which protocol follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// `Call`.
    pub protocol: String,
    /// `1.0.0`.
    pub version: String,
}

/// Whose stream it is. `Debug` shows ids only: parameters may be secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Start {
    /// The number of the frame; the first counted one is 1.
    pub sequence: Option<u64>,
    /// `MZ` and 32 hex digits.
    pub stream_sid: String,
    /// The account.
    pub account_sid: String,
    /// The call.
    pub call_sid: String,
    /// `inbound`, for a stream in both directions.
    pub tracks: Vec<String>,
    /// What the TwiML's `<Parameter>`s said.
    pub parameters: BTreeMap<String, String>,
}

/// What the caller says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media<'a> {
    /// The number of the frame.
    pub sequence: Option<u64>,
    /// The number among the frames with audio, from 1.
    pub chunk: Option<u64>,
    /// Milliseconds since the stream began.
    pub timestamp_ms: Option<u64>,
    /// The stream.
    pub stream_sid: Cow<'a, str>,
    /// The audio.
    pub payload: Mulaw<'a>,
}

/// A key that the caller pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digit<'a> {
    /// The number of the frame.
    pub sequence: Option<u64>,
    /// The stream.
    pub stream_sid: Cow<'a, str>,
    /// 0–9, `*`, `#`, A–D.
    pub digit: char,
}

/// What was sent before this mark has been played, or was cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark<'a> {
    /// The number of the frame.
    pub sequence: Option<u64>,
    /// The stream.
    pub stream_sid: Cow<'a, str>,
    /// The name that we gave it.
    pub name: Cow<'a, str>,
}

/// The stream is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The number of the frame.
    pub sequence: Option<u64>,
    /// The stream.
    pub stream_sid: String,
    /// The account; may be empty.
    pub account_sid: String,
    /// The call; may be empty.
    pub call_sid: String,
}

impl<'a> Inbound<'a> {
    /// Reads one frame.
    pub fn read(text: &'a str) -> Result<Self, BadFrame> {
        let wire = match Wire::read(text, &KNOWN) {
            Ok(wire) => wire,
            Err(Ok(event)) => return Ok(Self::Unknown(event)),
            Err(Err(bad)) => return Err(bad),
        };
        let sequence = wire.sequence_number.map(|it| it.0);
        let stream_sid = wire.stream_sid.map(|it| it.0).ok_or(BadFrame::Missing("streamSid"));
        Ok(match &*wire.event {
            "media" => {
                let media = wire.media.ok_or(BadFrame::Missing("media"))?;
                // Of a stream in both directions there is no other.
                if media.track.is_some_and(|track| track.0 != "inbound") {
                    return Err(BadFrame::Invalid("track"));
                }
                Self::Media(Media {
                    sequence,
                    chunk: media.chunk.map(|it| it.0),
                    timestamp_ms: media.timestamp.map(|it| it.0),
                    stream_sid: stream_sid?,
                    payload: Mulaw::read(media.payload)?,
                })
            }
            "mark" => {
                let name = wire.mark.ok_or(BadFrame::Missing("mark"))?.name;
                if name.len() > MARK_BYTES_MAX {
                    return Err(BadFrame::Invalid("mark"));
                }
                Self::Mark(Mark { sequence, stream_sid: stream_sid?, name })
            }
            "dtmf" => {
                let pressed = wire.dtmf.ok_or(BadFrame::Missing("dtmf"))?.digit;
                let digit = digit(&pressed).ok_or(BadFrame::Invalid("digit"))?;
                Self::Dtmf(Digit { sequence, stream_sid: stream_sid?, digit })
            }
            "start" => {
                let start = wire.start.ok_or(BadFrame::Missing("start"))?;
                Self::Start(Box::new(begin(start, sequence)?))
            }
            "stop" => {
                let stop = wire.stop.ok_or(BadFrame::Missing("stop"))?;
                Self::Stop(Stop {
                    sequence,
                    stream_sid: stream_sid?.into_owned(),
                    account_sid: stop.account_sid,
                    call_sid: stop.call_sid,
                })
            }
            _ => Self::Connected(Connected {
                protocol: wire.protocol.map(|it| it.0.into_owned()).unwrap_or_default(),
                version: wire.version.map(|it| it.0.into_owned()).unwrap_or_default(),
            }),
        })
    }

    /// Writes the frame as Twilio does, over what the buffer held. One of an unknown event is its name and nothing else.
    pub fn write(&self, out: &mut String) {
        out.clear();
        match self {
            Self::Media(media) => media.write(out),
            Self::Connected(it) => out.push_str(
                &json!({ "event": "connected", "protocol": it.protocol, "version": it.version })
                    .to_string(),
            ),
            Self::Start(start) => out.push_str(&start.wire().to_string()),
            Self::Dtmf(it) => out.push_str(
                &json!({
                    "event": "dtmf",
                    "streamSid": it.stream_sid,
                    "sequenceNumber": number(it.sequence),
                    "dtmf": { "track": "inbound_track", "digit": it.digit },
                })
                .to_string(),
            ),
            Self::Mark(it) => out.push_str(
                &json!({
                    "event": "mark",
                    "sequenceNumber": number(it.sequence),
                    "streamSid": it.stream_sid,
                    "mark": { "name": it.name },
                })
                .to_string(),
            ),
            Self::Stop(it) => out.push_str(
                &json!({
                    "event": "stop",
                    "sequenceNumber": number(it.sequence),
                    "streamSid": it.stream_sid,
                    "stop": { "accountSid": it.account_sid, "callSid": it.call_sid },
                })
                .to_string(),
            ),
            Self::Unknown(event) => out.push_str(&json!({ "event": event }).to_string()),
        }
    }
}

impl Media<'_> {
    fn write(&self, out: &mut String) {
        out.push_str(r#"{"event":"media","sequenceNumber":""#);
        out.push_str(&number(self.sequence));
        out.push_str(r#"","media":{"track":"inbound","chunk":""#);
        out.push_str(&number(self.chunk));
        out.push_str(r#"","timestamp":""#);
        out.push_str(&number(self.timestamp_ms));
        out.push_str(r#"","payload":""#);
        out.push_str(self.payload.as_str());
        out.push_str(r#""},"streamSid":"#);
        quoted(&self.stream_sid, out);
        out.push('}');
    }
}

impl Start {
    fn wire(&self) -> serde_json::Value {
        json!({
            "event": "start",
            "sequenceNumber": number(self.sequence),
            "start": {
                "accountSid": self.account_sid,
                "streamSid": self.stream_sid,
                "callSid": self.call_sid,
                "tracks": self.tracks,
                "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 },
                "customParameters": self.parameters,
            },
            "streamSid": self.stream_sid,
        })
    }
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start")
            .field("stream_sid", &self.stream_sid)
            .field("call_sid", &self.call_sid)
            .finish_non_exhaustive()
    }
}

fn number(of: Option<u64>) -> String {
    of.unwrap_or_default().to_string()
}

fn digit(text: &str) -> Option<char> {
    let mut all = text.chars();
    let digit = all.next().filter(|c| matches!(c, '0'..='9' | '*' | '#' | 'A'..='D'))?;
    all.next().is_none().then_some(digit)
}

fn begin(start: WireStart, sequence: Option<u64>) -> Result<Start, BadFrame> {
    let WireFormat { encoding, sample_rate, channels } = start.media_format;
    if (encoding.as_str(), sample_rate.0, channels.0) != ("audio/x-mulaw", 8_000, 1) {
        return Err(BadFrame::Invalid("mediaFormat"));
    }
    if start.custom_parameters.len() > PARAMETERS_MAX {
        return Err(BadFrame::Invalid("customParameters"));
    }
    Ok(Start {
        sequence,
        stream_sid: start.stream_sid,
        account_sid: start.account_sid,
        call_sid: start.call_sid,
        tracks: start.tracks,
        parameters: start.custom_parameters,
    })
}

#[cfg(test)]
mod tests;
