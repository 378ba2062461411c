//! What was said in a call.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who said it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The person who rang.
    Caller,
    /// The assistant, aloud.
    Assistant,
    /// What the assistant was told by one of our tools; nobody heard it.
    Tool,
}

/// One thing that was said.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// Who.
    pub who: Speaker,
    /// What. Of an assistant that was interrupted, what it had said by then.
    pub text: String,
    /// When, in milliseconds after the session's audio first came.
    pub at_ms: u32,
}

/// What was said must not reach a log.
impl fmt::Debug for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spoken")
            .field("who", &self.who)
            .field("at_ms", &self.at_ms)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_not_shown() {
        let said = Spoken { who: Speaker::Caller, text: "my secret".to_owned(), at_ms: 7 };
        assert_eq!(format!("{said:?}"), "Spoken { who: Caller, at_ms: 7, .. }");
    }
}
