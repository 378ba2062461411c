//! Answers, printed: tables and lines for people, JSON for programs.

use std::{fmt::Display, io::Write};

use clap::ArgMatches;
use serde_json::Value;

use super::{client::Told, health, table::Operation};
use crate::columns::{cell, table};

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Columns, or names and values.
    Table,
    /// The answer as it came, indented.
    Json,
    /// A line of JSON for each item.
    Jsonl,
}

impl Format {
    /// As they are asked for.
    pub(super) const WORDS: [&'static str; 3] = ["table", "json", "jsonl"];

    pub(super) fn of(matches: &ArgMatches) -> Format {
        match matches.get_one::<String>("output").map(String::as_str) {
            Some("json") => Format::Json,
            Some("jsonl") => Format::Jsonl,
            _ => Format::Table,
        }
    }
}

/// Prints what was read, if it was.
pub(super) fn print(
    operation: &Operation,
    answer: &Result<Value, Told>,
    format: Format,
) -> anyhow::Result<Told> {
    match answer {
        Ok(answer) => {
            write(&text(operation, answer, format)?)?;
            Ok(Told::by(answer))
        }
        Err(told) => Ok(*told),
    }
}

/// Prints what came of an order.
pub(super) fn value(answer: &Result<Value, Told>, format: Format) -> anyhow::Result<Told> {
    match answer {
        Ok(answer) => {
            let text = if format == Format::Table { lines(answer) } else { pretty(answer)? };
            write(&text)?;
            Ok(Told::Done)
        }
        Err(told) => Ok(*told),
    }
}

/// Prints JSON.
pub(super) fn json(value: &Value) -> anyhow::Result<()> {
    write(&pretty(value)?)
}

/// An answer as it is printed.
pub(super) fn text(
    operation: &Operation,
    answer: &Value,
    format: Format,
) -> anyhow::Result<String> {
    // No JSON: a file, as it came.
    if let Value::String(file) = answer {
        return Ok(file.clone());
    }
    let items = ["items", "counts"].iter().find_map(|name| answer[*name].as_array());
    Ok(match (format, items) {
        (Format::Json, _) => pretty(answer)?,
        (Format::Jsonl, None) => format!("{answer}\n"),
        (Format::Jsonl, Some(items)) => each_line(items),
        (Format::Table, Some(items)) if !operation.shows.is_empty() => {
            let mut text = table(operation.shows, items);
            if answer["next_cursor"].is_string() {
                text.push_str("… and more: --all\n");
            }
            text
        }
        (Format::Table, _) if operation.path == health::PATH => health::text(answer),
        (Format::Table, _) => sentences(answer).unwrap_or_else(|| lines(answer)),
    })
}

pub(super) fn write(text: &str) -> anyhow::Result<()> {
    wrote(text)?;
    Ok(())
}

/// Writes it, and says whether it could: false, and nobody reads any more.
pub(super) fn wrote(text: &str) -> anyhow::Result<bool> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // `… | head` has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        done => {
            done?;
            Ok(true)
        }
    }
}

fn pretty(value: &Value) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// What an answer says in words.
fn sentences(answer: &Value) -> Option<String> {
    let says = answer["says"].as_array()?;
    Some(each_line(says.iter().filter_map(Value::as_str)))
}

/// Each on a line of its own.
fn each_line(items: impl IntoIterator<Item = impl Display>) -> String {
    items.into_iter().fold(String::new(), |lines, item| lines + &item.to_string() + "\n")
}

/// Names and values of an object, a line each.
fn lines(answer: &Value) -> String {
    let Some(members) = answer.as_object() else { return format!("{}\n", cell(answer)) };
    let width = members.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let line = |(name, value): (&String, &Value)| {
        let items = value.as_array().filter(|items| items.iter().any(Value::is_object));
        match items {
            Some(items) => {
                format!("{name}\n{}", each_line(items.iter().map(|item| format!("  {item}"))))
            }
            None => format!("{name:width$}  {}\n", cell(value)),
        }
    };
    members.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_is_printed_as_it_came() {
        let operation = super::super::table::all().find(|it| it.verb == "usage").unwrap();
        let file = json!("tenant_id,day\r\nx,2026-11-22\r\n");
        for format in [Format::Table, Format::Json, Format::Jsonl] {
            assert_eq!(text(operation, &file, format).unwrap(), file.as_str().unwrap());
        }
    }

    #[test]
    fn what_an_answer_says_in_words_is_what_people_read() {
        let operation = super::super::table::all().find(|it| it.verb == "explain").unwrap();
        let answer = json!({ "id": "x", "reasons": [], "says": ["its queue is paused", "3 jobs come before it"] });
        let said = text(operation, &answer, Format::Table).unwrap();
        assert_eq!(said, "its queue is paused\n3 jobs come before it\n");
        assert_eq!(text(operation, &answer, Format::Jsonl).unwrap().lines().count(), 1);
    }
}
