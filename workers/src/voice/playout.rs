//! What the caller has heard of what was sent. Pure.
//!
//! The phone company plays what it is sent one after the other, and tells of each mark when all before it was played. What
//! was cleared is told of, too, so a mark carries the number of its generation: those from before the last clearing count
//! for nothing.

use std::collections::VecDeque;

/// Audio that was sent and not heard to its end, as far as we know.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Chunk {
    item: String,
    ms: u64,
    mark: u64,
}

/// Of an item, how much was sent and how much of that was heard, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) item: String,
    pub(super) heard_ms: u64,
    pub(super) sent_ms: u64,
}

/// How much of an item was sent, and heard, by the marks that came back.
#[derive(Debug, Default, Clone)]
struct Account {
    item: String,
    sent_ms: u64,
    heard_ms: u64,
}

/// Items that are remembered: there is one at a time, and one or two that follow.
const ACCOUNTS_MAX: usize = 8;

/// The line to the caller's ear.
#[derive(Debug, Default)]
pub(super) struct Playout {
    generation: u32,
    marks: u64,
    chunks: VecDeque<Chunk>,
    /// When the first of the chunks began to be heard, by the caller's clock.
    since_ms: u64,
    accounts: VecDeque<Account>,
}

impl Playout {
    /// Audio of an item is sent; gives the name of the mark that follows it. `now_ms` is the caller's clock.
    pub(super) fn send(&mut self, item: &str, ms: u64, now_ms: u64) -> String {
        if self.chunks.is_empty() {
            self.since_ms = now_ms;
        }
        self.marks += 1;
        self.chunks.push_back(Chunk { item: item.to_owned(), ms, mark: self.marks });
        self.account(item).sent_ms += ms;
        format!("{}.{}", self.generation, self.marks)
    }

    /// A mark came back: everything up to it was heard. Gives the items of which nothing is on its way any more.
    pub(super) fn heard(&mut self, mark: &str, now_ms: u64) -> Vec<String> {
        let Some(mark) = self.of_this_generation(mark) else { return Vec::new() };
        let mut over = Vec::new();
        while self.chunks.front().is_some_and(|chunk| chunk.mark <= mark) {
            let Some(chunk) = self.chunks.pop_front() else { break };
            self.since_ms = now_ms;
            self.account(&chunk.item).heard_ms += chunk.ms;
            if !self.has(&chunk.item) {
                over.push(chunk.item);
            }
        }
        over
    }

    /// Forgets what is on its way. Gives what was being heard, and after it what was not heard at all.
    pub(super) fn clear(&mut self, now_ms: u64) -> Vec<Cut> {
        let mut cuts: Vec<Cut> = Vec::new();
        // Never more than was sent before the mark that has not come.
        let first = self.chunks.front().map_or(0, |chunk| chunk.ms);
        let mut playing = now_ms.saturating_sub(self.since_ms).min(first);
        for chunk in std::mem::take(&mut self.chunks) {
            if cuts.iter().any(|cut| cut.item == chunk.item) {
                continue;
            }
            let account = self.account(&chunk.item).clone();
            let heard_ms = (account.heard_ms + std::mem::take(&mut playing)).min(account.sent_ms);
            cuts.push(Cut { item: chunk.item, heard_ms, sent_ms: account.sent_ms });
        }
        self.generation = self.generation.wrapping_add(1);
        self.accounts.clear();
        cuts
    }

    fn account(&mut self, item: &str) -> &mut Account {
        let place = self.accounts.iter().position(|account| account.item == item);
        let place = place.unwrap_or_else(|| {
            if self.accounts.len() == ACCOUNTS_MAX {
                self.accounts.pop_front();
            }
            self.accounts.push_back(Account { item: item.to_owned(), ..Account::default() });
            self.accounts.len() - 1
        });
        &mut self.accounts[place]
    }

    /// Whether anything is on its way to the caller's ear.
    pub(super) fn is_silent(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Whether anything of this item is.
    pub(super) fn has(&self, item: &str) -> bool {
        self.chunks.iter().any(|chunk| chunk.item == item)
    }

    fn of_this_generation(&self, mark: &str) -> Option<u64> {
        let (generation, number) = mark.split_once('.')?;
        let number: u64 = number.parse().ok()?;
        // One that we never sent is a forgery or a mistake.
        (generation.parse() == Ok(self.generation) && number <= self.marks).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_interrupted_item_was_heard_up_to_now() {
        let mut line = Playout::default();
        let first = line.send("a", 200, 1000);
        line.send("a", 400, 1010);
        assert!(line.heard(&first, 1230).is_empty(), "more of it is to come");
        let cuts = line.clear(1300);
        assert_eq!(cuts, [Cut { item: "a".to_owned(), heard_ms: 270, sent_ms: 600 }]);
        assert!(line.is_silent());
    }

    #[test]
    fn what_was_not_begun_was_not_heard() {
        let mut line = Playout::default();
        line.send("a", 100, 0);
        line.send("b", 100, 0);
        let heard: Vec<_> = line.clear(5000).into_iter().map(|cut| cut.heard_ms).collect();
        assert_eq!(heard, [100, 0], "of the first at most what was sent");
    }

    #[test]
    fn marks_from_before_a_clearing_count_for_nothing() {
        let mut line = Playout::default();
        let flushed = line.send("a", 100, 0);
        line.clear(10);
        let played = line.send("b", 100, 20);
        assert!(line.heard(&flushed, 30).is_empty() && !line.is_silent());
        assert_eq!(line.heard(&played, 130), ["b"]);
    }

    proptest! {
        #[test]
        fn nothing_is_heard_that_was_not_sent(
            steps in proptest::collection::vec((0_u8..4, 0_usize..3, 1_u64..500), 0..80)
        ) {
            let mut line = Playout::default();
            let (mut now, mut marks, mut sent) = (0, Vec::new(), std::collections::HashMap::new());
            for (step, which, ms) in steps {
                now += ms;
                match step {
                    0 | 1 => {
                        let item = ["a", "b", "c"][which];
                        *sent.entry(item.to_owned()).or_insert(0) += ms;
                        marks.push(line.send(item, ms, now));
                    }
                    2 => {
                        if let Some(mark) = marks.get(which) {
                            line.heard(mark, now);
                        }
                        line.heard("7.x", now);
                        line.heard("0.99999", now);
                    }
                    _ => {
                        for cut in line.clear(now) {
                            prop_assert!(cut.heard_ms <= cut.sent_ms);
                            prop_assert!(cut.sent_ms <= sent[&cut.item]);
                        }
                        prop_assert!(line.is_silent());
                        sent.clear();
                        marks.clear();
                    }
                }
            }
        }
    }
}
