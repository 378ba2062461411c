//! Who did what, and why.

use askama::Template;
use axum::{extract::OriginalUri, response::Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::{
    door::{List, Refused, query},
    page::{self, Page},
    session::Session,
    tree::{self, Line},
    when::When,
};

const LIMIT: &str = "50";

/// As the API tells it.
#[derive(Debug, Deserialize)]
pub(super) struct Deed {
    at: DateTime<Utc>,
    pub(super) actor: String,
    pub(super) action: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    job: Option<String>,
    #[serde(default)]
    subject: Option<String>,
    details: Value,
    #[serde(skip)]
    now: Option<DateTime<Utc>>,
}

impl Deed {
    /// As it looks at this instant.
    pub(super) fn at(self, now: DateTime<Utc>) -> Deed {
        Deed { now: Some(now), ..self }
    }

    pub(super) fn when(&self) -> When {
        When::new(self.at, self.now.unwrap_or(self.at))
    }

    pub(super) fn reason(&self) -> &str {
        let inside = self.details.get("reason").and_then(Value::as_str);
        self.reason.as_deref().or(inside).unwrap_or_default()
    }

    /// The job that it was done to, if it was one.
    fn job(&self) -> Option<&str> {
        let inside = self.details.get("job").and_then(Value::as_str);
        self.job.as_deref().or(inside)
    }

    /// What else was kept, without what stands in a column.
    pub(super) fn details(&self) -> Vec<Line> {
        let mut details = self.details.clone();
        if let Some(members) = details.as_object_mut() {
            members.remove("reason");
            members.remove("request");
            members.remove("job");
            if let Some(subject) = &self.subject {
                members.insert("of".to_owned(), subject.as_str().into());
            }
        }
        tree::lines(&details)
    }
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Audit<'a> {
    deeds: &'a [Deed],
    next: Option<String>,
    is_engine: bool,
}

/// `GET /console/audit`.
pub(crate) async fn audit(
    session: Session,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Refused> {
    let asked: Vec<_> =
        form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).collect();
    let of = |name: &str| asked.iter().find(|(it, _)| it == name).map_or("", |(_, value)| value);
    let is_engine = of("of") == "engine";
    let base = if is_engine { "/v1/admin/audit/engine" } else { "/v1/admin/audit" };
    let path = format!("{base}?{}", query(&[("cursor", of("cursor")), ("limit", LIMIT)]));
    let found: List<Deed> = session.visit.get(&path).await?;
    let which = if is_engine { "engine" } else { "" };
    let next = found.next_cursor.as_deref();
    let next = next.map(|it| format!("/console/audit?{}", query(&[("of", which), ("cursor", it)])));
    let deeds: Vec<_> = found.items.into_iter().map(|deed| deed.at(session.now)).collect();
    Ok(session.page(&Page {
        title: "Audit".to_owned(),
        section: "/console/audit",
        head: String::new(),
        live: page::text(&Audit { deeds: &deeds, next, is_engine })?,
        rest: String::new(),
    }))
}
