//! `GET /health/detailed`: all that somebody on call asks first, in one answer, without a shell.
//!
//! 200 when nothing is at fault, 503 when something is: whoever watches from outside reads the status and nothing else, and
//! this is the one address that says more than that a process is there. Nothing is sent elsewhere because of it (that is
//! `/readyz`), and it counts as no error of ours (`ops/prometheus/rules/api.yml`).

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use chrono::SecondsFormat;
use domain::{switches::LeftOn, vitals::Vitals};
use engine::{BreakerView, ChainEnd, DEPTH_MAX, QueueStand, ScheduleView, WorkerView};
use serde_json::{Map, Value, json};

use super::{
    look::{Look, Part},
    wall_time, wrong,
};
use crate::{
    admin::{Operator, queues},
    findings::{self, Finding},
    state::ApiState,
};

/// Which source this program was built from, where whoever built it has said so.
const REVISION: Option<&str> = option_env!("TRUNKLINE_REVISION");

/// The check that is made here anew, and not believed from a note of some seconds ago.
const DATABASE: &str = "database";

pub(crate) async fn detailed(State(state): State<ApiState>, _: Operator) -> Response {
    // Five questions at once are too much for the stack of a request.
    let look = Box::pin(Look::take(&state)).await;
    let checks = state.probes().states();
    let well = checks.iter().all(|check| check.name == DATABASE || check.failing.is_none());
    let health = json!({ "status": if well { "healthy" } else { "degraded" } });
    let now = wall_time();
    let found = wrong::of(&look, health, now);
    let is_well = !found.iter().any(|finding| finding.is_fault);
    let checks = checks.iter().filter(|check| check.name != DATABASE);
    let checks: Map<_, _> =
        checks.map(|check| (check.name.to_owned(), json!(check.failing))).collect();
    let process = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "revision": REVISION.filter(|revision| !revision.is_empty()),
        "uptime_secs": state.uptime().as_secs(),
        "draining": state.probes().draining(),
        "checks": checks,
    });
    let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut answer = json!({
        "status": if is_well { "healthy" } else { "degraded" },
        "timestamp": now.to_rfc3339_opts(SecondsFormat::Millis, true),
        "findings": found.iter().map(finding).collect::<Vec<_>>(),
        "process": process,
    });
    if let Some(members) = answer.as_object_mut() {
        members.extend(parts(&look));
    }
    (status, Json(answer)).into_response()
}

fn finding(finding: &Finding) -> Value {
    let Finding { says, command, page, is_fault } = finding;
    json!({ "says": says, "command": command, "page": page, "fault": is_fault })
}

