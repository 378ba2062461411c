//! docs/logs.md against what is logged: every event has its row, every row is an event, and level, target and fields of the row
//! are those of the lines in the source.

use std::collections::{BTreeMap, BTreeSet};

use crate::{documents, source};

const TABLE: &str = "docs/logs.md";

/// A line that is logged under a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    level: String,
    /// None: that of its module.
    target: Option<String>,
    fields: BTreeSet<String>,
}

/// Calls of the log's macros: level, and what stands between the brackets.
fn calls(text: &str) -> Vec<(String, String)> {
    let mut calls = Vec::new();
    for level in ["error", "warn", "info", "debug", "trace"] {
        let opening = format!("tracing::{level}!(");
        for (at, _) in text.match_indices(&opening) {
            let mut depth = 1;
            let inside = text[at + opening.len()..].chars().take_while(|c| {
                depth += match *c {
                    '(' => 1,
                    ')' => -1,
                    _ => 0,
                };
                depth > 0
            });
            calls.push((level.to_uppercase(), inside.collect()));
        }
    }
    calls
}

/// The arguments of a call. None of ours has a comma inside of one, but for texts.
fn arguments(inside: &str) -> Vec<String> {
    let mut arguments = vec![String::new()];
    let mut is_text = false;
    for c in inside.chars() {
        is_text ^= c == '"';
        if c == ',' && !is_text {
            arguments.push(String::new());
        } else if let Some(last) = arguments.last_mut() {
            last.push(c);
        }
    }
    arguments.into_iter().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
}

/// The event that a call logs, by its constant's name, with the rest of it.
fn event_of(level: &str, inside: &str) -> Option<(String, Line)> {
    let arguments = arguments(inside);
    let name = arguments.iter().find_map(|it| it.strip_prefix("event = events::"))?.to_owned();
    let target = arguments.iter().find_map(|it| it.strip_prefix("target: "));
    let target = target.map(|it| it.trim_matches('"').to_owned());
    let is_field = |it: &&String| !it.starts_with(['"']) && !it.starts_with("target: ");
    let fields = arguments.iter().filter(is_field);
    let fields = fields.filter_map(|it| it.split(" = ").next());
    let fields = fields.filter(|name| *name != "event").map(ToOwned::to_owned).collect();
    Some((name, Line { level: level.to_owned(), target, fields }))
}

/// Every line that the source logs under a name, by the name.
fn logged() -> BTreeMap<String, BTreeSet<Line>> {
    let names = constants();
    let mut found: BTreeMap<String, BTreeSet<Line>> = BTreeMap::new();
    for file in source::production() {
        for (level, inside) in calls(&file.text) {
            assert!(
                !inside.contains("event = \""),
                "{}: an event is a constant of workflows/src/events.rs",
                file.path
            );
            if let Some((constant, line)) = event_of(&level, &inside) {
                let name = names.get(&constant).unwrap_or_else(|| panic!("{constant}"));
                found.entry(name.clone()).or_default().insert(line);
            }
        }
    }
    found
}

/// The constants of the list, with their texts.
fn constants() -> BTreeMap<String, String> {
    let text = crate::files::read("workflows/src/events.rs");
    let of_line = |line: &str| {
        let (name, text) = line.strip_prefix("pub const ")?.split_once(": &str = \"")?;
        Some((name.to_owned(), text.strip_suffix("\";")?.to_owned()))
    };
    text.lines().filter_map(of_line).collect()
}

/// Rows: event, level, target, fields.
fn written() -> BTreeMap<String, BTreeSet<Line>> {
    let mut written: BTreeMap<String, BTreeSet<Line>> = BTreeMap::new();
    for row in documents::rows(TABLE) {
        let [event, level, target, fields, _] = row.as_slice() else {
            panic!("{row:?} has five cells")
        };
        let target = (target != "its module").then(|| target.clone());
        let fields = fields.split(", ").map(ToOwned::to_owned).collect();
        let line = Line { level: level.clone(), target, fields };
        assert!(written.entry(event.clone()).or_default().insert(line), "{event} stands twice");
    }
    written
}

#[test]
fn every_event_that_is_logged_has_its_rows_and_every_row_is_logged_so() {
    assert_eq!(logged(), written());
}

#[test]
fn every_name_in_the_list_is_logged_somewhere() {
    let listed: BTreeSet<_> = workflows::events::NAMES.iter().map(|it| (*it).to_owned()).collect();
    let found: BTreeSet<_> = logged().into_keys().collect();
    assert_eq!(found, listed);
    assert_eq!(constants().into_values().collect::<BTreeSet<_>>(), listed);
}

#[test]
fn a_call_of_the_log_is_read_with_its_fields() {
    let text = r#"tracing::warn!(
        target: "a.b",
        event = events::LOST,
        job.id = %job.id(),
        why,
        "it is lost, all of it"
    );"#;
    let calls = calls(text);
    let (name, line) = event_of(&calls[0].0, &calls[0].1).unwrap();
    assert_eq!((name.as_str(), line.level.as_str()), ("LOST", "WARN"));
    assert_eq!(line.target.as_deref(), Some("a.b"));
    assert_eq!(line.fields.iter().map(String::as_str).collect::<Vec<_>>(), ["job.id", "why"]);
}
