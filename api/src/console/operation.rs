//! One operation: which jobs, how far, how the first of them fare, why some could not be done, and what can be done about it.

use askama::Template;
use axum::{extract::Path, response::Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    actions::{self, Action, Asks, Of},
    door::{Refused, read, segment},
    jobs::Job,
    operations::Operation,
    page::{self, Page},
    session::Session,
    when::When,
};

/// As the API tells it.
#[derive(Debug, Deserialize)]
struct Detail {
    #[serde(flatten)]
    operation: Operation,
    sample: Vec<Job>,
    refusals: Vec<Reason>,
}

/// Why some could not be done, or not be taken back.
#[derive(Debug, Deserialize)]
struct Reason {
    state: String,
    why: Option<String>,
    jobs: i64,
}

#[derive(Template)]
#[template(path = "operation.html")]
struct Shown<'a> {
    operation: &'a Operation,
    jobs: &'a [Job],
    reasons: &'a [Reason],
    now: DateTime<Utc>,
}

impl Shown<'_> {
    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.now)
    }

    /// Whether the first few are still being looked at.
    fn is_at_canary(&self) -> bool {
        let come = self.operation.done + self.operation.refused;
        self.operation.state == "working" && come <= self.operation.canary_jobs
    }
}

/// `GET /console/operations/{id}`.
pub(crate) async fn operation(
    session: Session,
    Path(id): Path<String>,
) -> Result<Response, Refused> {
    let path = format!("/v1/admin/operations/{}", segment(&id));
    let (whole, tag) = session.visit.get_tagged(&path).await?;
    let detail: Detail = read(whole)?;
    let Detail { operation, sample, refusals } = detail;
    let jobs: Vec<Job> = sample.into_iter().map(|job| job.at(session.now)).collect();
    let live = Shown { operation: &operation, jobs: &jobs, reasons: &refusals, now: session.now };
    let actions = actions_of(&session, &operation, &tag)?;
    Ok(session.page(&Page {
        title: format!("Operation {}", operation.short()),
        section: "/console/operations",
        head: String::new(),
        live: page::text(&live)?,
        rest: actions::text("What can be done", &actions)?,
    }))
}

/// What can be done to an operation that stands there.
fn actions_of(session: &Session, operation: &Operation, tag: &str) -> Result<Vec<Action>, Refused> {
    let back = format!("/console/operations/{}", operation.id);
    let of = Of { session, id: &operation.id, back: &back, tag };
    let mut actions = Vec::new();
    if operation.state == "frozen" {
        let about = "First to a few, then, if they fare well, to the others.";
        let asks = Asks::Start(operation.matched);
        actions.push(of.action("operation.start", "Start", about, asks)?);
    }
    if matches!(&*operation.state, "freezing" | "frozen" | "working") {
        let about = "What was done stands, and nothing more is done.";
        // To stop it nobody has to have seen how far it is.
        let of = Of { tag: "", ..of };
        actions.push(of.action("operation.cancel", "Cancel", about, Asks::Nothing)?);
    }
    if operation.is_over() && operation.state != "undone" && operation.stands() > 0 {
        let about = "What was made to run and has not begun is kept from it; what was cancelled is tried again. What has gone on since stays as it is, and is counted.";
        actions.push(of.action("operation.undo", "Undo", about, Asks::Nothing)?);
    }
    Ok(actions)
}
