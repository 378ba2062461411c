//! The first page: how each queue stands against its promise, and what is wrong now.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::Response;
use chrono::{SecondsFormat, TimeDelta};
use serde::Deserialize;

use super::{
    door::{List, Refused, query},
    jobs::Job,
    page::{self, Page},
    session::Session,
    when::length_ms,
};

/// Failures that are counted and shown; beyond that it is "at least so many".
const FAILED_MAX: usize = 100;

/// As many of them as fit under the tiles.
const FAILED_SHOWN: usize = 10;

/// As the API shows a queue.
#[derive(Debug, Deserialize)]
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) pause: Option<Pause>,
    pub(super) at_once_max: Option<u32>,
    pub(super) fair: bool,
    pub(super) latency_target_ms: Option<u64>,
    pub(super) next_age_ms: u64,
    pub(super) running: u32,
    pub(super) jobs: BTreeMap<String, u32>,
    /// Not always asked for.
    #[serde(default)]
    pub(super) kept: BTreeMap<String, u32>,
}

/// Why nothing of it is begun.
#[derive(Debug, Deserialize)]
pub(super) struct Pause {
    pub(super) reason: String,
    pub(super) since: chrono::DateTime<chrono::Utc>,
    pub(super) until: Option<chrono::DateTime<chrono::Utc>>,
}

impl Queue {
    pub(super) fn jobs_of(&self, reason: &str) -> u32 {
        self.jobs.get(reason).copied().unwrap_or(0)
    }

    /// Jobs that could run now, if somebody took them.
    pub(super) fn ready(&self) -> u32 {
        self.jobs_of("ready") + self.jobs_of("queue_paused")
    }

    /// Held back by limits, rates and breakers.
    pub(super) fn gated(&self) -> u32 {
        self.jobs_of("gates")
    }

    pub(super) fn later(&self) -> u32 {
        self.jobs_of("time")
    }

    pub(super) fn parked(&self) -> u32 {
        self.jobs_of("parked")
    }

    pub(super) fn is_behind(&self) -> bool {
        self.latency_target_ms.is_some_and(|target| self.next_age_ms > target)
    }

    /// In one word, which a colour goes with.
    pub(super) fn word(&self) -> &'static str {
        match (self.pause.is_some(), self.is_behind(), self.running + self.ready()) {
            (true, ..) => "paused",
            (false, true, _) => "behind",
            (false, false, 0) => "idle",
            (false, false, _) => "on time",
        }
    }

    /// The same as a name for the stylesheet.
    pub(super) fn class(&self) -> String {
        self.word().replace(' ', "-")
    }

    pub(super) fn age(&self) -> String {
        length_ms(self.next_age_ms)
    }

    pub(super) fn target(&self) -> String {
        self.latency_target_ms.map_or_else(|| "no target".to_owned(), length_ms)
    }

    /// The page on which something can be done to it.
    pub(super) fn address(&self) -> String {
        format!("/console/queues?{}", query(&[("of", &self.name)]))
    }

    /// How much of the target the oldest job has waited, in hundredths, as long as the bar: how it stands now, and not how fast
    /// an objective's budget is spent, which needs a past (`ops/slo.md`).
    pub(super) fn waited_percent(&self) -> u64 {
        let target = self.latency_target_ms.unwrap_or(0).max(1);
        (self.next_age_ms.saturating_mul(100) / target).min(100)
    }
}

/// How everything is, as far as this page shows it.
#[derive(Debug, Deserialize)]
struct Health {
    findings: Vec<Finding>,
    queues: Queues,
    workers: Workers,
}

/// What somebody should look at, in the doctor's words.
#[derive(Debug, Deserialize)]
struct Finding {
    says: String,
    page: String,
}

/// All of them; none if they could not be read, which is a finding.
#[derive(Debug, Deserialize)]
struct Queues {
    #[serde(default = "Vec::new")]
    items: Vec<Queue>,
}

/// The same of workers, by pool.
#[derive(Debug, Deserialize)]
struct Workers {
    #[serde(default)]
    live: u64,
    #[serde(default)]
    pools: BTreeMap<String, Pool>,
}

#[derive(Debug, Deserialize)]
struct Pool {
    running: u64,
}

/// A queue with how many of its jobs failed lately.
struct Tile {
    queue: Queue,
    failed: String,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview<'a> {
    findings: &'a [Finding],
    tiles: &'a [Tile],
    failed: &'a [Job],
    failed_count: String,
    workers: String,
}

/// `GET /console`.
pub(crate) async fn overview(session: Session) -> Result<Response, Refused> {
    let health: Health = session.visit.health().await?;
    let since = (session.now - TimeDelta::hours(1)).to_rfc3339_opts(SecondsFormat::Secs, true);
    let path = format!("/v1/admin/jobs?state=failed&since={since}&limit={FAILED_MAX}");
    let failed: List<Job> = session.visit.get(&path).await?;
    let is_more = failed.next_cursor.is_some();
    let failed: Vec<Job> = failed.items.into_iter().map(|job| job.at(session.now)).collect();
    let count = |queue: Option<&str>| {
        let of_queue = |job: &&Job| queue.is_none_or(|name| job.queue == name);
        let count = failed.iter().filter(of_queue).count();
        if is_more && count > 0 { format!("{count}+") } else { count.to_string() }
    };
    let tiles: Vec<Tile> = health
        .queues
        .items
        .into_iter()
        .map(|queue| Tile { failed: count(Some(&queue.name)), queue })
        .collect();
    let live = Overview {
        findings: &health.findings,
        tiles: &tiles,
        failed: &failed[..failed.len().min(FAILED_SHOWN)],
        failed_count: count(None),
        workers: workers(&health.workers),
    };
    Ok(session.page(&Page {
        title: "Overview".to_owned(),
        section: "/console",
        head: String::new(),
        live: page::text(&live)?,
        rest: String::new(),
    }))
}

/// How many there are, in a line.
fn workers(workers: &Workers) -> String {
    let running: u64 = workers.pools.values().map(|pool| pool.running).sum();
    format!("{} live, {running} jobs in hand", workers.live)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn queue(age: u64, target: Option<u64>, ready: u32, paused: bool) -> Queue {
        let pause = paused
            .then(|| json!({ "reason": "x", "since": "2026-01-31T09:00:00Z", "until": null }));
        serde_json::from_value(json!({ "name": "sms", "pause": pause, "at_once_max": null,
            "fair": false, "latency_target_ms": target, "next_age_ms": age, "running": 0,
            "jobs": { "ready": ready }, "kept": {} }))
        .unwrap()
    }

    #[test]
    fn a_queue_is_judged_by_its_promise() {
        assert_eq!(queue(900, Some(500), 3, false).word(), "behind");
        assert_eq!(queue(900, None, 3, false).word(), "on time");
        assert_eq!(queue(0, Some(500), 0, false).word(), "idle");
        assert_eq!(queue(900, Some(500), 3, true).word(), "paused");
        assert_eq!(queue(250, Some(500), 3, false).waited_percent(), 50);
        assert_eq!(queue(u64::MAX, Some(500), 3, false).waited_percent(), 100);
        assert_eq!(queue(1, Some(500), 3, false).class(), "on-time");
    }
}
