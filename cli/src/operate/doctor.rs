//! `trunkline doctor`: what is wrong now, asked of the API in a handful of questions.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{
    client::{Client, Told},
    show,
};
use crate::{args::DoctorArgs, runtime};

/// What is asked.
const QUESTIONS: [&str; 5] = [
    "/v1/admin/queues",
    "/v1/admin/workers",
    "/v1/admin/schedules",
    "/v1/admin/parked/counts",
    "/health",
];

/// Prints what is wrong. The exit code says whether anything is.
pub(crate) fn run(options: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let client = Client::at(options.url.as_deref())?;
    let answers = runtime()?.block_on(async {
        let mut answers = Vec::new();
        for question in QUESTIONS {
            answers.push(client.get(question, &[]).await?);
        }
        anyhow::Ok(answers)
    })?;
    if let Some(told) = answers.iter().find_map(|answer| answer.as_ref().err()) {
        return Ok(told.exit_code());
    }
    let answers: Vec<Value> = answers.into_iter().filter_map(Result::ok).collect();
    let wrong = findings(&answers);
    if options.json {
        show::json(&json!({ "healthy": wrong.is_empty(), "findings": wrong }))?;
    } else if wrong.is_empty() {
        eprintln!("Nothing is wrong that can be seen from here.");
    } else {
        for line in &wrong {
            eprintln!("- {line}");
        }
    }
    Ok(if wrong.is_empty() { Told::Done } else { Told::Failed }.exit_code())
}

/// What the answers say that somebody should look at, the most pressing first.
fn findings(answers: &[Value]) -> Vec<String> {
    let [queues, workers, schedules, parked, health] = answers else { return Vec::new() };
    let mut found = health_of(health);
    found.extend(workers_of(workers));
    found.extend(items(queues).flat_map(queue_of));
    found.extend(items(schedules).flat_map(schedule_of));
    for count in parked["counts"].as_array().into_iter().flatten() {
        let (runs, cause) = (&count["runs"], word(&count["cause"]));
        found.push(format!("{runs} runs wait for a person ({cause}): trunkline parked list"));
    }
    found
}

fn health_of(health: &Value) -> Vec<String> {
    if health["status"] == "healthy" {
        Vec::new()
    } else {
        vec![format!("the API is {}", word(&health["status"]))]
    }
}

fn workers_of(workers: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if !items(workers).any(|worker| worker["live"] == true && worker["draining"] == false) {
        found.push("no worker takes jobs: trunkline fleet list".to_owned());
    }
    for worker in items(workers).filter(|worker| worker["live"] == true) {
        if let Some(reason) = worker["rest"]["reason"].as_str() {
            found.push(format!("{} takes nothing new: {reason}", word(&worker["name"])));
        }
    }
    found
}

fn queue_of(queue: &Value) -> Vec<String> {
    let name = word(&queue["name"]);
    let mut found = Vec::new();
    if let Some(reason) = queue["pause"]["reason"].as_str() {
        found.push(format!("{name} is paused since {}: {reason}", word(&queue["pause"]["since"])));
    }
    let (age, target) = (queue["next_age_ms"].as_u64(), queue["latency_target_ms"].as_u64());
    if let (Some(age), Some(target)) = (age, target)
        && age > target
    {
        found.push(format!(
            "{name} is behind: its next job waits for {age} ms, {target} are promised"
        ));
    }
    found
}

fn schedule_of(schedule: &Value) -> Vec<String> {
    let name = word(&schedule["name"]);
    let mut found = Vec::new();
    if let Some(fault) = schedule["fault"].as_str() {
        found.push(format!("{name} could not be made: {fault}"));
    }
    if let Some(reason) = schedule["paused"]["reason"].as_str() {
        found.push(format!("{name} makes no ticks: {reason}"));
    }
    if schedule["last_state"] == "failed" {
        found.push(format!(
            "{name} failed the last time: trunkline job show {}",
            word(&schedule["last_job"])
        ));
    }
    found
}

fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["items"].as_array().into_iter().flatten()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
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
            let health = json!({ "status": "healthy" });
            [list(queue), list(worker), list(&schedule), json!({ "counts": [] }), health]
        };
        assert_eq!(findings(&fine(&worker, &queue)), [""; 0]);
        let late =
            json!({ "name": "sms", "pause": null, "next_age_ms": 900, "latency_target_ms": 500 });
        let rests = json!({ "name": "default:1", "live": true, "draining": true, "rest": { "reason": "a new kernel" } });
        let said = findings(&fine(&rests, &late));
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].starts_with("no worker takes jobs"), "{said:?}");
        assert!(said[2].contains("900 ms"), "{said:?}");
    }
}
