//! What was said, and what is being said. Decides what is sent and when; the socket sends it.

use std::time::Duration;

use clients::audio::BYTES_PER_MS;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    answer::{self, Act},
    ear::{Ear, Heard},
    events::{self, Place, event},
    mood::RealtimeMood,
    record::{RealtimeSession, Said},
    settings::Settings,
};
use crate::{speech, stamp};

/// An answer's audio comes in parts of so much.
const DELTA_BYTES: usize = 100 * BYTES_PER_MS;

/// How fast it thinks and speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// From the end of a turn to the first audio.
    pub(crate) think: Duration,
    /// From one part of an answer, of 100 ms, to the next.
    pub(crate) delta_every: Duration,
    /// How fast it speaks.
    pub(crate) chars_per_sec: u32,
}

/// What is to be done to the connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Out {
    Text(String),
    Cut,
    Close,
}

/// An answer that is being made.
struct Making {
    place: Place,
    act: Act,
    audio: Vec<u8>,
    sent: usize,
    due: Instant,
    mood: RealtimeMood,
}

pub(super) struct Conversation {
    pub(super) settings: Settings,
    pub(super) out: Vec<Out>,
    pub(super) record: RealtimeSession,
    ear: Ear,
    pace: Pace,
    making: Option<Making>,
    /// What the caller says is held here.
    turn: Option<String>,
}

impl Conversation {
    pub(super) fn new(model: &str, pace: Pace) -> Self {
        let id = events::id("sess");
        let settings = Settings::new(&id, model);
        let record = RealtimeSession {
            id,
            model: model.to_owned(),
            open: true,
            ..RealtimeSession::default()
        };
        let created = event("session.created", json!({ "session": settings.shown }));
        Self {
            settings,
            out: vec![Out::Text(created)],
            record,
            ear: Ear::default(),
            pace,
            making: None,
            turn: None,
        }
    }

    pub(super) fn tell(&mut self, text: String) {
        self.out.push(Out::Text(text));
    }

