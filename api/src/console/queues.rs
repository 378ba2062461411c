//! Queues: how each stands, why, and its pause.

use askama::Template;
use axum::{extract::OriginalUri, response::Response};

use super::{
    actions::{self, Asks, Of},
    door::{List, Refused},
    overview::Queue,
    page::{self, Page},
    session::Session,
    when::When,
};

#[derive(Template)]
#[template(path = "queues.html")]
struct Queues<'a> {
    queues: &'a [Queue],
    session: &'a Session,
}

impl Queues<'_> {
    fn when(&self, at: &chrono::DateTime<chrono::Utc>) -> When {
        When::new(*at, self.session.now)
    }
}

/// The thing that a page's `of` names.
pub(super) fn chosen(asked: Option<&str>) -> Option<String> {
    let mut parts = form_urlencoded::parse(asked.unwrap_or_default().as_bytes());
    parts.find(|(name, _)| name == "of").map(|(_, of)| of.into_owned())
}

/// `GET /console/queues`.
pub(crate) async fn queues(
    session: Session,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Refused> {
    let queues: List<Queue> = session.visit.get("/v1/admin/queues").await?;
    let live = page::text(&Queues { queues: &queues.items, session: &session })?;
    let chosen = chosen(uri.query());
    let chosen = queues.items.iter().find(|queue| Some(&queue.name) == chosen.as_ref());
    let rest = chosen.map(|queue| actions_of(&session, queue)).transpose()?;
    Ok(session.page(&Page {
        title: "Queues".to_owned(),
        section: "/console/queues",
        head: String::new(),
        live,
        rest: rest.unwrap_or_default(),
    }))
}

fn actions_of(session: &Session, queue: &Queue) -> Result<String, Refused> {
    let of = Of { session, id: &queue.name, back: "/console/queues" };
    let action = if queue.pause.is_some() {
        of.action("queue.resume", "Resume", "Its jobs are begun again.", Asks::Nothing)?
    } else {
        let about = "None of its jobs is begun; those that run go on. Everybody who asks why a job does not run is told your reason.";
        of.action("queue.pause", "Pause", about, Asks::PauseTime)?
    };
    actions::text(&format!("Queue {}", queue.name), &[action])
}
