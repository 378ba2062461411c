//! Frames as Twilio's documentation shows them ("WebSocket Messages"), and what is none.

use proptest::prelude::*;

use super::*;
use crate::twilio::media::FRAME_BYTES_MAX;

const START: &str = r#"{"event":"start","sequenceNumber":"1","start":{"accountSid":"AC1","streamSid":"MZ1","callSid":"CA1",
    "tracks":["inbound"],"mediaFormat":{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1},
    "customParameters":{"token":"t0ken"}},"streamSid":"MZ1"}"#;
const MEDIA: &str = r#"{"event":"media","sequenceNumber":"4","media":{"track":"inbound","chunk":"2","timestamp":"5",
    "payload":"no+JhoaJjpzS"},"streamSid":"MZ1"}"#;

fn bad(text: &str) -> BadFrame {
    Inbound::read(text).unwrap_err()
}

#[test]
fn every_frame_is_read_and_written_back() {
    let frames = [
        r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#,
        START,
        MEDIA,
        r##"{"event":"dtmf","streamSid":"MZ1","sequenceNumber":"5","dtmf":{"track":"inbound_track","digit":"#"}}"##,
        r#"{"event":"mark","sequenceNumber":"4","streamSid":"MZ1","mark":{"name":"my \"label\" \u0001"}}"#,
        r#"{"event":"stop","sequenceNumber":"5","stop":{"accountSid":"AC1","callSid":"CA1"},"streamSid":"MZ1"}"#,
    ];
    let mut buffer = String::new();
    for frame in frames {
        let read = Inbound::read(frame).unwrap();
        read.write(&mut buffer);
        let tree = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(tree(&buffer), tree(frame));
        assert_eq!(Inbound::read(&buffer).unwrap(), read);
    }
}

#[test]
fn numbers_may_stand_in_strings_or_not() {
    let text = r#"{"event":"media","sequenceNumber":7,"media":{"chunk":6,"timestamp":100,"payload":"\/w=="},"streamSid":"MZ1"}"#;
    let Inbound::Media(media) = Inbound::read(text).unwrap() else { panic!("no media") };
    assert_eq!((media.sequence, media.chunk, media.timestamp_ms), (Some(7), Some(6), Some(100)));
    assert_eq!(media.payload.bytes(), 1);
}

#[test]
fn audio_is_borrowed_from_the_frame() {
    let Inbound::Media(media) = Inbound::read(MEDIA).unwrap() else { panic!("no media") };
    let frame = MEDIA.as_bytes().as_ptr_range();
    for part in [media.payload.as_str(), &media.stream_sid] {
        assert!(frame.contains(&part.as_ptr()));
    }
}

#[test]
fn an_event_that_is_new_is_no_error_whatever_it_holds() {
    let new = r#"{"event":"mood","media":["?"],"start":17,"streamSid":{}}"#;
    assert_eq!(Inbound::read(new), Ok(Inbound::Unknown("mood".into())));
}

#[test]
fn what_is_no_frame_is_refused() {
    for text in ["", "[]", "null", "{}", r#"{"event":1}"#, r#"{"event":"media","media":"x"}"#] {
        assert_eq!(bad(text), BadFrame::Malformed, "{text}");
    }
    assert_eq!(bad(r#"{"event":"media","streamSid":"MZ1"}"#), BadFrame::Missing("media"));
    assert_eq!(bad(&MEDIA.replace("\"streamSid\"", "\"sid\"")), BadFrame::Missing("streamSid"));
    assert_eq!(bad(&MEDIA.replace("inbound", "outbound")), BadFrame::Invalid("track"));
    assert_eq!(bad(&MEDIA.replace("no+J", "n\\\"+J")), BadFrame::Audio(crate::audio::BadAudio));
    assert_eq!(bad(&START.replace("8000", "16000")), BadFrame::Invalid("mediaFormat"));
    assert_eq!(bad(&START.replace("x-mulaw", "l16")), BadFrame::Invalid("mediaFormat"));
    for digit in ["", "11", "E", "\\n"] {
        let text = format!(r#"{{"event":"dtmf","streamSid":"MZ1","dtmf":{{"digit":"{digit}"}}}}"#);
        assert_eq!(bad(&text), BadFrame::Invalid("digit"), "{digit}");
    }
}

#[test]
fn everything_has_a_limit() {
    let many: Vec<_> = (0..=PARAMETERS_MAX).map(|it| format!(r#""p{it}":"""#)).collect();
    let start = START.replace(r#""token""#, &format!(r#"{},"token""#, many.join(",")));
    assert_eq!(bad(&start), BadFrame::Invalid("customParameters"));
    let name = "m".repeat(MARK_BYTES_MAX + 1);
    let mark = format!(r#"{{"event":"mark","streamSid":"MZ1","mark":{{"name":"{name}"}}}}"#);
    assert_eq!(bad(&mark), BadFrame::Invalid("mark"));
    assert_eq!(bad(&" ".repeat(FRAME_BYTES_MAX + 1)), BadFrame::TooLarge);
}

#[test]
fn debug_shows_no_parameters() {
    let shown = format!("{:?}", Inbound::read(START).unwrap());
    assert!(shown.contains("CA1") && !shown.contains("t0ken"), "{shown}");
}

proptest! {
    #[test]
    fn nothing_that_comes_makes_it_panic(text in ".{0,200}") {
        let _ = Inbound::read(&text);
        let _ = Inbound::read(&MEDIA.replace("MZ1", &text));
    }
}
