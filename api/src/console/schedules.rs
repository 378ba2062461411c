//! Schedules: in words, with their next times.

use askama::Template;
use axum::{extract::OriginalUri, response::Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    actions::{self, Asks, Clock, Of},
    door::{List, Refused, query},
    page::{self, Page},
    queues::chosen,
    session::Session,
    when::When,
};
use crate::clock_words;

/// As the API tells it.
#[derive(Debug, Deserialize)]
struct Schedule {
    name: String,
    cron: String,
    timezone: String,
    kind: String,
    missed: String,
    next: Vec<DateTime<Utc>>,
    last_at: Option<DateTime<Utc>>,
    last_job: Option<String>,
    last_state: Option<String>,
    paused: Option<Order>,
    changed: Option<Order>,
    fault: Option<String>,
    declared: bool,
    backfill: Option<Backfill>,
}

#[derive(Debug, Deserialize)]
struct Order {
    by: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct Backfill {
    made: u32,
    next: DateTime<Utc>,
}

impl Schedule {
    fn words(&self) -> String {
        clock_words::of_cron(&self.cron)
    }

    fn address(&self) -> String {
        format!("/console/schedules?{}", query(&[("of", &self.name)]))
    }
}

#[derive(Template)]
#[template(path = "schedules.html")]
struct Schedules<'a> {
    schedules: &'a [Schedule],
    session: &'a Session,
}

impl Schedules<'_> {
    fn when(&self, at: &DateTime<Utc>) -> When {
        When::new(*at, self.session.now)
    }
}

/// `GET /console/schedules`.
pub(crate) async fn schedules(
    session: Session,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Refused> {
    let chosen = chosen(uri.query());
    let tag = session.tag_of("/v1/admin/schedules/", chosen.as_deref()).await?;
    let found: List<Schedule> = session.visit.get("/v1/admin/schedules").await?;
    let live = page::text(&Schedules { schedules: &found.items, session: &session })?;
    let chosen = found.items.iter().find(|schedule| Some(&schedule.name) == chosen.as_ref());
    let rest = chosen.map(|schedule| actions_of(&session, schedule, &tag)).transpose()?;
    Ok(session.page(&Page {
        title: "Schedules".to_owned(),
        section: "/console/schedules",
        head: String::new(),
        live,
        rest: rest.unwrap_or_default(),
    }))
}

fn actions_of(session: &Session, schedule: &Schedule, tag: &str) -> Result<String, Refused> {
    let of = Of { session, id: &schedule.name, back: "/console/schedules", tag };
    let about = "A job now, which is no tick.";
    let run = of.action("schedule.run", "Run now", about, Asks::Nothing)?;
    let steer = if schedule.paused.is_some() {
        let about = "It makes ticks again; what fell into the pause is left out.";
        of.action("schedule.resume", "Resume", about, Asks::Nothing)?
    } else {
        let about =
            "It makes no ticks until somebody resumes it; deploys change nothing about that.";
        of.action("schedule.pause", "Pause", about, Asks::Nothing)?
    };
    let backfill = if schedule.backfill.is_some() {
        let about = "No more of it is made.";
        of.action("schedule.stop-backfill", "Stop the backfill", about, Asks::Nothing)?
    } else {
        let about = "Makes the ticks of a time that is past, one after the other. Those that had their job get no other.";
        of.action("schedule.backfill", "Backfill", about, Asks::Backfill)?
    };
    let clock = Clock {
        cron: schedule.cron.clone(),
        timezone: schedule.timezone.clone(),
        missed: schedule.missed.clone(),
    };
    let about =
        "When it comes, whatever this version's code says; deploys change nothing about that.";
    let change = of.action("schedule.change", "Change", about, Asks::Clock(Box::new(clock)))?;
    actions::text(&format!("Schedule {}", schedule.name), &[run, steer, change, backfill])
}
