//! `trunkline health show`, for people: what is wrong, then how each part is, then the queues.

use serde_json::Value;

use crate::columns;

/// Where it is asked for.
pub(super) const PATH: &str = "/health/detailed";

/// Of a queue, as far as it fits a line.
const QUEUE: [&str; 7] = [
    "name",
    "jobs.ready",
    "running",
    "jobs.parked",
    "next_age_ms",
    "latency_target_ms",
    "pause.reason",
];

/// What is said of a part.
type Says = fn(&Value) -> String;

/// The parts, and what is said of each.
const PARTS: [(&str, Says); 10] = [
    ("database", database),
    ("workers", workers),
    ("schedules", schedules),
    ("dead_letters", |it| format!("{}, {} of 24 hours", it["jobs"], it["of_24_hours"])),
    ("parked", |it| format!("{}{}", it["runs"], named(&it["by_cause"]))),
    ("providers", providers),
    ("numbers", members),
    ("demos", members),
    ("switches", switches),
    ("audit", audit),
];

/// The whole answer.
pub(super) fn text(answer: &Value) -> String {
    let process = &answer["process"];
    let revision = process["revision"].as_str().map(|it| format!(" ({it})")).unwrap_or_default();
    let head = format!(
        "{}: version {}{revision}, up for {} s\n",
        word(&answer["status"]),
        word(&process["version"]),
        process["uptime_secs"]
    );
    let findings = answer["findings"].as_array().into_iter().flatten().map(finding);
    let parts = PARTS.iter().map(|(name, says)| {
        let part = &answer[*name];
        let said = part["error"].as_str().map_or_else(|| says(part), ToOwned::to_owned);
        format!("{:<13} {said}\n", name.replace('_', " "))
    });
    let queues = match answer["queues"]["items"].as_array() {
        Some(queues) => columns::table(&QUEUE, queues),
        None => format!("{:<13} {}\n", "queues", word(&answer["queues"]["error"])),
    };
    std::iter::once(head).chain(findings).chain(parts).chain([queues]).collect()
}

fn finding(finding: &Value) -> String {
    let mark = if finding["fault"] == true { '!' } else { '-' };
    let command = finding["command"].as_str().map(|it| format!(": {it}")).unwrap_or_default();
    format!("{mark} {}{command}\n", word(&finding["says"]))
}

fn database(it: &Value) -> String {
    let replicas = if it["in_recovery"] == true {
        "follows another".to_owned()
    } else {
        format!("{} replicas", it["replicas"])
    };
    let held = it["oldest_transaction"]["held_secs"].as_f64();
    let held = held.map(|secs| format!(", oldest transaction {secs:.1} s")).unwrap_or_default();
    format!(
        "PostgreSQL {}, {} ms, {} of {} connections, {replicas}{held}",
        word(&it["version"]),
        it["latency_ms"],
        it["connections"],
        it["connections_max"]
    )
}

fn workers(it: &Value) -> String {
    let pools = it["pools"].as_object().into_iter().flatten();
    let pools = pools.map(|(name, pool)| {
        let versions = pool["versions"].as_object().into_iter().flatten();
        let versions: Vec<_> = versions.map(|(version, _)| version.as_str()).collect();
        let live = &pool["live"];
        format!("; {name}: {live} live ({}), {} jobs", versions.join(", "), pool["running"])
    });
    format!("{} live", it["live"]) + &pools.collect::<String>()
}

fn schedules(it: &Value) -> String {
    let items = it["items"].as_array().into_iter().flatten();
    let names: Vec<_> = items.map(|schedule| word(&schedule["name"])).collect();
    let look = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
    format!("{}, {} late{look}", it["all"], it["late"])
}

fn providers(it: &Value) -> String {
    let all = it.as_object().into_iter().flatten();
    let said = all.map(|(name, provider)| {
        let until = provider["until"].as_str().map(|at| format!(" until {at}")).unwrap_or_default();
        format!("{name} {}{until}", word(&provider["breaker"]))
    });
    said.collect::<Vec<_>>().join(", ")
}

