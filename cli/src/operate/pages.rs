//! All pages of a list, one after the other.

use anyhow::Context;
use serde_json::Value;

use super::{
    client::{Client, Told},
    show::{self, Format},
    table::Operation,
};

/// As many as the API gives at once.
const PAGE_ROWS: usize = 100;

/// A table has to know all of its rows before its first, and JSON its end: what is held until then, and bounds the memory that
/// it takes, are a hundred thousand rows.
const HELD_PAGES_MAX: usize = 1_000;

/// Lines are printed as they come, so that only time bounds them: ten million rows are almost three hours at the 600 requests
/// that a key has in a minute. A list that is longer wants a filter, or its cursor goes in circles.
const PRINTED_PAGES_MAX: usize = 100_000;

/// Where a list goes on.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// It has ended.
    Nowhere,
    /// At this cursor.
    At(String),
    /// Somewhere, and it was enough.
    TooFar,
}

/// Reads all of a list and prints it: lines page by page, all else at the end. When it goes no further, what was read until
/// then is printed, and said to be not all.
pub(super) async fn print(
    client: &Client,
    operation: &Operation,
    path: &str,
    mut query: Vec<(String, String)>,
    format: Format,
) -> anyhow::Result<Told> {
    query.push(("limit".to_owned(), PAGE_ROWS.to_string()));
    let mut shown = match client.get(path, &query).await? {
        Ok(page) => page,
        Err(told) => return Ok(told),
    };
    let is_held = format != Format::Jsonl;
    let pages_max = if is_held { HELD_PAGES_MAX } else { PRINTED_PAGES_MAX };
    let (mut pages, mut rows) = (1, rows_of(&shown));
    let told = loop {
        if !is_held && !show::wrote(&show::text(operation, &shown, format)?)? {
            return Ok(Told::Done);
        }
        let cursor = match next(&shown, pages, pages_max) {
            Next::Nowhere => break Told::Done,
            Next::At(cursor) => cursor,
            Next::TooFar => break Told::Partly,
        };
        let mut asked = query.clone();
        asked.push(("cursor".to_owned(), cursor));
        let page = match client.get_next(path, &asked).await? {
            Ok(page) if page["items"].is_array() => page,
            Ok(_) => {
                eprintln!("trunkline: what came is no page of a list: does a proxy answer?");
                break Told::Failed;
            }
            Err(told) => break told,
        };
        pages += 1;
        rows += rows_of(&page);
        if is_held {
            add(&mut shown, page)?;
        } else {
            shown = page;
        }
    };
    if told != Told::Done {
        eprintln!("trunkline: these are not all: the first {rows} were read, and there are more");
        if format == Format::Table {
            // Its last line would say how all of them are had.
            shown["next_cursor"] = Value::Null;
        }
    }
    if is_held {
        show::write(&show::text(operation, &shown, format)?)?;
    }
    Ok(told)
}

fn next(page: &Value, pages: usize, pages_max: usize) -> Next {
    match page["next_cursor"].as_str() {
        None => Next::Nowhere,
        Some(_) if pages >= pages_max => Next::TooFar,
        Some(cursor) => Next::At(cursor.to_owned()),
    }
}

fn rows_of(page: &Value) -> usize {
    page["items"].as_array().map_or(0, Vec::len)
}

/// Puts a page to those before it.
fn add(whole: &mut Value, mut page: Value) -> anyhow::Result<()> {
    let more = page["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
    whole["items"].as_array_mut().context("a list without items")?.extend(more);
    whole["next_cursor"] = page["next_cursor"].take();
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_that_goes_on_beyond_the_bound_is_not_taken_for_one_that_has_ended() {
        let (page, last) = (json!({ "next_cursor": "c" }), json!({ "next_cursor": null }));
        assert_eq!(next(&page, 2, 3), Next::At("c".to_owned()));
        assert_eq!(next(&page, 3, 3), Next::TooFar);
        assert_eq!((next(&last, 3, 3), next(&json!({}), 1, 3)), (Next::Nowhere, Next::Nowhere));
    }

    #[test]
    fn pages_are_put_together_with_the_cursor_of_the_last() {
        let mut whole = json!({ "items": [1, 2], "next_cursor": "a" });
        add(&mut whole, json!({ "items": [3], "next_cursor": null })).unwrap();
        assert_eq!((rows_of(&whole), &whole["next_cursor"]), (3, &Value::Null));
        assert!(add(&mut json!({}), json!({ "items": [4] })).is_err());
    }
}