/// Each an object: what was read, or `error`.
fn parts(look: &Look) -> [(String, Value); 11] {
    let vitals = look.product.as_ref().map(|it| it.vitals).map_err(|unread| *unread);
    [
        ("database", database(look)),
        ("queues", part(&look.queues, |it| all_queues(it))),
        ("workers", part(&look.engine, |it| fleet(&it.workers))),
        ("schedules", part(&look.schedules, |it| schedules(it))),
        ("dead_letters", part(&look.engine, |it| {
            json!({ "jobs": it.dead, "of_24_hours": it.dead_of_day, "counted_to": DEPTH_MAX })
        })),
        ("parked", part(&look.engine, |it| {
            let runs: u32 = it.parked.values().sum();
            json!({ "runs": runs, "by_cause": it.parked, "counted_to": DEPTH_MAX })
        })),
        ("providers", part(&look.engine, |it| it.breakers.iter().map(provider).collect())),
        ("numbers", part(&vitals, |it| counted(*it, numbers))),
        ("demos", part(&vitals, |it| counted(*it, demos))),
        ("switches", part(&look.product, |it| it.switches.iter().map(switch).collect())),
        ("audit", audit(look)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}

fn part<T>(part: &Part<T>, show: impl FnOnce(&T) -> Value) -> Value {
    match part {
        Ok(read) => show(read),
        Err(unread) => json!({ "error": unread.says() }),
    }
}

fn database(look: &Look) -> Value {
    let latency = look.latency.as_ref().ok().map(|latency| {
        // To the microsecond: more would be noise.
        (latency.as_secs_f64() * 1e6).round() / 1e3
    });
    let mut shown = part(&look.engine, |it| json!(it.server));
    shown["reachable"] = latency.is_some().into();
    shown["latency_ms"] = latency.into();
    shown
}

fn all_queues(stands: &[QueueStand]) -> Value {
    let shown = |stand| {
        let mut queue = queues::shown(stand, &[]);
        // Nobody has asked what keeps lanes.
        queue.as_object_mut().map(|members| members.remove("kept"));
        queue
    };
    json!({ "items": stands.iter().map(shown).collect::<Vec<_>>(), "counted_to": DEPTH_MAX })
}

/// Who is alive, by pool. Who is not has been silent for less than an hour.
fn fleet(workers: &[WorkerView]) -> Value {
    let mut pools: BTreeMap<&str, Value> = BTreeMap::new();
    let count = |value: &mut Value, by: u32| {
        *value = (value.as_u64().unwrap_or(0) + u64::from(by)).into();
    };
    for worker in workers {
        let pool = pools.entry(&worker.pool).or_insert_with(
            || json!({ "live": 0, "draining": 0, "silent": 0, "running": 0, "versions": {} }),
        );
        if !worker.live {
            count(&mut pool["silent"], 1);
            continue;
        }
        count(&mut pool["live"], 1);
        count(&mut pool["draining"], worker.draining.into());
        count(&mut pool["running"], worker.running);
        count(&mut pool["versions"][worker.version.as_str()], 1);
    }
    let live = workers.iter().filter(|worker| worker.live).count();
    json!({ "live": live, "pools": pools })
}

fn schedules(schedules: &[ScheduleView]) -> Value {
    let late = |it: &ScheduleView| findings::late_secs(&json!(it));
    let trouble = |it: &&ScheduleView| {
        let has_failed = it.last_state == Some(engine::State::Failed);
        it.paused.is_some() || it.fault.is_some() || has_failed || late(it).is_some()
    };
    let shown = |it: &ScheduleView| {
        json!({
            "name": it.name, "late_secs": late(it), "fault": it.fault, "paused": it.paused,
            "last_state": it.last_state, "last_job": it.last_job,
        })
    };
    let troubled: Vec<_> = schedules.iter().filter(trouble).map(shown).collect();
    json!({
        "all": schedules.len(),
        "late": schedules.iter().filter(|it| late(it).is_some()).count(),
        "items": troubled,
    })
}

fn provider(breaker: &BreakerView) -> (String, Value) {
    (breaker.scope.clone(), json!({ "breaker": breaker.phase, "until": breaker.until }))
}

/// One that is on.
fn switch(on: &LeftOn) -> (String, Value) {
    (on.switch.clone(), json!({ "reason": on.reason, "since": on.set_at, "until": on.until }))
}

/// What a job has counted, and how long ago; nulls before it has for the first time.
fn counted(vitals: Option<(Vitals, f64)>, show: impl FnOnce(&Vitals) -> Value) -> Value {
    let Some((vitals, age_secs)) = vitals else { return json!({ "counted_secs_ago": null }) };
    let mut shown = show(&vitals);
    shown["counted_secs_ago"] = age_secs.round().into();
    shown
}

#[expect(clippy::cast_precision_loss, reason = "a share of numbers, of which there are hundreds")]
fn numbers(vitals: &Vitals) -> Value {
    let all = vitals.available + vitals.allocated + vitals.quarantined + vitals.maintenance;
    let share = (all > 0).then(|| vitals.allocated as f64 / all as f64);
    json!({
        "available": vitals.available,
        "allocated": vitals.allocated,
        "quarantined": vitals.quarantined,
        "maintenance": vitals.maintenance,
        "allocated_ratio": share,
        "tenants_waiting": vitals.waiting,
    })
}

fn demos(vitals: &Vitals) -> Value {
    json!({
        "active": vitals.active_demos,
        "verification_ratio": vitals.verification_ratio,
        "creation_secs_mean": vitals.creation_secs_mean,
        "conversion_ratio": vitals.conversion_ratio,
        "duration_secs_mean": vitals.demo_secs_mean,
        "messages_delivered_ratio": vitals.delivery_ratio,
    })
}

/// How far both records are chained. Whether they are what they were takes a walk through them, and whoever has walked keeps
/// the link that they saw, elsewhere: a note beside the record could be changed with it.
fn audit(look: &Look) -> Value {
    let product = part(&look.product, |it| {
        let waiting = u32::try_from(it.waiting).unwrap_or(DEPTH_MAX);
        json!(ChainEnd { link: it.link, chained_at: it.chained_at, waiting })
    });
    json!({ "engine": part(&look.engine, |it| json!(it.chain)), "product": product })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_nothing_are_none_and_what_was_never_counted_says_so() {
        assert_eq!(counted(None, numbers), json!({ "counted_secs_ago": null }));
        let empty: Vitals = serde_json::from_value(json!({
            "active_demos": 0, "conversion_ratio": null, "demo_secs_mean": null,
            "verification_ratio": null, "delivery_ratio": null, "waiting": 0, "available": 0,
            "allocated": 0, "quarantined": 0, "maintenance": 0,
        }))
        .expect("what a version before has counted is read");
        assert_eq!(numbers(&empty)["allocated_ratio"], Value::Null);
        let some = Vitals { allocated: 1, available: 2, quarantined: 1, ..empty };
        assert_eq!(numbers(&some)["allocated_ratio"], 0.25);
        assert_eq!(counted(Some((some, 12.4)), demos)["counted_secs_ago"], 12.0);
    }
}
