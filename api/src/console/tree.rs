//! A payload as lines: one for each value, indented by how deep it stands.

use serde_json::Value;

use super::mask::is_hidden;

/// What is longer is for the API.
const LINES_MAX: usize = 300;

/// A text of a line or two; the rest is for the API.
const TEXT_CHARS_MAX: usize = 400;

/// As deep as the stylesheet indents.
const DEPTH_MAX: usize = 8;

/// One value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// How deep it stands.
    pub(super) depth: usize,
    /// Its name, or its place in an array.
    pub(super) name: String,
    /// What it is; empty where it has members.
    pub(super) text: String,
    /// `text`, `number`, `word`, `more`.
    pub(super) form: &'static str,
}

/// The lines of a payload; none of one that says nothing.
pub(super) fn lines(value: &Value) -> Vec<Line> {
    let mut lines = Vec::new();
    match value {
        Value::Null => {}
        Value::Object(members) if members.is_empty() => {}
        Value::Object(_) | Value::Array(_) => below(value, 0, &mut lines),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => lines.push(leaf("", value, 0)),
    }
    if lines.len() > LINES_MAX {
        lines.truncate(LINES_MAX);
        lines.push(Line {
            depth: 0,
            name: String::new(),
            text: "and more: the API has all of it".to_owned(),
            form: "more",
        });
    }
    lines
}

fn below(value: &Value, depth: usize, lines: &mut Vec<Line>) {
    if lines.len() > LINES_MAX {
        return;
    }
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| member(name, value, depth, lines));
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(place, value)| member(&place.to_string(), value, depth, lines));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn member(name: &str, value: &Value, depth: usize, lines: &mut Vec<Line>) {
    let has_members = value.as_object().is_some_and(|it| !it.is_empty())
        || value.as_array().is_some_and(|it| !it.is_empty());
    if has_members && !is_hidden(name) {
        let (name, text) = (short(name), String::new());
        lines.push(Line { depth: depth.min(DEPTH_MAX), name, text, form: "more" });
        below(value, depth + 1, lines);
    } else {
        lines.push(leaf(name, value, depth));
    }
}

fn leaf(name: &str, value: &Value, depth: usize) -> Line {
    let (text, form) = match value {
        Value::Null => ("null".to_owned(), "word"),
        _ if is_hidden(name) => ("hidden".to_owned(), "word"),
        Value::Bool(flag) => (flag.to_string(), "word"),
        Value::Number(number) => (number.to_string(), "number"),
        Value::String(text) => (short(text), "text"),
        Value::Array(_) => ("empty list".to_owned(), "word"),
        Value::Object(_) => ("empty".to_owned(), "word"),
    };
    Line { depth: depth.min(DEPTH_MAX), name: short(name), text, form }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(TEXT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_is_a_line_and_secrets_are_not() {
        let value = json!({ "a": { "b": [1, "x"] }, "code": { "c": 1 }, "d": null, "n": 18_446_744_073_709_551_615_u64 });
        let said: Vec<_> = lines(&value)
            .iter()
            .map(|it| format!("{}{}={}", "-".repeat(it.depth), it.name, it.text))
            .collect();
        let wanted =
            ["a=", "-b=", "--0=1", "--1=x", "code=hidden", "d=null", "n=18446744073709551615"];
        assert_eq!(said, wanted);
        assert_eq!(lines(&json!({})), []);
        assert_eq!(lines(&json!("sealed"))[0].text, "sealed");
    }

    #[test]
    fn what_is_large_is_cut() {
        let many: Vec<_> = (0..10_000).collect();
        let shown = lines(&json!({ "many": many, "more": [many] }));
        assert_eq!((shown.len(), shown[LINES_MAX].form), (LINES_MAX + 1, "more"));
        assert_eq!(lines(&json!("ü".repeat(9999)))[0].text.chars().count(), TEXT_CHARS_MAX + 1);
    }
}
