//! Switches for the whole product: how each stands, who put it there and why, and turning it on and off.

use askama::Template;
use axum::{extract::OriginalUri, response::Response};
use chrono::{DateTime, Utc};
use domain::switches::Switch;
use serde::Deserialize;

use super::{
    actions::{self, Asks, Of},
    door::{Refused, query, read},
    page::{self, Page},
    queues::chosen,
    session::Session,
    when::When,
};

const API: &str = "/api/admin/maintenance";

/// As the API tells it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Position {
    mode: String,
    enabled: bool,
    reason: Option<String>,
    set_by: Option<String>,
    set_at: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
struct All {
    switches: Vec<Position>,
}

impl Position {
    fn about(&self) -> &'static str {
        self.mode.parse().map_or("", about)
    }

    fn address(&self) -> String {
        format!("/console/switches?{}", query(&[("of", &self.mode)]))
    }
}

/// What it does while it is on.
fn about(switch: Switch) -> &'static str {
    match switch {
        Switch::DemoDisabled => "Nobody can sign up for a demo. Those that run go on.",
        Switch::SmsBypass => "No text is handed to the provider.",
        Switch::VoiceCodes => "Codes are spoken on the phone instead of sent by text.",
        Switch::CallsDisabled => "No call is answered. Those that are being spoken go on.",
    }
}

#[derive(Template)]
#[template(path = "switches.html")]
struct Shown<'a> {
    switches: &'a [Position],
    session: &'a Session,
}

impl Shown<'_> {
    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.session.now)
    }
}

/// `GET /console/switches`.
pub(crate) async fn switches(
    session: Session,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Refused> {
    let chosen = chosen(uri.query());
    let (whole, tag) = session.visit.get_tagged(API).await?;
    let all: All = read(whole)?;
    let live = page::text(&Shown { switches: &all.switches, session: &session })?;
    let chosen = all.switches.iter().find(|it| Some(&it.mode) == chosen.as_ref());
    let rest = chosen.map(|position| actions_of(&session, position, &tag)).transpose()?;
    Ok(session.page(&Page {
        title: "Switches".to_owned(),
        section: "/console/switches",
        head: String::new(),
        live,
        rest: rest.unwrap_or_default(),
    }))
}

fn actions_of(session: &Session, position: &Position, tag: &str) -> Result<String, Refused> {
    let of = Of { session, id: &position.mode, back: "/console/switches", tag };
    let on = Asks::SwitchOn(position.mode.clone());
    let actions = if position.enabled {
        let off = Asks::SwitchOff(position.mode.clone());
        let about = "Things are as they should be again, in every process at once.";
        let again =
            "It stays on; everybody is told the new reason, and it goes off at the new end.";
        vec![
            of.action("switch.off", "Turn off", about, off)?,
            of.action("switch.on", "Give it another reason or end", again, on)?,
        ]
    } else {
        vec![of.action("switch.on", "Turn on", position.about(), on)?]
    };
    actions::text(&format!("Switch {}", position.mode), &actions)
}