/// Those that are on.
fn switches(it: &Value) -> String {
    let on: Vec<_> = it.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    if on.is_empty() { "none is on".to_owned() } else { on.join(", ") }
}

fn audit(it: &Value) -> String {
    let all = it.as_object().into_iter().flatten();
    let said = all.map(|(name, chain)| match chain["error"].as_str() {
        Some(error) => format!("{name}: {error}"),
        None => format!("{name} link {}, {} wait", number(&chain["link"]), chain["waiting"]),
    });
    said.collect::<Vec<_>>().join("; ")
}

/// Names and numbers; shares and lengths to two places.
fn members(it: &Value) -> String {
    let all = it.as_object().into_iter().flatten();
    let said = all.map(|(name, value)| format!("{} {}", name.replace('_', " "), number(value)));
    said.collect::<Vec<_>>().join(", ")
}

/// The same behind what they are the parts of.
fn named(it: &Value) -> String {
    let said = members(it);
    if said.is_empty() { said } else { format!(": {said}") }
}

fn number(value: &Value) -> String {
    match value.as_f64() {
        Some(number) if value.is_f64() => format!("{number:.2}"),
        None if value.is_null() => "-".to_owned(),
        Some(_) | None => value.to_string(),
    }
}

/// A text from the system; what a terminal would obey is not for it.
pub(super) fn word(value: &Value) -> String {
    let text = value.as_str().unwrap_or("-");
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_wrong_comes_first_and_what_could_not_be_read_says_so() {
        let answer = json!({
            "status": "degraded",
            "findings": [
                { "says": "no worker takes jobs", "command": "trunkline fleet list", "fault": true },
                { "says": "sms is paused\u{1b}", "command": null, "fault": false },
            ],
            "process": { "version": "1.2.3", "revision": "abc", "uptime_secs": 5 },
            "database": { "version": "17.2", "latency_ms": 0.8, "connections": 3, "connections_max": 100,
                "in_recovery": false, "replicas": 0, "oldest_transaction": { "held_secs": 1.26 } },
            "workers": { "live": 1, "pools": { "default": { "live": 1, "versions": { "1.2.3": 1 }, "running": 4 } } },
            "schedules": { "all": 15, "late": 1, "items": [{ "name": "nightly" }] },
            "dead_letters": { "jobs": 3, "of_24_hours": 1 },
            "parked": { "runs": 2, "by_cause": { "poison": 2 } },
            "providers": { "openai": { "breaker": "closed", "until": null } },
            "numbers": { "error": "the database did not answer in time" },
            "switches": { "sms_bypass": { "reason": "the carrier is down" } },
            "demos": { "active": 2, "verification_ratio": 0.987, "creation_secs_mean": null },
            "audit": { "engine": { "link": 12, "waiting": 0 }, "product": { "error": "no" } },
            "queues": { "items": [{ "name": "sms", "jobs": { "ready": 7, "parked": 0 }, "running": 1, "next_age_ms": 20 }] },
        });
        let lines = text(&answer);
        for line in [
            "degraded: version 1.2.3 (abc), up for 5 s",
            "! no worker takes jobs: trunkline fleet list",
            "- sms is paused ",
            "database      PostgreSQL 17.2, 0.8 ms, 3 of 100 connections, 0 replicas, oldest transaction 1.3 s",
            "workers       1 live; default: 1 live (1.2.3), 4 jobs",
            "schedules     15, 1 late: nightly",
            "dead letters  3, 1 of 24 hours",
            "parked        2: poison 2",
            "providers     openai closed",
            "numbers       the database did not answer in time",
            "demos         active 2, creation secs mean -, verification ratio 0.99",
            "switches      sms_bypass",
            "audit         engine link 12, 0 wait; product: no",
        ] {
            assert!(lines.lines().any(|it| it == line), "{line}\n{lines}");
        }
        assert!(
            lines.ends_with(
                "sms   7           1        0            20           -                  -\n"
            ),
            "{lines}"
        );
    }
}
