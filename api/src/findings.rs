//! What is wrong in what the engine tells of itself, as the operators' API shows it. What the database, the providers and the
//! product add stands in `health/wrong.rs`, which makes the one list of all of it.

use chrono::DateTime;
use serde_json::Value;

/// A tick is up to half a second late by itself, and in a deploy or a failover some seconds more.
const LATE_SECS_MAX: u64 = 60;

/// What is looked at; null: it could not be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    /// As `GET /v1/admin/queues?kept=false` answers.
    pub(crate) queues: Value,
    /// As `GET /v1/admin/workers` answers.
    pub(crate) workers: Value,
    /// As `GET /v1/admin/schedules` answers.
    pub(crate) schedules: Value,
    /// As `GET /v1/admin/parked/counts` answers.
    pub(crate) parked: Value,
    /// As `GET /health` answers.
    pub(crate) health: Value,
}

/// One thing that somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// In a sentence.
    pub(crate) says: String,
    /// The command that shows more, where there is one.
    pub(crate) command: Option<String>,
    /// The console's page that shows more.
    pub(crate) page: String,
    /// Whether something does not work as it should. What somebody has stopped, or has to decide about, is no fault.
    pub(crate) is_fault: bool,
}

impl Finding {
    pub(crate) fn new(says: impl Into<String>, page: impl Into<String>) -> Finding {
        Finding { says: says.into(), command: None, page: page.into(), is_fault: false }
    }

    pub(crate) fn look(self, command: impl Into<String>) -> Finding {
        Finding { command: Some(command.into()), ..self }
    }

    pub(crate) fn fault(self) -> Finding {
        Finding { is_fault: true, ..self }
    }
}

/// What is wrong, the most pressing first. Of what could not be read, nothing is said.
pub(crate) fn of(look: &Look) -> Vec<Finding> {
    let mut found = health_of(&look.health);
    found.extend(workers_of(&look.workers));
    found.extend(items(&look.queues).filter_map(queue_of));
    found.extend(items(&look.schedules).flat_map(schedule_of));
    for count in look.parked["counts"].as_array().into_iter().flatten() {
        let (runs, cause) = (&count["runs"], word(&count["cause"]));
        let waiting = if *runs == 1 { "run waits" } else { "runs wait" };
        let says = format!("{runs} {waiting} for a person ({cause})");
        found.push(Finding::new(says, "/console/jobs?state=parked").look("trunkline parked list"));
    }
    found
}

fn health_of(health: &Value) -> Vec<Finding> {
    if health.is_null() || health["status"] == "healthy" {
        return Vec::new();
    }
    vec![Finding::new(format!("the API is {}", word(&health["status"])), "/console").fault()]
}

fn workers_of(workers: &Value) -> Vec<Finding> {
    let page = "/console/workers";
    let mut found = Vec::new();
    let takes = |worker: &Value| worker["live"] == true && worker["draining"] == false;
    if !workers.is_null() && !items(workers).any(takes) {
        let finding = Finding::new("no worker takes jobs", page);
        found.push(finding.look("trunkline fleet list").fault());
    }
    for worker in items(workers).filter(|worker| worker["live"] == true) {
        if let Some(reason) = worker["rest"]["reason"].as_str() {
            let says = format!("{} takes nothing new: {reason}", word(&worker["name"]));
            found.push(Finding::new(says, page));
        }
    }
    found
}

fn queue_of(queue: &Value) -> Option<Finding> {
    let (name, page) = (word(&queue["name"]), "/console/queues");
    // That work waits is what whoever has paused it wants: behind is only what should move.
    if let Some(reason) = queue["pause"]["reason"].as_str() {
        let since = minute(&queue["pause"]["since"]);
        return Some(Finding::new(format!("{name} is paused since {since}: {reason}"), page));
    }
    let (age, target) = (queue["next_age_ms"].as_u64()?, queue["latency_target_ms"].as_u64()?);
    let says = format!("{name} is behind: its next job waits for {age} ms, {target} are promised");
    (age > target).then(|| Finding::new(says, page).fault())
}

