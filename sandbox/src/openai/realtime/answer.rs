//! What it says to what was said. Pure.

use serde_json::{Map, Value, json};

/// The words that make it call a tool, by what the tool's name holds.
const WISHES: [(&str, &[&str]); 6] = [
    ("transfer", &["transfer", "human", "verbinden", "mensch"]),
    ("callback", &["call me back", "callback", "rückruf", "zurückrufen"]),
    ("call_back", &["call me back", "callback", "rückruf", "zurückrufen"]),
    ("link", &["link"]),
    ("message", &["message", "nachricht", "ausrichten"]),
    ("end", &["goodbye", "wiederhören", "tschüss"]),
];

/// What it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// It says something.
    Say(String),
    /// It calls a tool, with arguments as JSON.
    Call { name: String, arguments: String },
}

/// Its answer to a caller's words.
pub(super) fn to_words(words: &str, tools: &[(String, Value)]) -> Act {
    let lower = words.to_lowercase();
    let wished = |part: &str| {
        WISHES
            .iter()
            .any(|(name, wishes)| *name == part && wishes.iter().any(|it| lower.contains(it)))
    };
    let named = |name: &str| WISHES.iter().any(|(part, _)| name.contains(part) && wished(part));
    match tools.iter().find(|(name, _)| named(name)) {
        Some((name, schema)) => {
            Act::Call { name: name.clone(), arguments: arguments(schema, words).to_string() }
        }
        None if words.is_empty() => Act::Say("I did not understand you.".to_owned()),
        None => Act::Say(format!("You said: {words}")),
    }
}

/// Its answer to a tool's.
pub(super) fn to_output(output: &str) -> Act {
    let short: String = output.chars().take(120).collect();
    Act::Say(format!("All right. {short}"))
}

/// Its answer when nobody has said anything.
pub(super) fn to_nothing(instructions: Option<&str>) -> Act {
    let short = |text: &str| text.chars().take(160).collect();
    Act::Say(instructions.map_or_else(|| "Hello! How can I help you?".to_owned(), short))
}

/// What a schema requires, with the caller's words where it wants words.
fn arguments(schema: &Value, words: &str) -> Value {
    let none = Vec::new();
    let required = schema["required"].as_array().unwrap_or(&none);
    let value = |name: &str| {
        let property = &schema["properties"][name];
        match (property["enum"].get(0), property["type"].as_str()) {
            (Some(first), _) => first.clone(),
            (None, Some("boolean")) => json!(false),
            (None, Some("integer" | "number")) => json!(1),
            (None, Some("array")) => json!([]),
            (None, Some("object")) => json!({}),
            (None, _) => json!(words),
        }
    };
    let all: Map<_, _> = required
        .iter()
        .filter_map(Value::as_str)
        .map(|name| (name.to_owned(), value(name)))
        .collect();
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools() -> Vec<(String, Value)> {
        let link = json!({ "type": "object", "required": ["link", "urgent"], "properties": {
            "link": { "type": "string", "enum": ["prices", "map"] }, "urgent": { "type": "boolean" },
        } });
        vec![("text_link".to_owned(), link), ("transfer".to_owned(), json!({ "type": "object" }))]
    }

    #[test]
    fn a_wish_calls_its_tool_with_what_the_tool_requires() {
        let Act::Call { name, arguments } = to_words("Text me the LINK", &tools()) else {
            panic!("no call")
        };
        let arguments: Value = serde_json::from_str(&arguments).unwrap();
        assert_eq!(
            (name.as_str(), arguments),
            ("text_link", json!({ "link": "prices", "urgent": false }))
        );
        let call = to_words("Bitte verbinden!", &tools());
        assert_eq!(call, Act::Call { name: "transfer".to_owned(), arguments: "{}".to_owned() });
    }

    #[test]
    fn a_wish_without_a_tool_is_repeated_like_anything_else() {
        let said = Act::Say("You said: call me back".to_owned());
        assert_eq!(to_words("call me back", &tools()), said);
    }
}
