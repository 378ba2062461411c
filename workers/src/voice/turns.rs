//! What the assistant says, item by item, until it was heard. Pure.

use std::collections::VecDeque;

use super::playout::Cut;

/// Items that are remembered. There is one at a time, and audio of cut ones may follow for a moment.
const ITEMS_MAX: usize = 16;

/// Letters of one item's words; a minute of speech has a thousand.
const WORDS_BYTES_MAX: usize = 16 * 1024;

/// Put where somebody was interrupted.
const BREAK: &str = " —";

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is told by somebody else")]
struct Turn {
    item: String,
    words: String,
    /// All of its audio has been sent.
    is_complete: bool,
    /// Nothing of it is on its way to the ear.
    is_heard: bool,
    /// It was interrupted, or noted: nothing more is expected of it.
    is_over: bool,
    /// It was interrupted: what still comes of it is not played.
    is_cut: bool,
}

/// The assistant's turns.
#[derive(Debug, Default)]
pub(super) struct Turns(VecDeque<Turn>);

impl Turns {
    /// Audio of an item is played.
    pub(super) fn begin(&mut self, item: &str) {
        self.of(item).is_heard = false;
    }

    /// Words of an item.
    pub(super) fn words(&mut self, item: &str, text: &str) {
        let turn = self.of(item);
        if turn.words.len() + text.len() <= WORDS_BYTES_MAX {
            turn.words.push_str(text);
        }
    }

    /// All of an item was sent. Gives its words if it was heard, too.
    pub(super) fn complete(&mut self, item: &str, is_heard: bool) -> Option<String> {
        let turn = self.of(item);
        turn.is_complete = true;
        turn.is_heard = is_heard;
        turn.take_if_over()
    }

    /// What was sent of an item was heard. Gives its words if there is no more to come.
    pub(super) fn heard(&mut self, item: &str) -> Option<String> {
        let turn = self.of(item);
        turn.is_heard = true;
        turn.take_if_over()
    }

    /// An item was interrupted. Gives the words that were heard: as many of them as of its sound.
    pub(super) fn cut(&mut self, cut: &Cut) -> Option<String> {
        let turn = self.of(&cut.item);
        turn.is_cut = true;
        if std::mem::replace(&mut turn.is_over, true) || cut.heard_ms == 0 {
            return None;
        }
        let words = std::mem::take(&mut turn.words);
        let letters = words.chars().count() as u64;
        let heard = letters * cut.heard_ms / cut.sent_ms.max(1);
        let heard: String = words.chars().take(usize::try_from(heard).unwrap_or(0)).collect();
        let heard = heard.trim_end();
        (!heard.is_empty()).then(|| format!("{heard}{BREAK}"))
    }

    /// Whether an item was interrupted: what still comes of it is not to be heard.
    pub(super) fn is_cut(&self, item: &str) -> bool {
        self.0.iter().any(|turn| turn.item == item && turn.is_cut)
    }

    fn of(&mut self, item: &str) -> &mut Turn {
        let place = self.0.iter().position(|turn| turn.item == item).unwrap_or_else(|| {
            if self.0.len() == ITEMS_MAX {
                self.0.pop_front();
            }
            self.0.push_back(Turn { item: item.to_owned(), ..Turn::default() });
            self.0.len() - 1
        });
        &mut self.0[place]
    }
}

impl Turn {
    fn take_if_over(&mut self) -> Option<String> {
        if !(self.is_complete && self.is_heard) || std::mem::replace(&mut self.is_over, true) {
            return None;
        }
        let words = std::mem::take(&mut self.words);
        (!words.trim().is_empty()).then_some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_over_when_all_of_it_was_sent_and_heard() {
        let mut turns = Turns::default();
        turns.begin("a");
        turns.words("a", "Good ");
        turns.words("a", "day.");
        assert_eq!(turns.heard("a"), None, "more may come");
        assert_eq!(turns.complete("a", true), Some("Good day.".to_owned()));
        assert_eq!(turns.heard("a"), None, "it is told once");
    }

    #[test]
    fn of_an_interrupted_turn_the_heard_part_was_said() {
        let mut turns = Turns::default();
        turns.begin("a");
        turns.words("a", "one two three four");
        let cut = Cut { item: "a".to_owned(), heard_ms: 500, sent_ms: 1000 };
        assert_eq!(turns.cut(&cut), Some("one two t —".to_owned()));
        assert!(turns.is_cut("a") && !turns.is_cut("b"));
        assert_eq!(turns.complete("a", true), None);
    }

    #[test]
    fn what_nobody_heard_was_not_said() {
        let mut turns = Turns::default();
        turns.words("a", "Hello");
        assert_eq!(turns.cut(&Cut { item: "a".to_owned(), heard_ms: 0, sent_ms: 10 }), None);
    }
}
