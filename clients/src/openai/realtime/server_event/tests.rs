//! Events as OpenAI's reference shows them ("Server events"), and what is none.

use proptest::prelude::*;

use super::*;
use crate::openai::realtime::EVENT_BYTES_MAX;

const DELTA: &str = r#"{"type":"response.output_audio.delta","event_id":"event_1","response_id":"resp_1","item_id":"item_1",
    "output_index":0,"content_index":0,"delta":"//8="}"#;

fn read(text: &str) -> ServerEvent<'_> {
    ServerEvent::read(text).unwrap()
}

#[test]
fn an_answers_audio_is_borrowed_from_the_event() {
    let ServerEvent::AudioDelta(delta) = read(DELTA) else { panic!("no audio") };
    assert_eq!(
        (&*delta.response_id, &*delta.item_id, delta.audio.bytes()),
        ("resp_1", "item_1", 2)
    );
    let event = DELTA.as_bytes().as_ptr_range();
    for part in [delta.audio.as_str(), &delta.item_id, &delta.response_id] {
        assert!(event.contains(&part.as_ptr()));
    }
}

#[test]
fn the_caller_is_heard() {
    let started = r#"{"type":"input_audio_buffer.speech_started","event_id":"e","audio_start_ms":1000,"item_id":"item_3"}"#;
    assert_eq!(
        read(started),
        ServerEvent::SpeechStarted { item_id: "item_3".into(), audio_start_ms: 1000 }
    );
    let said = r#"{"type":"conversation.item.input_audio_transcription.completed","event_id":"e","item_id":"item_3",
        "content_index":0,"transcript":"Mein Knie\n","usage":{"type":"duration","seconds":1}}"#;
    let ServerEvent::InputTranscript { transcript, .. } = read(said) else { panic!("no words") };
    assert_eq!(transcript.0, "Mein Knie\n");
}

#[test]
fn a_tool_is_called_by_a_finished_item_alone() {
    let item = |status: &str| {
        format!(
            r#"{{"type":"response.output_item.done","event_id":"e","response_id":"resp_1","output_index":0,"item":{{
            "id":"item_9","object":"realtime.item","type":"function_call","status":"{status}","call_id":"call_1",
            "name":"transfer","arguments":"{{}}"}}}}"#
        )
    };
    let done = item("completed");
    let ServerEvent::FunctionCall(call) = read(&done) else { panic!("no call") };
    assert_eq!((call.call_id.as_str(), call.name.as_str()), ("call_1", "transfer"));
    assert_eq!(read(&item("incomplete")), ServerEvent::OutputItem);
}

#[test]
fn the_end_of_an_answer_says_why_and_what_it_cost() {
    let done = |status: &str, details: &str| {
        let text = format!(
            r#"{{"type":"response.done","event_id":"e","response":{{"object":"realtime.response","id":"resp_1",
            "status":"{status}","status_details":{details},"output":[],"usage":{{"total_tokens":9,"input_tokens":5,
            "output_tokens":4,"input_token_details":{{"audio_tokens":3,"cached_tokens":1}},
            "output_token_details":{{"audio_tokens":2}}}}}}}}"#
        );
        let ServerEvent::ResponseDone(done) = ServerEvent::read(&text).unwrap() else {
            panic!("no end")
        };
        *done
    };
    let usage = done("completed", "null").usage.unwrap();
    assert_eq!((usage.input_tokens, usage.cached_tokens, usage.output_audio_tokens), (5, 1, 2));
    let turn = done("cancelled", r#"{"type":"cancelled","reason":"turn_detected"}"#).status;
    assert_eq!(turn, ResponseStatus::Cancelled { by_turn: true });
    let failed =
        done("failed", r#"{"type":"failed","error":{"type":"t","code":"rate_limit_exceeded"}}"#)
            .status;
    assert_eq!(failed, ResponseStatus::Failed { code: Some("rate_limit_exceeded".into()) });
}

#[test]
fn an_error_is_kept_without_its_sentence() {
    let text = r#"{"type":"error","event_id":"e","error":{"type":"invalid_request_error","code":"session_expired",
        "message":"my knee hurts","param":null,"event_id":"ours"}}"#;
    let event = read(text);
    let ServerEvent::Error(error) = &event else { panic!("no error") };
    assert_eq!(
        (error.code.as_deref(), error.event_id.as_deref()),
        (Some("session_expired"), Some("ours"))
    );
    assert!(!format!("{event:?}").contains("knee"));
}

#[test]
fn an_event_that_is_new_is_no_error_whatever_it_holds() {
    let new = r#"{"type":"response.thought","item":7,"delta":{},"session":[]}"#;
    assert_eq!(read(new), ServerEvent::Unknown("response.thought".into()));
    assert_eq!(read(r#"{"type":"session.updated"}"#), ServerEvent::SessionUpdated);
}

#[test]
fn what_is_no_event_is_refused() {
    for text in ["", "{}", "[]", r#"{"type":1}"#, r#"{"type":"response.done","response":7}"#] {
        assert_eq!(ServerEvent::read(text), Err(BadEvent::Malformed), "{text}");
    }
    let gone = |field: &str| DELTA.replace(&format!("\"{field}\""), "\"x\"");
    for field in ["response_id", "item_id", "delta"] {
        assert_eq!(ServerEvent::read(&gone(field)), Err(BadEvent::Missing(field)));
    }
    let audio = DELTA.replace("//8=", "no audio");
    assert_eq!(ServerEvent::read(&audio), Err(BadEvent::Audio(crate::audio::BadAudio)));
    let long = " ".repeat(EVENT_BYTES_MAX + 1);
    assert_eq!(ServerEvent::read(&long), Err(BadEvent::TooLarge));
}

proptest! {
    #[test]
    fn nothing_that_comes_makes_it_panic(text in ".{0,200}") {
        let _ = ServerEvent::read(&text);
        let _ = ServerEvent::read(&DELTA.replace("item_1", &text));
    }
}
