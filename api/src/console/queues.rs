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
    let chosen = chosen(uri.query());
    // What keeps them costs some questions for each lane: it is asked for where somebody looks at one of them.
    let tag = session.tag_of("/v1/admin/queues/", chosen.as_deref()).await?;
    let path = format!("/v1/admin/queues?kept={}", chosen.is_some());
    let queues: List<Queue> = session.visit.get(&path).await?;
    let live = page::text(&Queues { queues: &queues.items, session: &session })?;
    let chosen = queues.items.iter().find(|queue| Some(&queue.name) == chosen.as_ref());
    let rest = chosen.map(|queue| actions_of(&session, queue, &tag)).transpose()?;
    Ok(session.page(&Page {
        title: "Queues".to_owned(),
        section: "/console/queues",
        head: String::new(),
        live,
        rest: rest.unwrap_or_default(),
    }))
}

fn actions_of(session: &Session, queue: &Queue, tag: &str) -> Result<String, Refused> {
    let of = Of { session, id: &queue.name, back: "/console/queues", tag };
    let pause = if queue.pause.is_some() {
        of.action("queue.resume", "Resume", "Its jobs are begun again.", Asks::Nothing)?
    } else {
        let about = "None of its jobs is begun; those that run go on. Everybody who asks why a job does not run is told your reason.";
        of.action("queue.pause", "Pause", about, Asks::PauseTime)?
    };
    let about = "What runs already is not stopped.";
    let limit = of.action("queue.limit", "Set limit", about, Asks::AtOnce(queue.at_once_max))?;
    let about = "Of jobs that may run. Whoever is on call is told when a queue does not keep it.";
    let target = Asks::Target(queue.latency_target_ms);
    let promise = of.action("queue.promise", "Set target", about, target)?;
    let about = "One tenant's thousand jobs then do not hold up another's one.";
    let share = of.action("queue.share", "Set turns", about, Asks::Fair(queue.fair))?;
    actions::text(&format!("Queue {}", queue.name), &[pause, limit, promise, share])
}
