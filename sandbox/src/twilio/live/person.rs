//! A caller, tick by tick. Pure: a tick is 20 ms.

use std::{collections::VecDeque, time::Duration};

use clients::audio::{FRAME_BYTES, SILENCE};

use super::Deed;
use crate::speech;

const TICK: Duration = Duration::from_millis(20);

/// A caller who hears nothing goes on after so long.
const LISTENS_MAX: Duration = Duration::from_secs(30);

pub(super) struct Person {
    left: VecDeque<Deed>,
    chars_per_sec: u32,
    /// What is being said, and how far.
    saying: Option<(String, Vec<u8>, usize)>,
    waited: Duration,
    /// How often the other side had spoken when the last deed began.
    turns: u64,
    stays: bool,
}

/// What comes out of a tick.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Did {
    /// Whether `frame` holds a voice; silence otherwise.
    pub(super) spoke: bool,
    /// Something was said to its end.
    pub(super) said: Option<String>,
    pub(super) pressed: Option<char>,
    pub(super) hangs_up: bool,
}

/// What a caller hears.
#[derive(Clone, Copy)]
pub(super) struct Hears {
    /// For how long the other side has been speaking, if it is.
    pub(super) for_ms: u64,
    /// How often it has spoken.
    pub(super) turns: u64,
}

impl Person {
    /// `stays`: stays on the line when the script is over.
    pub(super) fn new(script: Vec<Deed>, chars_per_sec: u32, stays: bool) -> Self {
        let left = script.into();
        Self { left, chars_per_sec, saying: None, waited: Duration::ZERO, turns: 0, stays }
    }

    /// And then this.
    pub(super) fn then(&mut self, deed: Deed) {
        self.left.push_back(deed);
    }

    /// A new stream: the other side begins to count anew, and what was being said is said again.
    pub(super) fn reconnect(&mut self) {
        self.turns = 0;
        if let Some((text, audio, _)) = self.saying.take() {
            self.saying = Some((text, audio, 0));
        }
    }

    /// 20 ms go by; `frame` is what the caller lets out.
    pub(super) fn tick(&mut self, hears: Hears, frame: &mut [u8; FRAME_BYTES]) -> Did {
        let mut did = Did::default();
        frame.fill(SILENCE);
        if self.saying.is_none() {
            self.next(hears, &mut did);
        }
        if let Some((text, audio, at)) = &mut self.saying {
            frame.copy_from_slice(&audio[*at..*at + FRAME_BYTES]);
            (did.spoke, *at) = (true, *at + FRAME_BYTES);
            if *at >= audio.len() {
                did.said = Some(std::mem::take(text));
                self.saying = None;
                self.turns = hears.turns;
            }
        }
        did
    }

    fn next(&mut self, hears: Hears, did: &mut Did) {
        let Some(deed) = self.left.front() else {
            did.hangs_up = !self.stays;
            return;
        };
        self.waited += TICK;
        let is_over = match deed {
            Deed::Say(text) => {
                let audio = speech::say(text, self.chars_per_sec);
                self.saying = Some((text.clone(), audio, 0));
                true
            }
            Deed::Wait(time) => self.waited >= *time,
            Deed::Press(key) => {
                did.pressed = Some(*key);
                true
            }
            Deed::Listen => hears.turns > self.turns || self.waited >= LISTENS_MAX,
            Deed::Interrupt(time) => {
                u128::from(hears.for_ms) >= time.as_millis().max(1) || self.waited >= LISTENS_MAX
            }
            Deed::HangUp => {
                did.hangs_up = true;
                true
            }
        };
        if is_over {
            (self.waited, self.turns) = (Duration::ZERO, hears.turns);
            self.left.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Hears = Hears { for_ms: 0, turns: 0 };

    fn person(script: &[&str]) -> Person {
        Person::new(script.iter().map(|line| line.parse().unwrap()).collect(), 50, false)
    }

    #[test]
    fn a_script_is_followed_and_then_the_caller_hangs_up() {
        let mut person = person(&["say hi", "wait 40", "press 1"]);
        let mut frame = [0; FRAME_BYTES];
        let did: Vec<_> = (0..6).map(|_| person.tick(NOTHING, &mut frame)).collect();
        assert!(did[0].spoke && did[1].spoke && !did[2].spoke);
        assert_eq!(did[1].said.as_deref(), Some("hi"));
        assert_eq!(did[4].pressed, Some('1'));
        assert!(did[5].hangs_up);
    }

    #[test]
    fn a_caller_listens_until_something_new_was_said() {
        let mut person = person(&["listen", "interrupt 300", "say stop"]);
        let mut frame = [0; FRAME_BYTES];
        let mut spoke = |for_ms, turns| person.tick(Hears { for_ms, turns }, &mut frame).spoke;
        assert!(!spoke(500, 0) && !spoke(0, 1) && !spoke(280, 1) && !spoke(300, 1));
        assert!(spoke(320, 1));
    }

    #[test]
    fn what_was_not_said_to_its_end_is_said_again_on_a_new_line() {
        let mut person = person(&["say hello"]);
        let mut frame = [0; FRAME_BYTES];
        person.tick(NOTHING, &mut frame);
        person.reconnect();
        let said: Vec<_> = (0..5).filter_map(|_| person.tick(NOTHING, &mut frame).said).collect();
        assert_eq!(said, ["hello"]);
    }
}
