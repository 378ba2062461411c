//! What the assistant wants done, read from what the model wrote. Pure: a model may write anything, and is told what is wrong
//! with it in words that it can act on.

use domain::PhoneNumber;
use serde::{Deserialize, de::DeserializeOwned};

use super::{
    talk::Asked,
    tools::{Means, REQUEST_CALLBACK, TAKE_MESSAGE, TEXT_LINK, TRANSFER},
};

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Message(Left),
    Callback { reason: String, phone: Option<PhoneNumber>, when: Option<String> },
    Link(String),
    Person,
}

/// A message for the owner.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Left {
    pub(super) message: String,
    #[serde(default)]
    pub(super) caller_name: Option<String>,
    #[serde(default)]
    pub(super) urgent: Option<bool>,
}

#[derive(Deserialize)]
struct Callback {
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    when: Option<String>,
}

#[derive(Deserialize)]
struct Link {
    link: String,
}

const NO_SUCH_TOOL: &str = "There is no such tool. Offer something else.";
const NOT_READ: &str =
    "The arguments are not what the tool asks for: look at its schema and call it again.";
const NO_MESSAGE: &str = "The message is empty: ask what the owner is to know.";
const NO_PHONE: &str = "That is no phone number. Ask for it once more, with its country code, or leave it out for the number \
    that they call from.";

/// Reads it. What cannot be read is an answer for the model.
pub(super) fn read(asked: &Asked, means: &Means) -> Result<Wish, &'static str> {
    match asked.name.as_str() {
        TAKE_MESSAGE => {
            let message: Left = arguments(asked)?;
            if message.message.trim().is_empty() {
                Err(NO_MESSAGE)
            } else {
                Ok(Wish::Message(message))
            }
        }
        REQUEST_CALLBACK => {
            let Callback { reason, phone, when } = arguments(asked)?;
            let phone = phone.filter(|phone| !phone.trim().is_empty());
            let phone = phone.map(|phone| phone_of(&phone, means)).transpose()?;
            Ok(Wish::Callback { reason: reason.unwrap_or_default(), phone, when })
        }
        TEXT_LINK => Ok(Wish::Link(arguments::<Link>(asked)?.link)),
        TRANSFER => Ok(Wish::Person),
        _ => Err(NO_SUCH_TOOL),
    }
}

fn arguments<T: DeserializeOwned>(asked: &Asked) -> Result<T, &'static str> {
    serde_json::from_str(&asked.arguments).map_err(|_| NOT_READ)
}

fn phone_of(text: &str, means: &Means) -> Result<PhoneNumber, &'static str> {
    let read = match means.home() {
        Some(home) => PhoneNumber::parse(text, home).ok(),
        None => PhoneNumber::from_e164(text.trim()).ok(),
    };
    read.ok_or(NO_PHONE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wish(name: &str, arguments: &str) -> Result<Wish, &'static str> {
        let means = Means { region: Some("AT".to_owned()), ..Means::default() };
        let (id, name, arguments) = ("1".to_owned(), name.to_owned(), arguments.to_owned());
        read(&Asked { id, name, arguments }, &means)
    }

    #[test]
    fn a_wish_is_read_with_what_may_be_missing() {
        let whole = r#"{"message":"It drips.","caller_name":"Anna","urgent":true,"mood":"odd"}"#;
        let message = |name: Option<&str>, urgent| {
            let (message, caller_name) = ("It drips.".to_owned(), name.map(ToOwned::to_owned));
            Ok(Wish::Message(Left { message, caller_name, urgent }))
        };
        assert_eq!(wish(TAKE_MESSAGE, whole), message(Some("Anna"), Some(true)));
        assert_eq!(wish(TAKE_MESSAGE, r#"{"message":"It drips."}"#), message(None, None));
        assert_eq!(wish(TEXT_LINK, r#"{"link":"menu"}"#), Ok(Wish::Link("menu".to_owned())));
        assert_eq!(wish(TRANSFER, ""), Ok(Wish::Person), "it needs nothing");
    }

    #[test]
    fn a_number_is_read_by_the_rules_of_the_tenants_region() {
        let phone = |typed: &str| {
            let asked = serde_json::json!({ "reason": "r", "phone": typed }).to_string();
            wish(REQUEST_CALLBACK, &asked)
        };
        let Ok(Wish::Callback { phone: Some(read), .. }) = phone("0664 1234567") else {
            panic!("it was not read")
        };
        assert_eq!(read.as_e164(), "+436641234567");
        assert!(matches!(phone("  "), Ok(Wish::Callback { phone: None, .. })));
        assert_eq!(phone("as soon as you can"), Err(NO_PHONE));
    }

    #[test]
    fn what_cannot_be_done_is_said_to_the_model() {
        assert_eq!(wish("open_the_door", "{}"), Err(NO_SUCH_TOOL));
        assert_eq!(wish(TAKE_MESSAGE, r#"{"message":"  "}"#), Err(NO_MESSAGE));
        assert_eq!(wish(TAKE_MESSAGE, r#"{"message":7}"#), Err(NOT_READ));
        assert_eq!(wish(TEXT_LINK, "{"), Err(NOT_READ));
    }

    proptest! {
        #[test]
        fn no_text_of_a_model_breaks_the_reading(name in "[a-z_]{0,20}", arguments in ".{0,200}") {
            for name in [name.as_str(), TAKE_MESSAGE, REQUEST_CALLBACK, TEXT_LINK, TRANSFER] {
                let _ = wish(name, &arguments);
            }
        }
    }
}
