//! What the assistant can have done during a call. Each is a child of the session: done once, whoever speaks meanwhile.

use domain::{PhoneNumber, phone::Region, voice::Outcome};
use engine::Sealed;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What the tenant has that a caller can be given, as it was when the call began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Means {
    /// Names of the links that may be sent.
    pub links: Vec<String>,
    /// Whether there is somebody to put a caller through to.
    pub has_person: bool,
    /// By whose rules a number without a country code is read, as an ISO code.
    pub region: Option<String>,
}

impl Means {
    /// By whose rules a number without a country code is read.
    pub(super) fn home(&self) -> Option<Region> {
        self.region.as_deref().and_then(|code| code.parse().ok())
    }
}

/// A tool as the model is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// When to use it.
    pub description: &'static str,
    /// Its arguments: a JSON schema.
    pub parameters: String,
}

/// The one that the line carries out by itself.
pub const END_CALL: &str = "end_call";
pub(super) const TAKE_MESSAGE: &str = "take_message";
pub(super) const REQUEST_CALLBACK: &str = "request_callback";
pub(super) const TEXT_LINK: &str = "text_link";
pub(super) const TRANSFER: &str = "transfer_to_person";

/// What is offered in a call: nothing that its tenant does not have.
pub fn offered(means: &Means) -> Vec<Tool> {
    let mut tools = vec![
        Tool {
            name: END_CALL,
            description: "Ends the call. Only after good-bye was said.",
            parameters: schema(&json!({}), &[]),
        },
        Tool {
            name: TAKE_MESSAGE,
            description: "Leaves a message for the owner of the business, who reads it soon. Ask for the message first.",
            parameters: schema(
                &json!({
                    "message": { "type": "string", "description": "What the owner is to know, complete and in the caller's language." },
                    "caller_name": { "type": "string", "description": "Who calls, if they said so." },
                    "urgent": { "type": "boolean", "description": "Whether it cannot wait until tomorrow." },
                }),
                &["message"],
            ),
        },
        Tool {
            name: REQUEST_CALLBACK,
            description: "Asks the owner of the business to call the caller back.",
            parameters: schema(
                &json!({
                    "reason": { "type": "string", "description": "What it is about." },
                    "phone": { "type": "string", "description": "Where the caller can be reached, if it is not the number that they call from." },
                    "when": { "type": "string", "description": "When they would like it, in their own words." },
                }),
                &["reason"],
            ),
        },
    ];
    if !means.links.is_empty() {
        tools.push(Tool {
            name: TEXT_LINK,
            description: "Sends the caller one of our links by text message. Only if the caller wants it.",
            parameters: schema(
                &json!({ "link": { "type": "string", "enum": means.links, "description": "Which." } }),
                &["link"],
            ),
        });
    }
    if means.has_person {
        tools.push(Tool {
            name: TRANSFER,
            description: "Puts the caller through to a person. Only if the caller asks for one, or you cannot help.",
            parameters: schema(&json!({}), &[]),
        });
    }
    tools
}

fn schema(properties: &serde_json::Value, required: &[&str]) -> String {
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
        .to_string()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(means: &Means) -> Vec<&'static str> {
        offered(means).iter().map(|tool| tool.name).collect()
    }

    #[test]
    fn nothing_is_offered_that_the_tenant_does_not_have() {
        let none = Means::default();
        assert_eq!(names(&none), [END_CALL, TAKE_MESSAGE, REQUEST_CALLBACK]);
        let all = Means { links: vec!["menu".to_owned()], has_person: true, region: None };
        assert_eq!(names(&all)[3..], [TEXT_LINK, TRANSFER]);
    }

    #[test]
    fn what_the_model_is_told_of_a_tool_is_a_schema_that_requires_what_it_knows() {
        let means = Means { links: vec!["menu".to_owned()], has_person: true, region: None };
        for tool in offered(&means) {
            let schema: serde_json::Value = serde_json::from_str(&tool.parameters).unwrap();
            assert_eq!(schema["type"], "object", "{}", tool.name);
            for required in schema["required"].as_array().unwrap() {
                assert!(schema["properties"][required.as_str().unwrap()].is_object(), "{schema}");
            }
        }
    }
}
