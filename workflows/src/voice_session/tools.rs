//! What the assistant can have done during a call. Each is a child of the session: done once, whoever speaks meanwhile.

use domain::{PhoneNumber, voice::Outcome};
use engine::Sealed;
use serde::{Deserialize, Serialize};

use super::talk::Asked;

/// A tool as the model is told of it.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// When to use it.
    pub description: &'static str,
    /// Its arguments: a JSON schema.
    pub parameters: &'static str,
}

/// The one that the line carries out by itself.
pub const END_CALL: &str = "end_call";

/// All of them.
pub const TOOLS: &[Tool] = &[Tool {
    name: END_CALL,
    description: "Ends the call. Only after good-bye was said.",
    parameters: r#"{"type":"object","properties":{},"additionalProperties":false}"#,
}];

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answer {
    /// For the assistant.
    pub(super) text: String,
    /// Whom the caller is to be put through to.
    pub(super) transfer_to: Option<Sealed<PhoneNumber>>,
}

impl Answer {
    pub(super) fn text(text: &str) -> Answer {
        Answer { text: text.to_owned(), transfer_to: None }
    }

    /// What the line has to know of it.
    pub(super) fn of_the_line(&self) -> LineAnswer {
        let then_end = self.transfer_to.is_some().then_some(Outcome::Transferred);
        LineAnswer { text: self.text.clone(), then_end }
    }
}

/// What the line is told of what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineAnswer {
    /// For the assistant.
    pub text: String,
    /// When the assistant has said so, the line ends like this.
    pub then_end: Option<Outcome>,
}

/// Does it. What cannot be done is an answer, too.
pub(super) fn carry_out(asked: &Asked) -> Answer {
    let name: String = asked.name.chars().take(40).collect();
    tracing::info!(tool = name, "an assistant asked for what there is not");
    Answer::text("There is no such tool. Offer something else.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_model_is_told_of_a_tool_is_a_schema() {
        for tool in TOOLS {
            let schema: serde_json::Value = serde_json::from_str(tool.parameters).unwrap();
            assert_eq!(schema["type"], "object", "{}", tool.name);
        }
    }
}
