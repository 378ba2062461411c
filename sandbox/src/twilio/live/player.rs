//! What Twilio plays: audio in the order in which it came, at 8,000 bytes a second, and marks where they stand in it. Pure: a tick
//! is 20 ms.

use std::collections::VecDeque;

use clients::audio::{BYTES_PER_MS, FRAME_BYTES};

use crate::speech;

/// What waits to be played; Twilio's own limit is not documented.
const WAITS_BYTES_MAX: usize = 10 * 60 * 1_000 * BYTES_PER_MS;

/// After so much silence something that was said is over.
const PAUSE_MS: u64 = 200;

const TICK_MS: u64 = 20;

enum Item {
    Audio(Vec<u8>),
    Mark(String),
}

#[derive(Default)]
pub(super) struct Player {
    items: VecDeque<Item>,
    waiting: usize,
    /// What has been heard of what is being said.
    heard: Vec<u8>,
    quiet_ms: u64,
    /// How much was said to the end, so far.
    turns: u64,
}

/// What a tick has brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tick {
    /// Marks that were reached.
    pub(super) marks: Vec<String>,
    /// Something that was said is over.
    pub(super) said: Option<String>,
}

impl Player {
    /// Audio to be played. Whether there is room.
    pub(super) fn play(&mut self, audio: Vec<u8>) -> bool {
        self.waiting += audio.len();
        self.items.push_back(Item::Audio(audio));
        self.waiting <= WAITS_BYTES_MAX
    }

    /// A mark; reached at once if nothing is waiting.
    pub(super) fn mark(&mut self, name: String) {
        self.items.push_back(Item::Mark(name));
    }

    /// Forgets what waits. All marks are reached, and what was heard of what was being said.
    pub(super) fn clear(&mut self) -> Tick {
        self.waiting = 0;
        let marks = self.items.drain(..).filter_map(|item| match item {
            Item::Mark(name) => Some(name),
            Item::Audio(_) => None,
        });
        Tick { marks: marks.collect(), said: self.end() }
    }

    /// 20 ms go by.
    pub(super) fn tick(&mut self) -> Tick {
        let (mut tick, mut room) = (Tick::default(), FRAME_BYTES);
        while let Some(item) = self.items.front_mut() {
            match item {
                Item::Mark(name) => {
                    tick.marks.push(std::mem::take(name));
                    self.items.pop_front();
                }
                Item::Audio(_) if room == 0 => break,
                Item::Audio(audio) => {
                    let played = room.min(audio.len());
                    self.heard.extend(audio.drain(..played));
                    (room, self.waiting) = (room - played, self.waiting - played);
                    if audio.is_empty() {
                        self.items.pop_front();
                    }
                }
            }
        }
        if room < FRAME_BYTES {
            self.quiet_ms = 0;
        } else if !self.heard.is_empty() {
            self.quiet_ms += TICK_MS;
            if self.quiet_ms >= PAUSE_MS {
                tick.said = self.end();
            }
        }
        tick
    }

    /// How long the other side has been heard, if it is being heard.
    pub(super) fn heard_ms(&self) -> u64 {
        if self.waiting == 0 { 0 } else { (self.heard.len() / BYTES_PER_MS) as u64 }
    }

    /// How often something was said to its end.
    pub(super) fn turns(&self) -> u64 {
        self.turns
    }

    /// What was being said is over.
    pub(super) fn end(&mut self) -> Option<String> {
        self.quiet_ms = 0;
        let heard = std::mem::take(&mut self.heard);
        if heard.is_empty() {
            return None;
        }
        self.turns += 1;
        Some(speech::words(&heard))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(player: &mut Player, ticks: usize) -> Vec<(usize, String)> {
        let all = (1..=ticks).map(|number| (number, player.tick().marks));
        all.flat_map(|(number, marks)| marks.into_iter().map(move |it| (number, it))).collect()
    }

    #[test]
    fn a_mark_is_reached_when_what_stands_before_it_is_over() {
        let mut player = Player::default();
        player.mark("first".into());
        player.play(vec![0xff; 100 * 8]);
        player.mark("middle".into());
        player.play(vec![0xff; 30 * 8]);
        player.mark("last".into());
        let marks = reached(&mut player, 10);
        assert_eq!(marks, [(1, "first".into()), (5, "middle".into()), (7, "last".into())]);
    }

    #[test]
    fn what_is_cleared_is_not_heard_and_its_marks_come_at_once() {
        let mut player = Player::default();
        player.play(speech::say("hello there", 50));
        player.mark("m".into());
        for _ in 0..5 {
            assert_eq!(player.tick(), Tick::default());
        }
        assert_eq!(player.heard_ms(), 100);
        let tick = player.clear();
        assert_eq!(tick, Tick { marks: vec!["m".into()], said: Some("hello".into()) });
        assert_eq!((player.heard_ms(), player.turns()), (0, 1));
    }

    #[test]
    fn something_is_said_when_a_pause_follows() {
        let mut player = Player::default();
        player.play(speech::say("yes", 50));
        let said: Vec<_> = (0..13).filter_map(|_| player.tick().said).collect();
        assert_eq!(said, ["yes"]);
    }
}
