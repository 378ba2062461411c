//! How frames stand in JSON. One flat structure for all of them, read in one pass without a tree.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write};

use serde::{Deserialize, Deserializer, de};

use super::FRAME_BYTES_MAX;
use crate::{audio::BadAudio, borrowed::Str};

/// A frame that is none. Shows nothing of what it held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// Longer than any frame is.
    #[error("a frame of more than {FRAME_BYTES_MAX} bytes")]
    TooLarge,
    /// No JSON, or not of the shape that its event has.
    #[error("a frame that cannot be read")]
    Malformed,
    /// A field that its event has is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field is not what it should be.
    #[error("{0} is none")]
    Invalid(&'static str),
    /// Its audio is no base64.
    #[error(transparent)]
    Audio(#[from] BadAudio),
}

/// Any frame in either direction.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire<'a> {
    #[serde(borrow)]
    pub(super) event: Cow<'a, str>,
    #[serde(default)]
    pub(super) sequence_number: Option<Number>,
    #[serde(borrow, default)]
    pub(super) stream_sid: Option<Str<'a>>,
    #[serde(borrow, default)]
    pub(super) media: Option<WireMedia<'a>>,
    #[serde(borrow, default)]
    pub(super) mark: Option<WireMark<'a>>,
    #[serde(default)]
    pub(super) dtmf: Option<WireDigit>,
    #[serde(default)]
    pub(super) start: Option<WireStart>,
    #[serde(default)]
    pub(super) stop: Option<WireStop>,
    #[serde(borrow, default)]
    pub(super) protocol: Option<Str<'a>>,
    #[serde(borrow, default)]
    pub(super) version: Option<Str<'a>>,
}

impl<'a> Wire<'a> {
    /// Reads a frame of one of these events. `Err(Ok(event))` is one of another event, whatever it holds.
    pub(super) fn read(
        text: &'a str,
        known: &[&str],
    ) -> Result<Wire<'a>, Result<Cow<'a, str>, BadFrame>> {
        if text.len() > FRAME_BYTES_MAX {
            return Err(Err(BadFrame::TooLarge));
        }
        match serde_json::from_str::<Wire<'a>>(text) {
            Ok(wire) if known.contains(&&*wire.event) => Ok(wire),
            Ok(wire) => Err(Ok(wire.event)),
            // A new event may use a known name for something else.
            Err(_) => match serde_json::from_str::<EventOnly<'a>>(text) {
                Ok(it) if !known.contains(&&*it.event) => Err(Ok(it.event)),
                _ => Err(Err(BadFrame::Malformed)),
            },
        }
    }
}

#[derive(Deserialize)]
struct EventOnly<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct WireMedia<'a> {
    #[serde(borrow, default)]
    pub(super) track: Option<Str<'a>>,
    #[serde(default)]
    pub(super) chunk: Option<Number>,
    #[serde(default)]
    pub(super) timestamp: Option<Number>,
    #[serde(borrow)]
    pub(super) payload: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct WireMark<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
}

#[derive(Deserialize)]
pub(super) struct WireDigit {
    pub(super) digit: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireStart {
    pub(super) account_sid: String,
    pub(super) stream_sid: String,
    pub(super) call_sid: String,
    #[serde(default)]
    pub(super) tracks: Vec<String>,
    pub(super) media_format: WireFormat,
    #[serde(default)]
    pub(super) custom_parameters: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireFormat {
    pub(super) encoding: String,
    pub(super) sample_rate: Number,
    pub(super) channels: Number,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireStop {
    #[serde(default)]
    pub(super) account_sid: String,
    #[serde(default)]
    pub(super) call_sid: String,
}

/// Twilio writes most numbers as strings, and some not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Number(pub(super) u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Number;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a number, or one in a string")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Number, E> {
        Ok(Number(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
        text.parse().map(Number).map_err(de::Error::custom)
    }
}

/// Writes a string of JSON.
pub(super) fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if u32::from(c) < 0x20 => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("a string takes what is written");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
