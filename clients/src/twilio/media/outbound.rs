//! What we tell Twilio. Any other frame ends the stream with Twilio's error 31924.

use std::borrow::Cow;

use super::{
    MARK_BYTES_MAX,
    wire::{BadFrame, Wire, quoted},
};
use crate::audio::Mulaw;

const KNOWN: [&str; 3] = ["media", "mark", "clear"];

/// One frame to Twilio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outbound<'a> {
    /// To be played after what was sent before. It may be of any length.
    Media {
        /// The stream.
        stream_sid: Cow<'a, str>,
        /// The audio.
        payload: Mulaw<'a>,
    },
    /// To be echoed when what was sent before has been played, or was cleared.
    Mark {
        /// The stream.
        stream_sid: Cow<'a, str>,
        /// A name of ours.
        name: Cow<'a, str>,
    },
    /// What was sent and not played yet is forgotten; its marks are echoed at once.
    Clear {
        /// The stream.
        stream_sid: Cow<'a, str>,
    },
}

impl<'a> Outbound<'a> {
    /// Reads one frame as Twilio would.
    pub fn read(text: &'a str) -> Result<Self, BadFrame> {
        let wire = match Wire::read(text, &KNOWN) {
            Ok(wire) => wire,
            Err(Ok(_)) => return Err(BadFrame::Invalid("event")),
            Err(Err(bad)) => return Err(bad),
        };
        let stream_sid = wire.stream_sid.map(|it| it.0).ok_or(BadFrame::Missing("streamSid"))?;
        match &*wire.event {
            "media" => {
                let payload = wire.media.ok_or(BadFrame::Missing("media"))?.payload;
                Ok(Self::Media { stream_sid, payload: Mulaw::read(payload)? })
            }
            "mark" => {
                let name = wire.mark.ok_or(BadFrame::Missing("mark"))?.name;
                if name.len() > MARK_BYTES_MAX {
                    return Err(BadFrame::Invalid("mark"));
                }
                Ok(Self::Mark { stream_sid, name })
            }
            _ => Ok(Self::Clear { stream_sid }),
        }
    }
}

/// Writes the frames of one stream. Each call writes one frame over what the buffer held.
#[derive(Clone, Debug)]
pub struct Pen {
    /// `,"streamSid":"MZ…"`.
    stream: String,
}

impl Pen {
    /// For the stream that began with this id.
    pub fn new(stream_sid: &str) -> Self {
        let mut stream = String::from(r#","streamSid":"#);
        quoted(stream_sid, &mut stream);
        Self { stream }
    }

    /// Plays audio after what was sent before.
    pub fn media(&self, payload: &Mulaw<'_>, out: &mut String) {
        self.begin("media", out);
        out.push_str(r#","media":{"payload":""#);
        out.push_str(payload.as_str());
        out.push_str(r#""}}"#);
    }

    /// Asks to be told when what was sent before is over.
    pub fn mark(&self, name: &str, out: &mut String) {
        self.begin("mark", out);
        out.push_str(r#","mark":{"name":"#);
        quoted(name, out);
        out.push_str("}}");
    }

    /// Forgets what was sent and not played yet.
    pub fn clear(&self, out: &mut String) {
        self.begin("clear", out);
        out.push('}');
    }

    fn begin(&self, event: &str, out: &mut String) {
        out.clear();
        out.push_str(r#"{"event":""#);
        out.push_str(event);
        out.push('"');
        out.push_str(&self.stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_pen_writes_is_read_as_it_was_meant() {
        let (pen, mut text) = (Pen::new("MZ\"1"), String::new());
        let stream_sid = Cow::Borrowed("MZ\"1");
        let payload = Mulaw::encode(b"hello");
        pen.media(&payload, &mut text);
        let media = Outbound::Media { stream_sid: stream_sid.clone(), payload };
        assert_eq!(Outbound::read(&text), Ok(media));
        pen.mark("g1:\\\"ü\n", &mut text);
        let mark = Outbound::Mark { stream_sid: stream_sid.clone(), name: "g1:\\\"ü\n".into() };
        assert_eq!(Outbound::read(&text), Ok(mark));
        pen.clear(&mut text);
        assert_eq!(Outbound::read(&text), Ok(Outbound::Clear { stream_sid }));
    }

    #[test]
    fn frames_are_those_of_twilios_documentation() {
        let (pen, mut text) = (Pen::new("MZ1"), String::new());
        pen.media(&Mulaw::encode(&[0xff, 0xff]), &mut text);
        assert_eq!(text, r#"{"event":"media","streamSid":"MZ1","media":{"payload":"//8="}}"#);
        pen.mark("m42", &mut text);
        assert_eq!(text, r#"{"event":"mark","streamSid":"MZ1","mark":{"name":"m42"}}"#);
        pen.clear(&mut text);
        assert_eq!(text, r#"{"event":"clear","streamSid":"MZ1"}"#);
    }

    #[test]
    fn any_other_frame_is_refused() {
        let bad = |text| Outbound::read(text).unwrap_err();
        assert_eq!(bad(r#"{"event":"stop","streamSid":"MZ1"}"#), BadFrame::Invalid("event"));
        assert_eq!(bad(r#"{"event":"clear"}"#), BadFrame::Missing("streamSid"));
        assert_eq!(bad(r#"{"event":"media","streamSid":"MZ1"}"#), BadFrame::Missing("media"));
        assert_eq!(bad("clear"), BadFrame::Malformed);
    }
}
