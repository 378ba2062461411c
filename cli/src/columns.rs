//! Answers in columns, for people.

use serde_json::Value;

/// A cell is a glance; the whole is in the JSON.
const CELL_CHARS_MAX: usize = 60;

/// Columns, as wide as what stands in them.
pub(crate) fn table(columns: &[&str], items: &[Value]) -> String {
    let head = columns.iter().map(|column| column.to_uppercase()).collect();
    let row = |item: &Value| columns.iter().map(|name| cut(&cell(member(item, name)))).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(items.iter().map(row)).collect();
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// A member, also of a member: `pause.reason`, `next.0`.
fn member<'a>(item: &'a Value, name: &str) -> &'a Value {
    name.split('.').fold(item, |value, part| match part.parse::<usize>() {
        Ok(place) if value.is_array() => &value[place],
        Ok(_) | Err(_) => &value[part],
    })
}

/// A value in a line.
pub(crate) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        // What a terminal would obey is not for it.
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= CELL_CHARS_MAX {
        return text.to_owned();
    }
    text.chars().take(CELL_CHARS_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_is_as_wide_as_what_stands_in_it() {
        let items =
            [json!({ "id": 1, "pause": { "reason": "down\u{1b}[2J" } }), json!({ "id": 12345 })];
        let text = table(&["id", "pause.reason"], &items);
        assert_eq!(text, "ID     PAUSE.REASON\n1      down [2J\n12345  -\n");
        assert_eq!(member(&json!({ "next": ["a", "b"] }), "next.1"), "b");
        assert_eq!(cut(&"x".repeat(100)).chars().count(), CELL_CHARS_MAX);
    }
}
