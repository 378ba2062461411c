//! Pages of lists: so many at a time, and where the next one begins.

use engine::PAGE_MAX;
use serde::Serialize;
use serde_json::{Value, json};

use crate::json::Fields;

/// As many as fit on a screen.
const LIMIT_DEFAULT: usize = 20;

/// The `limit` of a query.
pub(super) fn limit(query: &mut Fields) -> usize {
    let limit = query.optional("limit", |text| match text.parse() {
        Ok(limit) if (1..=PAGE_MAX).contains(&limit) => Ok(limit),
        Ok(_) | Err(_) => Err(format!("must be a whole number from 1 to {PAGE_MAX}")),
    });
    limit.unwrap_or(LIMIT_DEFAULT)
}

/// How many to read: one more than are shown tells whether there is a next page.
pub(super) const fn rows(limit: usize) -> usize {
    limit + 1
}

/// A page of at most `limit` of what was read.
pub(super) fn of<T: Serialize>(
    mut items: Vec<T>,
    limit: usize,
    cursor: impl FnOnce(&T) -> String,
) -> Value {
    let is_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| is_more).map(cursor);
    json!({ "items": items, "next_cursor": next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_next_page_where_one_more_was_read() {
        let page = |count| of((0..count).collect(), 2, ToString::to_string);
        assert_eq!(page(2), json!({ "items": [0, 1], "next_cursor": null }));
        assert_eq!(page(3), json!({ "items": [0, 1], "next_cursor": "1" }));
    }
}
