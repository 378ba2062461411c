//! What we tell the model.

use serde::Serialize;
use serde_json::json;

use super::session::{Session, Update};
use crate::audio::Mulaw;

/// One event to the model.
#[derive(Clone, Copy)]
pub enum ClientEvent<'a> {
    /// Sets the conversation up.
    Update(&'a Session),
    /// What the caller says.
    Append(&'a Mulaw<'a>),
    /// Forgets what the caller has said and not finished.
    ClearInput,
    /// Something that is part of the conversation, such as a tool's answer or what was said before.
    Add(Item<'a>),
    /// So much of an answer was heard; the rest was never said. More than the answer has is an error.
    Truncate {
        /// The answer's item.
        item_id: &'a str,
        /// How much was heard.
        audio_end_ms: u64,
    },
    /// Asks for an answer.
    Respond {
        /// How, this once, instead of the session's instructions.
        instructions: Option<&'a str>,
    },
    /// Ends the answer that is being made. With `interrupt_response` the model does so by itself.
    Cancel {
        /// Which; none for the current one.
        response_id: Option<&'a str>,
    },
}

/// Part of a conversation. Has no `Debug`: it is what people said.
#[derive(Clone, Copy)]
pub enum Item<'a> {
    /// Something that was said.
    Message {
        /// By whom.
        role: Role,
        /// What.
        text: &'a str,
    },
    /// That the model has called a tool.
    FunctionCall {
        /// The call's id.
        call_id: &'a str,
        /// The tool.
        name: &'a str,
        /// A JSON object.
        arguments: &'a str,
    },
    /// What the tool answered.
    FunctionOutput {
        /// The call's id.
        call_id: &'a str,
        /// Anything, usually JSON.
        output: &'a str,
    },
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// We, about how to answer.
    System,
    /// The caller.
    User,
    /// The model.
    Assistant,
}

impl ClientEvent<'_> {
    /// Writes the event over what the buffer held.
    pub fn write(&self, out: &mut String) {
        out.clear();
        match self {
            Self::Append(audio) => {
                out.push_str(r#"{"type":"input_audio_buffer.append","audio":""#);
                out.push_str(audio.as_str());
                out.push_str(r#""}"#);
            }
            Self::Update(session) => put(&Update::of(session), out),
            Self::ClearInput => out.push_str(r#"{"type":"input_audio_buffer.clear"}"#),
            Self::Add(item) => {
                put(&json!({ "type": "conversation.item.create", "item": item.wire() }), out);
            }
            Self::Truncate { item_id, audio_end_ms } => put(
                &json!({
                    "type": "conversation.item.truncate",
                    "item_id": item_id,
                    "content_index": 0,
                    "audio_end_ms": audio_end_ms,
                }),
                out,
            ),
            Self::Respond { instructions: None } => out.push_str(r#"{"type":"response.create"}"#),
            Self::Respond { instructions: Some(it) } => {
                put(&json!({ "type": "response.create", "response": { "instructions": it } }), out);
            }
            Self::Cancel { response_id: None } => out.push_str(r#"{"type":"response.cancel"}"#),
            Self::Cancel { response_id: Some(id) } => {
                put(&json!({ "type": "response.cancel", "response_id": id }), out);
            }
        }
    }
}

impl Item<'_> {
    fn wire(self) -> serde_json::Value {
        match self {
            Self::Message { role, text } => {
                let (role, kind) = match role {
                    Role::System => ("system", "input_text"),
                    Role::User => ("user", "input_text"),
                    Role::Assistant => ("assistant", "output_text"),
                };
                let content = json!([{ "type": kind, "text": text }]);
                json!({ "type": "message", "role": role, "content": content })
            }
            Self::FunctionCall { call_id, name, arguments } => json!({
                "type": "function_call", "call_id": call_id, "name": name, "arguments": arguments,
            }),
            Self::FunctionOutput { call_id, output } => json!({
                "type": "function_call_output", "call_id": call_id, "output": output,
            }),
        }
    }
}

fn put<T: Serialize>(event: &T, out: &mut String) {
    let text = serde_json::to_string(event).expect("it is made of strings and numbers");
    out.push_str(&text);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, value::RawValue};

    use super::*;
    use crate::openai::realtime::{Tool, TurnDetection};

    fn written(event: ClientEvent<'_>) -> Value {
        let mut text = "what was here before".to_owned();
        event.write(&mut text);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_conversation_is_set_up_for_the_telephone() {
        let tool = Tool {
            name: "text_link".into(),
            description: "Texts a link.".into(),
            parameters: RawValue::from_string(r#"{"type":"object"}"#.into()).unwrap(),
        };
        let session = Session {
            instructions: "Be \"kind\".".into(),
            voice: "marin".into(),
            tools: vec![tool],
            turn_detection: TurnDetection::default(),
            transcription_model: Some("gpt-4o-mini-transcribe".into()),
            language: Some("de".into()),
            output_tokens_max: 1024,
        };
        let event = written(ClientEvent::Update(&session));
        let session = &event["session"];
        assert_eq!(
            (&event["type"], &session["type"]),
            (&json!("session.update"), &json!("realtime"))
        );
        for way in ["input", "output"] {
            assert_eq!(session["audio"][way]["format"], json!({ "type": "audio/pcmu" }));
        }
        let detection = &session["audio"]["input"]["turn_detection"];
        assert_eq!(
            (&detection["threshold"], &detection["silence_duration_ms"]),
            (&json!(0.5), &json!(500))
        );
        assert_eq!(session["tools"][0]["type"], "function");
        assert_eq!(session["tools"][0]["parameters"], json!({ "type": "object" }));
    }

    #[test]
    fn what_was_said_before_keeps_its_speaker() {
        let item =
            |role| written(ClientEvent::Add(Item::Message { role, text: "Ja." }))["item"].clone();
        assert_eq!(item(Role::User)["content"][0]["type"], "input_text");
        assert_eq!(item(Role::Assistant)["content"][0]["type"], "output_text");
        assert_eq!(item(Role::System)["role"], "system");
    }

    #[test]
    fn audio_is_passed_on_as_it_is() {
        let audio = Mulaw::encode(&[0xff; 160]);
        let event = written(ClientEvent::Append(&audio));
        assert_eq!(event, json!({ "type": "input_audio_buffer.append", "audio": audio.as_str() }));
        let heard = written(ClientEvent::Truncate { item_id: "item_\"1", audio_end_ms: 740 });
        assert_eq!((&heard["item_id"], &heard["audio_end_ms"]), (&json!("item_\"1"), &json!(740)));
    }
}
