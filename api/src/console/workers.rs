//! Workers: who is there, what each has in hand, and who is to take nothing new.

use askama::Template;
use axum::{extract::OriginalUri, response::Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    actions::{self, Asks, Of},
    door::{List, Refused},
    page::{self, Page},
    queues::chosen,
    session::Session,
    when::When,
};

/// As the API tells it.
#[derive(Debug, Deserialize)]
struct Worker {
    id: i32,
    name: String,
    pool: String,
    version: String,
    started_at: DateTime<Utc>,
    heartbeat_at: DateTime<Utc>,
    live: bool,
    draining: bool,
    rest: Option<Rest>,
    running: u32,
    queues: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Rest {
    reason: String,
}

impl Worker {
    fn word(&self) -> &'static str {
        match (self.live, self.draining) {
            (false, _) => "gone",
            (true, true) => "draining",
            (true, false) => "live",
        }
    }

    fn queues(&self) -> String {
        self.queues.join(", ")
    }
}

#[derive(Template)]
#[template(path = "workers.html")]
struct Workers<'a> {
    workers: &'a [Worker],
    session: &'a Session,
}

impl Workers<'_> {
    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.session.now)
    }
}

/// `GET /console/workers`.
pub(crate) async fn workers(
    session: Session,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Refused> {
    let chosen = chosen(uri.query());
    let tag = session.tag_of("/v1/admin/workers/", chosen.as_deref()).await?;
    let found: List<Worker> = session.visit.get("/v1/admin/workers").await?;
    let live = page::text(&Workers { workers: &found.items, session: &session })?;
    let chosen = found.items.iter().find(|it| Some(it.id.to_string()) == chosen);
    let rest = chosen.map(|worker| actions_of(&session, worker, &tag)).transpose()?;
    Ok(session.page(&Page {
        title: "Workers".to_owned(),
        section: "/console/workers",
        head: String::new(),
        live,
        rest: rest.unwrap_or_default(),
    }))
}

fn actions_of(session: &Session, worker: &Worker, tag: &str) -> Result<String, Refused> {
    let id = worker.id.to_string();
    let of = Of { session, id: &id, back: "/console/workers", tag };
    let action = if worker.rest.is_some() {
        of.action("worker.resume", "Resume", "It takes jobs again.", Asks::Nothing)?
    } else {
        let about = "It takes nothing new, and brings to its end what it has.";
        of.action("worker.drain", "Drain", about, Asks::Nothing)?
    };
    actions::text(&format!("Worker {}", worker.name), &[action])
}
