//! When somebody speaks: a voice begins a turn, and so much silence ends it.

use clients::audio::{BYTES_PER_MS, FRAME_BYTES};

use super::settings::Detection;
use crate::speech;

/// A click is no voice.
const VOICE_MS_MIN: u64 = 40;

/// What is heard of one turn; the rest of it is not kept.
const TURN_BYTES_MAX: usize = 60 * 1_000 * BYTES_PER_MS;

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Somebody begins to speak.
    Started { at_ms: u64 },
    /// Somebody has finished, and has said this.
    Stopped { at_ms: u64, words: String },
    /// Nobody has spoken for as long as was asked for.
    Idle,
}

#[derive(Default)]
pub(super) struct Ear {
    /// All that has come, in bytes.
    bytes: u64,
    voice_ms: u64,
    quiet_ms: u64,
    idle_ms: u64,
    turn: Vec<u8>,
    speaking: bool,
}

impl Ear {
    /// Listens to more audio. `waits`: whether it is the caller's turn.
    pub(super) fn hear(&mut self, audio: &[u8], detection: &Detection, waits: bool) -> Vec<Heard> {
        let mut heard = Vec::new();
        for slice in audio.chunks(FRAME_BYTES) {
            self.bytes += slice.len() as u64;
            let millis = (slice.len() / BYTES_PER_MS) as u64;
            let is_voice = speech::is_voice(slice);
            if is_voice || self.speaking || self.voice_ms > 0 {
                let room = TURN_BYTES_MAX.saturating_sub(self.turn.len()).min(slice.len());
                self.turn.extend_from_slice(&slice[..room]);
            }
            if is_voice {
                (self.voice_ms, self.quiet_ms, self.idle_ms) = (self.voice_ms + millis, 0, 0);
                if !self.speaking && self.voice_ms >= VOICE_MS_MIN {
                    self.speaking = true;
                    let began = self.millis().saturating_sub(self.voice_ms);
                    let at_ms = began.saturating_sub(detection.prefix_padding_ms);
                    heard.push(Heard::Started { at_ms });
                }
                continue;
            }
            self.quiet_ms += millis;
            if self.speaking && self.quiet_ms >= detection.silence_duration_ms {
                let words = speech::words(&self.turn);
                heard.push(Heard::Stopped { at_ms: self.millis(), words });
                self.forget();
            } else if !self.speaking {
                self.forget();
                self.idle_ms = if waits { self.idle_ms + millis } else { 0 };
                if detection.idle_timeout_ms.is_some_and(|limit| self.idle_ms >= limit) {
                    self.idle_ms = 0;
                    heard.push(Heard::Idle);
                }
            }
        }
        heard
    }

    /// The turn that is not finished is forgotten.
    pub(super) fn forget(&mut self) {
        self.turn.clear();
        (self.speaking, self.voice_ms) = (false, 0);
    }

    /// How much audio has come.
    pub(super) fn millis(&self) -> u64 {
        self.bytes / BYTES_PER_MS as u64
    }
}

#[cfg(test)]
mod tests {
    use clients::audio::SILENCE;

    use super::*;

    fn silence(ms: usize) -> Vec<u8> {
        vec![SILENCE; ms * BYTES_PER_MS]
    }

    #[test]
    fn a_turn_begins_with_a_voice_and_ends_with_a_pause() {
        let (mut ear, detection) = (Ear::default(), Detection::default());
        assert_eq!(ear.hear(&silence(1_000), &detection, true), []);
        let said = speech::say("hello there", 50);
        let heard = ear.hear(&said, &detection, true);
        assert_eq!(heard, [Heard::Started { at_ms: 700 }]);
        assert_eq!(ear.hear(&silence(480), &detection, true), []);
        let end = 1_000 + speech::millis("hello there", 50) + 500;
        let stopped = Heard::Stopped { at_ms: end, words: "hello there".to_owned() };
        assert_eq!(ear.hear(&silence(20), &detection, true), [stopped]);
    }

    #[test]
    fn a_pause_within_a_turn_does_not_end_it() {
        let (mut ear, detection) = (Ear::default(), Detection::default());
        let audio = [speech::say("my knee ", 50), silence(300), speech::say("hurts", 50)].concat();
        assert_eq!(ear.hear(&audio, &detection, true).len(), 1);
        let heard = ear.hear(&silence(600), &detection, true);
        let [Heard::Stopped { words, .. }] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!(words, "my knee hurts");
    }

    #[test]
    fn a_long_silence_is_noticed_when_it_is_the_callers_turn() {
        let detection = Detection { idle_timeout_ms: Some(5_000), ..Detection::default() };
        let mut ear = Ear::default();
        assert_eq!(ear.hear(&silence(6_000), &detection, false), []);
        assert_eq!(ear.hear(&silence(5_000), &detection, true), [Heard::Idle]);
    }
}