fn schedule_of(schedule: &Value) -> Vec<Finding> {
    let (name, page) = (word(&schedule["name"]), "/console/schedules");
    let mut found = Vec::new();
    if let Some(fault) = schedule["fault"].as_str() {
        found.push(Finding::new(format!("{name} could not be made: {fault}"), page).fault());
    }
    if let Some(late_secs) = late_secs(schedule) {
        let says = format!("{name} is late: nobody has made its tick for {late_secs} s");
        found.push(Finding::new(says, page).fault());
    }
    if let Some(reason) = schedule["paused"]["reason"].as_str() {
        found.push(Finding::new(format!("{name} makes no ticks: {reason}"), page));
    }
    if schedule["last_state"] == "failed" {
        let job = word(&schedule["last_job"]);
        let finding =
            Finding::new(format!("{name} failed the last time"), format!("/console/jobs/{job}"));
        found.push(finding.look(format!("trunkline job show {job}")));
    }
    found
}

/// For how long nobody has made a tick of it, where that is too long. One that no code names any more makes none, and is well.
pub(crate) fn late_secs(schedule: &Value) -> Option<u64> {
    let late = schedule["late_secs"].as_u64().filter(|late| *late > LATE_SECS_MAX);
    late.filter(|_| schedule["declared"] == true)
}

fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["items"].as_array().into_iter().flatten()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("unknown")
}

/// An instant as people write it down: what is wrong is not wrong to the microsecond.
fn minute(value: &Value) -> String {
    match DateTime::parse_from_rfc3339(word(value)) {
        Ok(at) => at.to_utc().format("%F %H:%M UTC").to_string(),
        Err(_) => word(value).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_is_said_and_nothing_else() {
        let worker = json!({ "name": "default:1", "live": true, "draining": false, "rest": null });
        let queue =
            json!({ "name": "sms", "pause": null, "next_age_ms": 10, "latency_target_ms": 500 });
        let schedule =
            json!({ "name": "nightly", "fault": null, "paused": null, "last_state": "succeeded" });
        let fine = |worker: &Value, queue: &Value| {
            let list = |item: &Value| json!({ "items": [item] });
            Look {
                queues: list(queue),
                workers: list(worker),
                schedules: list(&schedule),
                parked: json!({ "counts": [] }),
                health: json!({ "status": "healthy" }),
            }
        };
        assert_eq!(of(&fine(&worker, &queue)), []);
        let late =
            json!({ "name": "sms", "pause": null, "next_age_ms": 900, "latency_target_ms": 500 });
        let rests = json!({ "name": "default:1", "live": true, "draining": true, "rest": { "reason": "a new kernel" } });
        let said = of(&fine(&rests, &late));
        assert_eq!(said.len(), 3, "{said:?}");
        assert_eq!(said.iter().map(|it| it.is_fault).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(said[0].says, "no worker takes jobs");
        assert_eq!(said[0].command.as_deref(), Some("trunkline fleet list"));
        assert!(said[2].says.contains("900 ms"), "{said:?}");
        let pause =
            json!({ "since": "2026-11-22T04:30:26.811514Z", "reason": "the carrier is down" });
        let rests =
            json!({ "name": "sms", "pause": pause, "next_age_ms": 900, "latency_target_ms": 500 });
        let said = of(&fine(&worker, &rests));
        assert_eq!(said[0].says, "sms is paused since 2026-11-22 04:30 UTC: the carrier is down");
        assert!(said.len() == 1 && !said[0].is_fault, "{said:?}");
    }

    #[test]
    fn of_what_could_not_be_read_nothing_is_said() {
        assert_eq!(of(&Look::default()), []);
    }

    #[test]
    fn a_tick_that_nobody_makes_is_late_unless_nobody_has_to_make_it() {
        let late = |secs: u64, declared: bool| {
            let schedule = json!({ "name": "nightly", "late_secs": secs, "declared": declared });
            let look = Look { schedules: json!({ "items": [schedule] }), ..Look::default() };
            of(&look).into_iter().map(|it| (it.says, it.is_fault)).next()
        };
        let says = "nightly is late: nobody has made its tick for 61 s".to_owned();
        assert_eq!(late(61, true), Some((says, true)));
        assert_eq!(late(60, true), None);
        assert_eq!(late(86_400, false), None);
    }
}
