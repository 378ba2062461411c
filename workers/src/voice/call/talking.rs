//! What follows on what is said: by the assistant, by the caller, by keys, and by what came of what was asked for.

use domain::voice::{Outcome, Speaker};
use workflows::voice_session::{
    Asked,
    tools::{END_CALL, LineAnswer},
};

use super::{Action, Call, Happening, Next, Service};
use crate::voice::{
    limits,
    speech::{SpeechEvent, Tell},
};

impl Call {
    pub(super) fn speech(&mut self, now_ms: u64, event: SpeechEvent, out: &mut Vec<Action<'_>>) {
        self.answering_ms = now_ms;
        match event {
            SpeechEvent::Audio { item, audio } => {
                if self.turns.is_cut(&item) || audio.bytes() == 0 {
                    return;
                }
                self.patience.busy(now_ms);
                self.turns.begin(&item);
                let mark = self.playout.send(&item, audio.millis(), self.caller_ms);
                out.push(Action::Play(audio, mark));
            }
            SpeechEvent::Words { item, text } => self.turns.words(&item, &text),
            SpeechEvent::Spoken { item } => {
                let is_heard = !self.playout.has(&item);
                if let Some(text) = self.turns.complete(&item, is_heard) {
                    self.note(now_ms, Speaker::Assistant, text, out);
                }
            }
            SpeechEvent::CallerSpeaks => {
                self.patience.speaks(now_ms);
                if self.ending.is_none() {
                    self.interrupt(now_ms, out);
                }
            }
            SpeechEvent::CallerStopped => self.patience.busy(now_ms),
            SpeechEvent::CallerSaid { text } => {
                if !text.trim().is_empty() {
                    self.note(now_ms, Speaker::Caller, text, out);
                }
            }
            SpeechEvent::Begins => (self.answering, self.answering_ms) = (true, now_ms),
            SpeechEvent::Complete { is_well } => self.complete(now_ms, is_well, out),
            SpeechEvent::Asks { id, name, arguments } => {
                if name == END_CALL {
                    self.end_soon(now_ms, Outcome::Completed);
                } else if self.asked.len() < limits::QUESTIONS_MAX {
                    self.asked.push(id.clone());
                    let arguments = limits::cut(arguments, limits::ARGUMENTS_BYTES_MAX);
                    out.push(Action::Note(Happening::Asks(Asked { id, name, arguments })));
                }
            }
            SpeechEvent::Other => {}
        }
    }

    /// The caller speaks while something is played: it stops, and the other side learns how much of it was heard.
    pub(super) fn interrupt(&mut self, now_ms: u64, out: &mut Vec<Action<'_>>) {
        if self.playout.is_silent() {
            return;
        }
        out.push(Action::Clear);
        for cut in self.playout.clear(self.caller_ms) {
            if let Some(text) = self.turns.cut(&cut) {
                self.note(now_ms, Speaker::Assistant, text, out);
            }
            out.push(Action::Tell(Tell::Heard { item: cut.item, ms: cut.heard_ms }));
        }
    }

    fn complete(&mut self, now_ms: u64, is_well: bool, out: &mut Vec<Action<'_>>) {
        self.answering = false;
        if let Some(Next(what)) = self.speak_next.take() {
            self.say(now_ms, what, out);
        } else if !is_well && self.patience.may_ask_again() {
            // Nothing was said, and the caller waits.
            self.say(now_ms, None, out);
        }
        self.end_if_said(now_ms, out);
    }

    pub(super) fn answered(
        &mut self,
        now_ms: u64,
        asked: &Asked,
        answer: LineAnswer,
        out: &mut Vec<Action<'_>>,
    ) {
        let text = limits::cut(answer.text, limits::ANSWER_BYTES_MAX);
        let tell = match self.asked.iter().position(|id| *id == asked.id) {
            Some(place) => Tell::Answer { id: self.asked.remove(place), text },
            // Another conversation has asked; this one is told what came of it.
            None => Tell::Note { by_caller: false, text: format!("{}: {text}", asked.name) },
        };
        out.push(Action::Tell(tell));
        self.say(now_ms, None, out);
        if let Some(outcome) = answer.then_end {
            self.end_soon(now_ms, outcome);
        }
    }

    pub(super) fn digit(&mut self, now_ms: u64, digit: char, out: &mut Vec<Action<'_>>) {
        self.patience.busy(now_ms);
        self.digit_ms = now_ms;
        if self.digits.len() < limits::DIGITS_MAX {
            self.digits.push(digit);
        }
        if digit == '#' {
            self.pressed(now_ms, out);
        }
    }

    pub(super) fn pressed(&mut self, now_ms: u64, out: &mut Vec<Action<'_>>) {
        let digits = std::mem::take(&mut self.digits);
        let text = format!("[pressed {digits}]");
        self.note(now_ms, Speaker::Caller, text.clone(), out);
        out.push(Action::Tell(Tell::Note { by_caller: true, text }));
        self.interrupt(now_ms, out);
        self.say(now_ms, None, out);
    }

    /// One more try; then the caller is told that nobody can be had.
    pub(super) fn lost(&mut self, now_ms: u64, again: bool, out: &mut Vec<Action<'_>>) {
        let recently =
            self.redialed_ms.is_some_and(|at| now_ms.saturating_sub(at) < limits::OUTAGE_OVER_MS);
        self.answering = false;
        // Whoever comes next has not asked: they are told what came of it, and no answer that they could not place.
        self.asked.clear();
        if again && !recently {
            self.redialed_ms = Some(now_ms);
            self.service = Service::Dialing;
            out.push(Action::Dial);
            return;
        }
        self.service = Service::Failed;
        // What is on its way may still be heard; a call without its caller waits for them, to tell them.
        if self.connected_ms.is_some() {
            self.end_soon(now_ms, self.ending.map_or(Outcome::AiFailed, |(outcome, _)| outcome));
            self.end_if_said(now_ms, out);
        }
    }
}
