//! What it is told to do: OpenAI's client events.

use std::{borrow::Cow, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    answer,
    conversation::Conversation,
    events::{self, event},
    mood::RealtimeMood,
    record::Said,
};
use crate::stamp;

/// Items that one session keeps.
const ITEMS_MAX: usize = 1_000;

/// Audio in one event: 15 MiB of base64, by OpenAI's rule; a second is enough here.
const APPEND_CHARS_MAX: usize = 64 * 1024;

/// The part of an event that fifty of a second have. The rest is read only where it is wanted.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    audio: Cow<'a, str>,
}

impl Conversation {
    /// Does what one event says. The mood is that of an answer, should one begin.
    pub(super) fn obey(
        &mut self,
        text: &str,
        now: Instant,
        deaf: bool,
        delays: &mut Vec<u64>,
        mood: impl FnOnce() -> (RealtimeMood, Duration),
    ) {
        let Ok(head) = serde_json::from_str::<Head<'_>>(text) else {
            return self.tell(events::error("invalid_json", "this is no event", None, None));
        };
        if head.kind == "input_audio_buffer.append" {
            let audio =
                Some(&*head.audio).filter(|it| !it.is_empty() && it.len() <= APPEND_CHARS_MAX);
            return match audio.and_then(|it| STANDARD.decode(it).ok()) {
                Some(_) if deaf => {}
                Some(audio) => {
                    delays.extend(stamp::ages(&audio, stamp::now()));
                    self.hear(&audio, now, mood);
                }
                None => {
                    let why = "Invalid 'audio'. Expected base64-encoded audio bytes.";
                    self.tell(events::error("invalid_value", why, Some("audio"), None));
                }
            };
        }
        let event: Value = serde_json::from_str(text).unwrap_or_default();
        self.command(&head.kind, &event, now, mood);
    }

    fn command(
        &mut self,
        kind: &str,
        told: &Value,
        now: Instant,
        mood: impl FnOnce() -> (RealtimeMood, Duration),
    ) {
        let cause = told["event_id"].as_str();
        match kind {
            "session.update" => {
                let speaks = self.has_spoken();
                match self.settings.update(&told["session"], speaks) {
                    Ok(()) => {
                        self.record.settings.clone_from(&self.settings.shown);
                        self.tell(event(
                            "session.updated",
                            json!({ "session": self.settings.shown }),
                        ));
                    }
                    Err((param, code)) => {
                        let why = format!("The parameter {param} cannot be taken.");
                        self.tell(events::error(code, &why, Some(&param), cause));
                    }
                }
            }
            "input_audio_buffer.clear" => self.forget_turn(),
            "conversation.item.create" => self.bring(&told["item"], cause),
            "conversation.item.truncate" => {
                let item_id = told["item_id"].as_str().unwrap_or_default();
                let end = told["audio_end_ms"].as_u64().unwrap_or(u64::MAX);
                match self.truncate(item_id, end) {
                    Ok(()) => self.tell(event(
                        "conversation.item.truncated",
                        json!({ "item_id": item_id, "content_index": 0, "audio_end_ms": end }),
                    )),
                    Err(why) => {
                        self.tell(events::error("invalid_value", why, Some("audio_end_ms"), cause));
                    }
                }
            }
            "response.create" if self.is_answering() => {
                let why = "Conversation already has an active response in progress.";
                self.tell(events::error(
                    "conversation_already_has_active_response",
                    why,
                    None,
                    cause,
                ));
            }
            "response.create" => {
                let instructions = told["response"]["instructions"].as_str();
                let last = self.record.said.last().filter(|_| instructions.is_none());
                let act = match last.map(|said| (said.by, said.words.as_str())) {
                    Some(("output", output)) => answer::to_output(output),
                    Some(("user", words)) => answer::to_words(words, &self.settings.tools),
                    _ => answer::to_nothing(instructions),
                };
                self.answer(act, now, mood());
            }
            "response.cancel" => {
                if !self.break_off("client_cancelled") {
                    let why = "Cancellation failed: no active response found";
                    self.tell(events::error("response_cancel_not_active", why, None, cause));
                }
            }
            other => {
                let why = format!("Invalid value: '{other}'.");
                self.tell(events::error("invalid_value", &why, Some("type"), cause));
            }
        }
    }

    /// Something becomes part of the conversation that was not said here.
    fn bring(&mut self, item: &Value, cause: Option<&str>) {
        let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let (by, words) = match (item["type"].as_str(), item["role"].as_str()) {
            (Some("message"), Some("user")) => ("user", content(item, "input_text")),
            (Some("message"), Some("system")) => ("system", content(item, "input_text")),
            (Some("message"), Some("assistant")) => ("assistant", content(item, "output_text")),
            (Some("function_call"), _) => {
                ("call", Some(format!("{} {}", text("name"), text("arguments"))))
            }
            (Some("function_call_output"), _) => ("output", Some(text("output"))),
            _ => ("", None),
        };
        let Some(words) = words.filter(|_| self.record.said.len() < ITEMS_MAX) else {
            let why = "The item cannot be taken.";
            return self.tell(events::error("invalid_value", why, Some("item"), cause));
        };
        let item_id = item["id"].as_str().map_or_else(|| events::id("item"), ToOwned::to_owned);
        let before = self.record.said.last().map(|said| said.item_id.clone());
        let mut whole = item.clone();
        whole["id"] = json!(item_id);
        whole["object"] = json!("realtime.item");
        whole["status"] = json!("completed");
        for kind in ["conversation.item.added", "conversation.item.done"] {
            self.tell(event(kind, json!({ "previous_item_id": before, "item": whole })));
        }
        self.record.say(Said { item_id, by, words, audio_ms: 0, brought: true, truncated: false });
    }
}

/// The text of a message, whose parts have to be of one type.
fn content(item: &Value, kind: &str) -> Option<String> {
    let parts = item["content"].as_array()?;
    parts
        .iter()
        .map(|part| Some(part["text"].as_str().filter(|_| part["type"] == kind)?.to_owned()))
        .collect()
}
