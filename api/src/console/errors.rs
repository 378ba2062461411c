//! What fails, grouped by what it says: of the newest dead letters, those of one kind whose errors differ in numbers and
//! names only are one line.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    door::{List, Refused, query},
    page::{self, Page},
    session::Session,
    when::When,
};

/// As many as the API gives at once. The groups are of these; the counts by kind are of all.
const LOOKED_AT: usize = 100;

const FINGERPRINT_CHARS_MAX: usize = 160;

/// As the API tells it.
#[derive(Debug, Deserialize)]
struct Dead {
    id: String,
    kind: String,
    undone: bool,
    error: Option<String>,
    finished_at: DateTime<Utc>,
}

#[derive(Debug, Deserialize)]
struct Counts {
    counts: Vec<Count>,
}

#[derive(Debug, Deserialize)]
struct Count {
    kind: String,
    undone: bool,
    jobs: i64,
}

impl Count {
    fn address(&self) -> String {
        jobs_of(&self.kind)
    }
}

/// Failures that say the same.
struct Group {
    kind: String,
    says: String,
    jobs: usize,
    first: When,
    last: When,
    /// One of them, to look at.
    newest: String,
    undone: usize,
}

impl Group {
    fn address(&self) -> String {
        jobs_of(&self.kind)
    }
}

fn jobs_of(kind: &str) -> String {
    format!("/console/jobs?{}", query(&[("kind", kind), ("state", "failed")]))
}

#[derive(Template)]
#[template(path = "errors.html")]
struct Errors<'a> {
    groups: &'a [Group],
    counts: &'a [Count],
    looked_at: usize,
    is_more: bool,
}

/// `GET /console/errors`.
pub(crate) async fn errors(session: Session) -> Result<Response, Refused> {
    let path = format!("/v1/admin/dead-letters?limit={LOOKED_AT}");
    let found: List<Dead> = session.visit.get(&path).await?;
    let counts: Counts = session.visit.get("/v1/admin/dead-letters/counts").await?;
    let (looked_at, is_more) = (found.items.len(), found.next_cursor.is_some());
    let groups = grouped(&found.items, session.now);
    let live = Errors { groups: &groups, counts: &counts.counts, looked_at, is_more };
    Ok(session.page(&Page {
        title: "Errors".to_owned(),
        section: "/console/errors",
        head: String::new(),
        live: page::text(&live)?,
        rest: String::new(),
    }))
}

/// The largest groups first.
fn grouped(dead: &[Dead], now: DateTime<Utc>) -> Vec<Group> {
    let mut groups: BTreeMap<(&str, String), Vec<&Dead>> = BTreeMap::new();
    for letter in dead {
        let print = fingerprint(letter.error.as_deref().unwrap_or("no error was kept"));
        groups.entry((&letter.kind, print)).or_default().push(letter);
    }
    let mut groups: Vec<Group> = groups
        .into_iter()
        .filter_map(|((kind, says), letters)| {
            let times = || letters.iter().map(|letter| letter.finished_at);
            let newest = letters.iter().max_by_key(|letter| letter.finished_at)?;
            Some(Group {
                kind: kind.to_owned(),
                says,
                jobs: letters.len(),
                first: When::new(times().min()?, now),
                last: When::new(times().max()?, now),
                newest: newest.id.clone(),
                undone: letters.iter().filter(|letter| letter.undone).count(),
            })
        })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.jobs));
    groups
}

/// What an error says without what differs each time: words with digits in them are `#`.
fn fingerprint(error: &str) -> String {
    let words = error.split_whitespace().map(|word| {
        let has_digit = word.bytes().any(|b| b.is_ascii_digit());
        if has_digit { "#" } else { word }
    });
    let text = words.collect::<Vec<_>>().join(" ");
    text.chars().take(FINGERPRINT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_differ_in_numbers_and_names_only_are_one_group() {
        let dead = |kind: &str, error: &str, ms: i64| Dead {
            id: format!("id-{ms}"),
            kind: kind.to_owned(),
            undone: ms > 1,
            error: Some(error.to_owned()),
            finished_at: DateTime::from_timestamp_millis(ms).unwrap(),
        };
        let letters = [
            dead("a", "message SM01 was refused with 30007", 1),
            dead("b", "message SM01 was refused with 30007", 2),
            dead("b", "message  SM9 was refused with 30003", 3),
        ];
        let groups = grouped(&letters, DateTime::UNIX_EPOCH);
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].kind.as_str(), groups[0].jobs, groups[0].undone), ("b", 2, 2));
        assert_eq!(groups[0].says, "message # was refused with #");
        assert_eq!(groups[0].newest, "id-3");
    }
}