    /// When the next part of an answer is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.making.as_ref().map(|making| making.due)
    }

    pub(super) fn is_answering(&self) -> bool {
        self.making.is_some()
    }

    pub(super) fn has_spoken(&self) -> bool {
        self.record.said.iter().any(|said| said.by == "assistant" && !said.brought)
    }

    /// Takes audio in. The mood is that of an answer, should one begin.
    pub(super) fn hear(
        &mut self,
        audio: &[u8],
        now: Instant,
        mood: impl FnOnce() -> (RealtimeMood, Duration),
    ) {
        let waits = self.making.is_none();
        let heard = self.ear.hear(audio, &self.settings.detection, waits);
        self.record.heard_ms = self.ear.millis();
        let mut mood = Some(mood);
        for heard in heard {
            match heard {
                Heard::Started { at_ms } => self.turn_begins(at_ms),
                Heard::Stopped { at_ms, words } => {
                    self.turn_ends(at_ms, &words);
                    if let (true, Some(mood)) =
                        (self.settings.detection.create_response, mood.take())
                    {
                        let act = answer::to_words(&words, &self.settings.tools);
                        self.answer(act, now, mood());
                    }
                }
                Heard::Idle => {
                    let item_id = events::id("item");
                    let at = self.ear.millis();
                    let fields =
                        json!({ "audio_start_ms": at, "audio_end_ms": at, "item_id": item_id });
                    self.tell(event("input_audio_buffer.timeout_triggered", fields));
                    if let Some(mood) = mood.take() {
                        self.answer(Act::Say("Are you still there?".to_owned()), now, mood());
                    }
                }
            }
        }
    }

    fn turn_begins(&mut self, at_ms: u64) {
        let item_id = events::id("item");
        let fields = json!({ "audio_start_ms": at_ms, "item_id": item_id });
        self.tell(event("input_audio_buffer.speech_started", fields));
        self.turn = Some(item_id);
        self.record.interrupted_at.push(stamp::now());
        if self.settings.detection.interrupt_response {
            self.break_off("turn_detected");
        }
    }

    fn turn_ends(&mut self, at_ms: u64, words: &str) {
        let item_id = self.turn.take().unwrap_or_else(|| events::id("item"));
        let fields = json!({ "audio_end_ms": at_ms, "item_id": item_id });
        self.tell(event("input_audio_buffer.speech_stopped", fields));
        let before = self.record.said.last().map(|said| said.item_id.clone());
        let committed = json!({ "previous_item_id": before, "item_id": item_id });
        self.tell(event("input_audio_buffer.committed", committed));
        let item = events::message(&item_id, "user", "completed", None);
        for kind in ["conversation.item.added", "conversation.item.done"] {
            self.tell(event(kind, json!({ "previous_item_id": before, "item": item })));
        }
        let audio_ms = speech::millis(words, speech::CHARS_PER_SEC);
        if self.settings.transcribes {
            let fields = json!({
                "item_id": item_id, "content_index": 0, "transcript": words,
                "usage": { "type": "duration", "seconds": audio_ms.div_ceil(1_000) },
            });
            self.tell(event("conversation.item.input_audio_transcription.completed", fields));
        }
        self.record.say(said(item_id, "user", words, audio_ms));
    }

    /// Forgets the turn that is not finished.
    pub(super) fn forget_turn(&mut self) {
        self.ear.forget();
        self.turn = None;
        self.tell(event("input_audio_buffer.cleared", json!({})));
    }

    /// Begins an answer.
    pub(super) fn answer(
        &mut self,
        act: Act,
        now: Instant,
        (mood, think): (RealtimeMood, Duration),
    ) {
        let place = Place { response_id: events::id("resp"), item_id: events::id("item") };
        let begun =
            events::response(&place.response_id, "in_progress", &Value::Null, &[], &Value::Null);
        self.tell(event("response.created", json!({ "response": begun })));
        let audio = match &act {
            Act::Say(words) => speech::say(words, self.pace.chars_per_sec),
            Act::Call { .. } => Vec::new(),
        };
        let due = now + if mood == RealtimeMood::Slow { think } else { self.pace.think };
        self.making = Some(Making { place, act, audio, sent: 0, due, mood });
    }

    /// Sends what is due of the answer.
    pub(super) fn go_on(&mut self, now: Instant) {
        while let Some(making) = self.making.take_if(|making| making.due <= now) {
            self.part(making, now);
        }
    }

    fn part(&mut self, mut making: Making, now: Instant) {
        if making.sent == 0 && !self.mood_shows(&making) {
            return;
        }
        match making.act.clone() {
            Act::Call { name, arguments } => self.call(&making.place, &name, &arguments),
            Act::Say(words) => {
                if making.sent == 0 {
                    self.begin(&making.place);
                }
                let end = (making.sent + DELTA_BYTES).min(making.audio.len());
                let part = &making.audio[making.sent..end];
                let heard = json!({ "delta": speech::words(part) });
                self.tell(making.place.event("response.output_audio_transcript.delta", heard));
                let mut stamped = part.to_vec();
                stamp::put(&mut stamped, stamp::now());
                self.tell(making.place.audio_delta(&stamped));
                making.sent = end;
                making.due = now + self.pace.delta_every;
                if making.mood == RealtimeMood::Dies && end * 2 >= making.audio.len() {
                    self.out.push(Out::Cut);
                } else if end < making.audio.len() {
                    self.making = Some(making);
                } else {
                    self.finish(&making.place, &words, end, "completed", &Value::Null);
                }
            }
        }
    }

    /// Shows the mood before an answer. Whether the answer comes.
    fn mood_shows(&mut self, making: &Making) -> bool {
        match making.mood {
            RealtimeMood::Chatters => {
                self.tell(event(
                    "conversation.mood.changed",
                    json!({ "mood": ["odd"], "delta": 7 }),
                ));
            }
            RealtimeMood::Errs => {
                self.tell(events::error("inference_rate_limit", "it is a bad day", None, None));
            }
            RealtimeMood::Garbles => {
                self.tell(r#"{"type":"response.output_audio.delta","delta":"#.to_owned());
            }
            RealtimeMood::Floods => {
                self.tell(event("flood", json!({ "water": "~".repeat(2 * 1024 * 1024) })));
            }
            RealtimeMood::Expires => {
                let why = "Your session hit the maximum duration of 60 minutes.";
                self.tell(events::error("session_expired", why, None, None));
                self.out.push(Out::Close);
                return false;
            }
            RealtimeMood::Fails => {
                let error = json!({ "type": "tokens", "code": "rate_limit_exceeded" });
                let details = json!({ "type": "failed", "error": error });
                let id = &making.place.response_id;
                let failed = events::response(id, "failed", &details, &[], &events::usage(0, 0));
                self.tell(event("response.done", json!({ "response": failed })));
                return false;
            }
            RealtimeMood::Well
            | RealtimeMood::Slow
            | RealtimeMood::Refuses
            | RealtimeMood::Hangs
            | RealtimeMood::Dies
            | RealtimeMood::Deaf => {}
        }
        true
    }

    fn begin(&mut self, place: &Place) {
        let item = events::message(&place.item_id, "assistant", "in_progress", None);
        self.tell(place.item_event("response.output_item.added", &item));
        self.tell(event(
            "conversation.item.added",
            json!({ "previous_item_id": null, "item": item }),
        ));
        let part = json!({ "part": { "type": "audio", "transcript": "" } });
        self.tell(place.event("response.content_part.added", part));
    }

    /// Ends an answer of which so many bytes were sent.
    fn finish(&mut self, place: &Place, words: &str, sent: usize, status: &str, details: &Value) {
        self.tell(place.event("response.output_audio.done", json!({})));
        let transcript = json!({ "transcript": words });
        self.tell(place.event("response.output_audio_transcript.done", transcript));
        let part = json!({ "part": { "type": "audio", "transcript": words } });
        self.tell(place.event("response.content_part.done", part));
        let item_status = if status == "completed" { "completed" } else { "incomplete" };
        let item = events::message(&place.item_id, "assistant", item_status, Some(words));
        let audio_ms = (sent / BYTES_PER_MS) as u64;
        self.record.say(said(place.item_id.clone(), "assistant", words, audio_ms));
        self.end(place, &item, audio_ms, status, details);
    }

    fn call(&mut self, place: &Place, name: &str, arguments: &str) {
        let call_id = events::id("call");
        let begun = events::call(&place.item_id, &call_id, "in_progress", name, "");
        self.tell(place.item_event("response.output_item.added", &begun));
        self.tell(event(
            "conversation.item.added",
            json!({ "previous_item_id": null, "item": begun }),
        ));
        for (kind, field) in [("delta", "delta"), ("done", "arguments")] {
            let fields = json!({
                "response_id": place.response_id, "item_id": place.item_id, "output_index": 0,
                "call_id": call_id, "name": name, field: arguments,
            });
            self.tell(event(&format!("response.function_call_arguments.{kind}"), fields));
        }
        let item = events::call(&place.item_id, &call_id, "completed", name, arguments);
        self.record.say(said(place.item_id.clone(), "call", &format!("{name} {arguments}"), 0));
        self.end(place, &item, 0, "completed", &Value::Null);
    }

    fn end(&mut self, place: &Place, item: &Value, said_ms: u64, status: &str, details: &Value) {
        self.tell(place.item_event("response.output_item.done", item));
        self.tell(event(
            "conversation.item.done",
            json!({ "previous_item_id": null, "item": item }),
        ));
        let usage = events::usage(self.ear.millis(), said_ms);
        let output = std::slice::from_ref(item);
        let done = events::response(&place.response_id, status, details, output, &usage);
        self.tell(event("response.done", json!({ "response": done })));
        self.tell(events::rate_limits());
    }

    /// Breaks the answer off that is being made. Whether there was one.
    pub(super) fn break_off(&mut self, reason: &str) -> bool {
        let Some(making) = self.making.take() else { return false };
        let details = json!({ "type": "cancelled", "reason": reason });
        if making.sent == 0 {
            let usage = events::usage(self.ear.millis(), 0);
            let id = &making.place.response_id;
            let done = events::response(id, "cancelled", &details, &[], &usage);
            self.tell(event("response.done", json!({ "response": done })));
        } else {
            let words = speech::words(&making.audio[..making.sent]);
            self.finish(&making.place, &words, making.sent, "cancelled", &details);
        }
        true
    }

    /// So much of an answer was heard. Or says why that cannot be.
    pub(super) fn truncate(&mut self, item_id: &str, end_ms: u64) -> Result<(), &'static str> {
        let pace = self.pace.chars_per_sec;
        let found = self.record.said.iter_mut().find(|said| said.item_id == item_id);
        // Of an answer that is still being made, what was sent can be cut.
        if let Some(making) = self.making.as_mut().filter(|it| it.place.item_id == item_id) {
            if end_ms > (making.sent / BYTES_PER_MS) as u64 {
                return Err("the audio is shorter than that already");
            }
            return Ok(());
        }
        let said = found.filter(|said| said.by == "assistant" && !said.brought);
        let said = said.ok_or("there is no such answer")?;
        if end_ms > said.audio_ms {
            return Err("the audio is shorter than that already");
        }
        let bytes = usize::try_from(end_ms).unwrap_or(usize::MAX).saturating_mul(BYTES_PER_MS);
        let audio = speech::say(&said.words, pace);
        said.words = speech::words(&audio[..bytes.min(audio.len())]);
        (said.audio_ms, said.truncated) = (end_ms, true);
        Ok(())
    }
}

fn said(item_id: String, by: &'static str, words: &str, audio_ms: u64) -> Said {
    Said { item_id, by, words: words.to_owned(), audio_ms, brought: false, truncated: false }
}
