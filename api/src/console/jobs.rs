//! Jobs: the filter stands in the address, so that a view can be kept and sent to somebody.

use askama::Template;
use axum::{extract::OriginalUri, response::Response};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use engine::State;
use serde::Deserialize;

use super::{
    door::{List, Refused, query},
    page::{self, Page},
    session::Session,
    when::{When, length},
};

/// A screen and a half.
const LIMIT: &str = "50";

/// How far back, as the filter offers it.
const SINCE: [(&str, &str); 5] = [
    ("", "any time"),
    ("15m", "15 minutes"),
    ("1h", "1 hour"),
    ("24h", "24 hours"),
    ("7d", "7 days"),
];

/// A job of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Job {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) queue: String,
    pub(super) state: State,
    pub(super) compensating: bool,
    pub(super) attempt: i16,
    pub(super) created_at: DateTime<Utc>,
    pub(super) finished_at: Option<DateTime<Utc>>,
    pub(super) error: Option<String>,
    #[serde(skip)]
    now: Option<DateTime<Utc>>,
}

impl Job {
    /// As it looks at this instant.
    pub(super) fn at(mut self, now: DateTime<Utc>) -> Job {
        self.seen(now);
        self
    }

    pub(super) fn seen(&mut self, now: DateTime<Utc>) {
        self.now = Some(now);
    }

    fn now(&self) -> DateTime<Utc> {
        self.now.unwrap_or(self.created_at)
    }

    pub(super) fn made(&self) -> When {
        When::new(self.created_at, self.now())
    }

    /// From its making to its end, or till now.
    pub(super) fn took(&self) -> String {
        length(self.finished_at.unwrap_or(self.now()) - self.created_at)
    }

    /// The part that differs between jobs of one minute.
    pub(super) fn short(&self) -> &str {
        self.id.rsplit('-').next().unwrap_or_default()
    }

    /// A line of what went wrong.
    pub(super) fn why(&self) -> String {
        self.error.as_deref().unwrap_or_default().chars().take(160).collect()
    }
}

/// What is looked for.
#[derive(Debug, Default, Clone)]
struct Wanted {
    kind: String,
    queue: String,
    state: String,
    tenant: String,
    since: String,
    error: String,
    cursor: String,
}

impl Wanted {
    fn of(asked: &str) -> Wanted {
        let mut wanted = Wanted::default();
        for (name, value) in form_urlencoded::parse(asked.as_bytes()) {
            let field = match &*name {
                "kind" => &mut wanted.kind,
                "queue" => &mut wanted.queue,
                "state" => &mut wanted.state,
                "tenant" => &mut wanted.tenant,
                "since" => &mut wanted.since,
                "error" => &mut wanted.error,
                "cursor" => &mut wanted.cursor,
                _ => continue,
            };
            value.trim().clone_into(field);
        }
        wanted
    }

    fn query(&self, cursor: &str) -> Vec<(&'static str, String)> {
        let Wanted { kind, queue, state, tenant, since, error, .. } = self;
        let mut parts = vec![("kind", kind), ("queue", queue), ("state", state)];
        parts.extend([("tenant", tenant), ("since", since), ("error", error)]);
        let mut parts: Vec<_> = parts.into_iter().map(|(name, it)| (name, it.clone())).collect();
        parts.push(("cursor", cursor.to_owned()));
        parts
    }

    fn text(&self, cursor: &str, limit: &str) -> String {
        let parts = self.query(cursor);
        let mut parts: Vec<_> = parts.iter().map(|(name, it)| (*name, it.as_str())).collect();
        parts.push(("limit", limit));
        query(&parts)
    }
}

#[derive(Template)]
#[template(path = "jobs_filter.html")]
struct Filter<'a> {
    wanted: &'a Wanted,
    states: [State; 8],
    since: &'a [(&'static str, &'static str)],
}

#[derive(Template)]
#[template(path = "jobs.html")]
struct Shown<'a> {
    jobs: &'a [Job],
    is_first: bool,
    first: String,
    next: Option<String>,
    /// A form that is about all that fit.
    all: Option<String>,
}

/// The instant that the filter's words mean: the page knows what time it is, and the API need not ask.
fn since(word: &str, now: DateTime<Utc>) -> String {
    let ago = match word {
        "15m" => TimeDelta::minutes(15),
        "1h" => TimeDelta::hours(1),
        "24h" => TimeDelta::hours(24),
        "7d" => TimeDelta::days(7),
        other => return other.to_owned(),
    };
    (now - ago).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The form that is about all jobs that fit, with what is usually wanted for their state.
fn all(wanted: &Wanted) -> Option<String> {
    let deed = match wanted.state.parse().ok()? {
        State::Failed | State::Cancelled | State::Parked => "retry",
        State::Scheduled => "run_now",
        State::Ready | State::Running | State::Waiting => "cancel",
        State::Succeeded => return None,
    };
    let filter = wanted.text("", "");
    Some(format!("/console/operations?{}&{filter}#actions", query(&[("deed", deed)])))
}

/// `GET /console/jobs`.
pub(crate) async fn jobs(
    session: Session,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, Refused> {
    let wanted = Wanted::of(uri.query().unwrap_or_default());
    let asked = Wanted { since: since(&wanted.since, session.now), ..wanted.clone() };
    let path = format!("/v1/admin/jobs?{}", asked.text(&wanted.cursor, LIMIT));
    let found: List<Job> = session.visit.get(&path).await?;
    let here = |cursor: &str| format!("/console/jobs?{}", wanted.text(cursor, ""));
    let jobs: Vec<Job> = found.items.into_iter().map(|job| job.at(session.now)).collect();
    let live = Shown {
        jobs: &jobs,
        is_first: wanted.cursor.is_empty(),
        first: here(""),
        next: found.next_cursor.as_deref().map(here),
        all: all(&wanted),
    };
    let filter = Filter { wanted: &wanted, states: State::ALL, since: &SINCE };
    let (title, section) = if wanted.kind == "voice_session" && wanted.state == "running" {
        ("Calls", "/console/jobs?kind=voice_session&state=running")
    } else {
        ("Jobs", "/console/jobs")
    };
    Ok(session.page(&Page {
        title: title.to_owned(),
        section,
        head: page::text(&filter)?,
        live: page::text(&live)?,
        rest: String::new(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_from_the_address_and_written_back() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(8);
        assert_eq!(since("7d", now), "1970-01-02T00:00:00Z");
        assert_eq!(since("3h", now), "3h");
        let wanted = Wanted::of("kind=send_sms&state=failed&cursor=j1x&done=job.retry&x=1");
        assert_eq!(wanted.text("", ""), "kind=send_sms&state=failed");
        assert_eq!(wanted.text("j1y", "50"), "kind=send_sms&state=failed&cursor=j1y&limit=50");
    }
}
