//! What fails, grouped by what it says: of the newest dead letters, those of one kind whose errors differ in numbers and
//! names only are one line. All that say so can be tried again together.

use askama::Template;
use axum::{extract::OriginalUri, response::Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    actions::{self, Asks, Draft, Of},
    door::{Refused, query},
    page::{self, Page},
    session::Session,
    when::When,
};

/// As the API tells it.
#[derive(Debug, Deserialize)]
struct Groups {
    items: Vec<Group>,
    looked_at_up_to: i64,
}

/// Failures that say the same.
#[derive(Debug, Deserialize)]
struct Group {
    kind: String,
    error: String,
    undone: bool,
    jobs: i64,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    /// One of them, to look at.
    newest: String,
}

impl Group {
    fn query(&self) -> String {
        query(&[("kind", &self.kind), ("error", &self.error)])
    }

    /// All of them, as a list of jobs.
    fn address(&self) -> String {
        format!("/console/jobs?state=failed&{}", self.query())
    }

    /// The page with the form that tries all of them again.
    fn retry(&self) -> String {
        format!("/console/errors?{}#actions", self.query())
    }

    fn is(&self, kind: &str, error: &str) -> bool {
        !error.is_empty() && self.kind == kind && self.error == error
    }
}

#[derive(Template)]
#[template(path = "errors.html")]
struct Errors<'a> {
    groups: &'a [Group],
    looked_at: i64,
    is_more: bool,
    session: &'a Session,
}

impl Errors<'_> {
    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.session.now)
    }
}

/// `GET /console/errors`.
pub(crate) async fn errors(
    session: Session,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Refused> {
    let found: Groups = session.visit.get("/v1/admin/dead-letters/groups").await?;
    let looked_at: i64 = found.items.iter().map(|group| group.jobs).sum();
    let is_more = looked_at >= found.looked_at_up_to;
    let live = page::text(&Errors { groups: &found.items, looked_at, is_more, session: &session })?;
    let (mut kind, mut error) = (String::new(), String::new());
    for (name, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        match &*name {
            "kind" => kind = value.into_owned(),
            "error" => error = value.into_owned(),
            _ => {}
        }
    }
    let chosen = found.items.iter().find(|group| group.is(&kind, &error));
    let rest = chosen.map(|group| retry_all(&session, group, is_more)).transpose()?;
    Ok(session.page(&Page {
        title: "Errors".to_owned(),
        section: "/console/errors",
        head: String::new(),
        live,
        rest: rest.unwrap_or_default(),
    }))
}

/// The form that previews an operation on all of a group.
fn retry_all(session: &Session, group: &Group, is_more: bool) -> Result<String, Refused> {
    let of = Of { session, id: "", back: "/console/errors", tag: "" };
    let about = "All that failed so are written down, also those that are not among the newest. You see how many there are, and start it with that number; nothing is done to any of them before.";
    let draft = Draft {
        deed: if group.undone { "redrive".to_owned() } else { "retry".to_owned() },
        kind: group.kind.clone(),
        error: group.error.clone(),
        ..Draft::default()
    };
    let action = of.action("operation.make", "Preview", about, Asks::Alike(Box::new(draft)))?;
    let more = if is_more { " or more" } else { "" };
    let what = format!("Retry all {}{more} of {}: {}", group.jobs, group.kind, group.error);
    actions::text(&what, &[action])
}
