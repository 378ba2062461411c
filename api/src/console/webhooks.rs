//! What providers posted, what became of it, and applying it again.

use askama::Template;
use axum::{
    extract::{OriginalUri, Path},
    response::Response,
};
use chrono::{DateTime, Utc};
use engine::State;
use serde::Deserialize;
use serde_json::Value;

use super::{
    actions::{self, Asks, Of},
    door::{List, Refused, query, segment},
    page::{self, Page},
    session::Session,
    tree::{self, Line},
    when::When,
};

const LIMIT: &str = "50";

/// As the API tells it.
#[derive(Debug, Deserialize)]
struct Webhook {
    id: String,
    provider: String,
    event: Option<Value>,
    key: String,
    object: String,
    received_at: DateTime<Utc>,
    deliveries: u32,
    payload: Value,
    job: Option<String>,
    state: Option<State>,
}

impl Webhook {
    fn event(&self) -> &str {
        self.event.as_ref().and_then(Value::as_str).unwrap_or_default()
    }

    fn state(&self) -> &'static str {
        self.state.map_or("over", State::as_str)
    }
}

/// What is looked for.
#[derive(Debug, Default)]
struct Wanted {
    provider: String,
    object: String,
    state: String,
    cursor: String,
}

impl Wanted {
    fn of(asked: Option<&str>) -> Wanted {
        let mut wanted = Wanted::default();
        for (name, value) in form_urlencoded::parse(asked.unwrap_or_default().as_bytes()) {
            match &*name {
                "provider" => value.trim().clone_into(&mut wanted.provider),
                "object" => value.trim().clone_into(&mut wanted.object),
                "state" => value.trim().clone_into(&mut wanted.state),
                "cursor" => value.trim().clone_into(&mut wanted.cursor),
                _ => {}
            }
        }
        wanted
    }

    fn text(&self, cursor: &str, limit: &str) -> String {
        query(&[
            ("provider", &self.provider),
            ("object", &self.object),
            ("state", &self.state),
            ("cursor", cursor),
            ("limit", limit),
        ])
    }
}

#[derive(Template)]
#[template(path = "webhooks_filter.html")]
struct Filter<'a> {
    wanted: &'a Wanted,
    providers: [&'static str; 2],
    states: [State; 8],
}

#[derive(Template)]
#[template(path = "webhooks.html")]
struct Shown<'a> {
    webhooks: &'a [Webhook],
    session: &'a Session,
    next: Option<String>,
}

impl Shown<'_> {
    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.session.now)
    }
}

/// `GET /console/webhooks`.
pub(crate) async fn webhooks(
    session: Session,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Refused> {
    let wanted = Wanted::of(uri.query());
    let path = format!("/v1/admin/webhooks?{}", wanted.text(&wanted.cursor, LIMIT));
    let found: List<Webhook> = session.visit.get(&path).await?;
    let next = found.next_cursor.as_deref();
    let next = next.map(|cursor| format!("/console/webhooks?{}", wanted.text(cursor, "")));
    let live = Shown { webhooks: &found.items, session: &session, next };
    let filter = Filter { wanted: &wanted, providers: ["twilio", "stripe"], states: State::ALL };
    Ok(session.page(&Page {
        title: "Webhooks".to_owned(),
        section: "/console/webhooks",
        head: page::text(&filter)?,
        live: page::text(&live)?,
        rest: String::new(),
    }))
}

#[derive(Template)]
#[template(path = "webhook.html")]
struct One<'a> {
    webhook: &'a Webhook,
    received: When,
    payload: Vec<Line>,
}

/// `GET /console/webhooks/{id}`.
pub(crate) async fn webhook(session: Session, Path(id): Path<String>) -> Result<Response, Refused> {
    let path = format!("/v1/admin/webhooks/{}", segment(&id));
    let found: Webhook = session.visit.get(&path).await?;
    let received = When::new(found.received_at, session.now);
    let live = One { webhook: &found, received, payload: tree::lines(&found.payload) };
    let back = format!("/console/webhooks/{}", found.id);
    let of = Of { session: &session, id: &found.id, back: &back, tag: "" };
    let about = "Applied again by a new job of what was kept; while the last one is not over, it is refused.";
    let replay = of.action("webhook.replay", "Replay", about, Asks::Nothing)?;
    Ok(session.page(&Page {
        title: format!("Webhook of {}", found.provider),
        section: "/console/webhooks",
        head: String::new(),
        live: page::text(&live)?,
        rest: actions::text("What can be done", &[replay])?,
    }))
}
