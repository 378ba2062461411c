//! Operations: orders about many jobs, as they stand, and a form for another one.

use askama::Template;
use axum::{extract::OriginalUri, response::Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::{
    actions::{self, Asks, Draft, Of},
    door::{List, Refused, query},
    page::{self, Page},
    session::Session,
    when::When,
};

/// A screen and a half.
const LIMIT: &str = "50";

/// As the API tells it.
#[derive(Debug, Deserialize)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) deed: String,
    pub(super) mode: Option<String>,
    pub(super) filter: Value,
    pub(super) state: String,
    pub(super) why: Option<String>,
    pub(super) matched: i64,
    pub(super) done: i64,
    pub(super) refused: i64,
    pub(super) undone: i64,
    pub(super) not_undone: i64,
    pub(super) per_second: Option<i32>,
    pub(super) canary_jobs: i64,
    pub(super) canary_failed_max: i64,
    pub(super) canary_secs: i64,
    pub(super) made_by: String,
    pub(super) started_by: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) undone_by: Option<String>,
    pub(super) undo_reason: Option<String>,
    pub(super) undo_job: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) frozen_at: Option<DateTime<Utc>>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) finished_at: Option<DateTime<Utc>>,
}

impl Operation {
    /// The part of its id that differs between those of one minute.
    pub(super) fn short(&self) -> &str {
        self.id.rsplit('-').next().unwrap_or_default()
    }

    /// What it does to which jobs.
    pub(super) fn what(&self) -> String {
        let deed = match (&*self.deed, self.mode.as_deref()) {
            ("run_now", _) => "run now".to_owned(),
            (deed, Some(mode)) => format!("{deed} ({mode})"),
            (deed, None) => deed.to_owned(),
        };
        format!("{deed}: {}", self.which())
    }

    /// The filter, in words.
    fn which(&self) -> String {
        let members = self.filter.as_object().into_iter().flatten();
        let said = members.filter_map(|(name, value)| {
            let value = value.as_str()?;
            Some(if name == "state" { value.to_owned() } else { format!("{name} {value}") })
        });
        said.collect::<Vec<_>>().join(", ")
    }

    /// Those that are still to come, or were left alone.
    pub(super) fn left(&self) -> i64 {
        self.matched - self.done - self.refused
    }

    /// Done, and not taken back.
    pub(super) fn stands(&self) -> i64 {
        self.done - self.undone - self.not_undone
    }

    /// How far it has come, in hundredths.
    pub(super) fn percent(&self) -> i64 {
        let (come, all) = if matches!(&*self.state, "undoing" | "undone") {
            (self.undone + self.not_undone, self.done)
        } else {
            (self.done + self.refused, self.matched)
        };
        come * 100 / all.max(1)
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(&*self.state, "stopped" | "done" | "cancelled" | "undone")
    }
}

#[derive(Template)]
#[template(path = "operations.html")]
struct Listed<'a> {
    operations: &'a [Operation],
    next: Option<String>,
    session: &'a Session,
}

impl Listed<'_> {
    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.session.now)
    }
}

/// `GET /console/operations`.
pub(crate) async fn operations(
    session: Session,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Refused> {
    let asked = uri.query().unwrap_or_default();
    let cursor = form_urlencoded::parse(asked.as_bytes()).find(|(name, _)| name == "cursor");
    let cursor = cursor.map(|(_, cursor)| cursor.into_owned()).unwrap_or_default();
    let path = format!("/v1/admin/operations?{}", query(&[("limit", LIMIT), ("cursor", &cursor)]));
    let found: List<Operation> = session.visit.get(&path).await?;
    let next = found.next_cursor.as_deref();
    let next = next.map(|cursor| format!("/console/operations?{}", query(&[("cursor", cursor)])));
    let live = page::text(&Listed { operations: &found.items, next, session: &session })?;
    let of = Of { session: &session, id: "", back: "/console/operations", tag: "" };
    let about = "Which jobs match is written down; you see how many and some of them. Nothing is done to any of them until you start it with that number.";
    let draft = Asks::Many(Box::new(drafted(asked)));
    let make = of.action("operation.make", "Preview", about, draft)?;
    Ok(session.page(&Page {
        title: "Operations".to_owned(),
        section: "/console/operations",
        head: String::new(),
        live,
        rest: actions::text("An order about many jobs", &[make])?,
    }))
}

/// What the form says already: a list of jobs leads here with its filter.
fn drafted(asked: &str) -> Draft {
    let mut draft = Draft { deed: "retry".into(), state: "failed".into(), ..Draft::default() };
    for (name, value) in form_urlencoded::parse(asked.as_bytes()) {
        let field = match &*name {
            "deed" => &mut draft.deed,
            "state" => &mut draft.state,
            "kind" => &mut draft.kind,
            "queue" => &mut draft.queue,
            "tenant" => &mut draft.tenant,
            "since" => &mut draft.since,
            "until" => &mut draft.until,
            "error" => &mut draft.error,
            _ => continue,
        };
        value.trim().clone_into(field);
    }
    draft
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn operation(state: &str, counts: [i64; 5]) -> Operation {
        let [matched, done, refused, undone, not_undone] = counts;
        serde_json::from_value(json!({ "id": "a-b", "deed": "retry", "mode": null,
            "filter": { "kind": "send_sms", "state": "failed", "tenant": null }, "state": state, "why": null,
            "matched": matched, "done": done, "refused": refused, "undone": undone, "not_undone": not_undone,
            "per_second": null, "canary_jobs": 10, "canary_failed_max": 2, "canary_secs": 600, "made_by": "x",
            "started_by": null, "reason": null, "undone_by": null, "undo_reason": null, "undo_job": null,
            "created_at": "2026-01-31T09:00:00Z", "frozen_at": null, "started_at": null, "finished_at": null }))
        .unwrap()
    }

    #[test]
    fn an_operation_says_what_it_does_and_how_far_it_has_come() {
        let working = operation("working", [200, 40, 10, 0, 0]);
        assert_eq!(working.what(), "retry: kind send_sms, failed");
        assert_eq!((working.percent(), working.left(), working.stands()), (25, 150, 40));
        let undoing = operation("undoing", [200, 40, 10, 10, 10]);
        assert_eq!((undoing.percent(), undoing.stands()), (50, 20));
        assert_eq!(operation("freezing", [0; 5]).percent(), 0);
    }

    #[test]
    fn the_form_begins_with_the_filter_that_led_to_it() {
        let draft = drafted("deed=cancel&state=ready&kind=a&x=1");
        assert_eq!((&*draft.deed, &*draft.state, &*draft.kind), ("cancel", "ready", "a"));
        assert_eq!((&*drafted("").deed, &*drafted("").state), ("retry", "failed"));
    }
}
