//! Messages, oldest forgotten first.

use std::collections::{HashMap, VecDeque};

use super::text::Text;

/// More than a long load test sends; beyond it memory would grow without end.
pub(super) const TEXTS_MAX: usize = 100_000;

#[derive(Default)]
pub(super) struct Store {
    /// Oldest first.
    texts: VecDeque<Text>,
    /// Each message's number since the beginning.
    by_sid: HashMap<String, usize>,
    forgotten: usize,
}

impl Store {
    pub(super) fn insert(&mut self, text: Text) {
        if self.texts.len() == TEXTS_MAX
            && let Some(oldest) = self.texts.pop_front()
        {
            self.by_sid.remove(&oldest.sid);
            self.forgotten += 1;
        }
        self.by_sid.insert(text.sid.clone(), self.forgotten + self.texts.len());
        self.texts.push_back(text);
    }

    pub(super) fn get(&self, sid: &str) -> Option<&Text> {
        self.by_sid.get(sid).and_then(|number| self.texts.get(number - self.forgotten))
    }

    pub(super) fn get_mut(&mut self, sid: &str) -> Option<&mut Text> {
        let number = self.by_sid.get(sid)?;
        self.texts.get_mut(number - self.forgotten)
    }

    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Text> {
        self.texts.iter().rev()
    }

    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }
}
