//! What was answered under which key. <https://docs.stripe.com/api/idempotent_requests>

use std::collections::HashMap;

use super::answer::{Answer, Refused};

/// Stripe keeps answers for a day at least; here it is a day exactly, so that forgetting can be tried.
const KEPT_SECS: i64 = 24 * 60 * 60;

/// Longer keys are refused.
const KEY_CHARS_MAX: usize = 255;

struct Entry {
    request: String,
    begun_at: i64,
    /// `None`: under way.
    answer: Option<Answer>,
}

/// All keys.
#[derive(Default)]
pub(super) struct Keys(HashMap<String, Entry>);

impl Keys {
    /// A request begins: it is to be done (`None`), was done before, or is refused.
    pub(super) fn begin(
        &mut self,
        key: &str,
        request: &str,
        now: i64,
    ) -> Result<Option<Answer>, Refused> {
        if key.is_empty() || key.len() > KEY_CHARS_MAX {
            return Err(Answer::bad("Idempotency-Key must have 1 to 255 characters"));
        }
        let known = self.0.get(key).filter(|entry| now - entry.begun_at < KEPT_SECS);
        match known {
            Some(entry) if entry.request != request => Err(Answer::key_mismatch()),
            Some(Entry { answer: None, .. }) => Err(Answer::key_in_use()),
            Some(Entry { answer: Some(answer), .. }) => {
                Ok(Some(Answer { replayed: true, ..answer.clone() }))
            }
            None => {
                let entry = Entry { request: request.to_owned(), begun_at: now, answer: None };
                self.0.insert(key.to_owned(), entry);
                Ok(None)
            }
        }
    }

    /// It is over: its answer is kept, or the key is free again.
    pub(super) fn end(&mut self, key: &str, answer: &Answer) {
        if !answer.is_kept() {
            self.0.remove(key);
        } else if let Some(entry) = self.0.get_mut(key) {
            entry.answer = Some(answer.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_request_is_done_once_a_day_and_another_one_is_refused() {
        let mut keys = Keys::default();
        assert!(keys.begin("k", "a", 0).unwrap().is_none());
        assert_eq!(keys.begin("k", "a", 1).unwrap_err().status, 409);
        keys.end("k", &Answer::of(json!(1)));
        assert!(keys.begin("k", "a", 2).unwrap().is_some_and(|answer| answer.replayed));
        assert_eq!(keys.begin("k", "b", 2).unwrap_err().status, 400);
        assert!(keys.begin("k", "b", KEPT_SECS).unwrap().is_none());
    }

    #[test]
    fn a_request_that_was_at_fault_itself_leaves_its_key_free() {
        let mut keys = Keys::default();
        keys.begin("k", "a", 0).unwrap();
        keys.end("k", &Answer::bad("no"));
        assert!(keys.begin("k", "b", 0).unwrap().is_none());
        keys.end("k", &Answer::failed());
        assert!(keys.begin("k", "b", 0).unwrap().is_some());
    }
}
