//! What of it is not as it should be. This list is the only one: the doctor and the console's first page show it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::switches::LeftOn;
use engine::{BreakerView, ChainEnd, DEPTH_MAX, HELD_LONG, Health};
use serde_json::{Value, json};

use super::look::Look;
use crate::findings::{self, Finding};

/// Of all connections of the server, the share from which it is about to refuse some, in percent. As the alert has it.
const CONNECTIONS_PERCENT_MAX: u32 = 90;

/// The product is counted every minute; this is five times missed.
const COUNTED_SECS_MAX: f64 = 300.0;

/// Records are chained every minute; rows wait for ten times as long.
const CHAINED_WITHIN: TimeDelta = TimeDelta::minutes(10);

const PAGE: &str = "/console";

/// All of it, the most pressing first. `health`: what the process's own checks say; `now`: for what is long ago.
pub(super) fn of(look: &Look, health: Value, now: DateTime<Utc>) -> Vec<Finding> {
    let mut found = database(look);
    found.extend(findings::of(&asked(look, health)));
    if let Ok(engine) = &look.engine {
        found.extend(engine.breakers.iter().filter_map(breaker));
        found.extend(unchained("the record of operators' deeds to jobs", &engine.chain, now));
    }
    if let Ok(product) = &look.product {
        let waiting = u32::try_from(product.waiting).unwrap_or(DEPTH_MAX);
        let chain = ChainEnd { link: product.link, chained_at: product.chained_at, waiting };
        found.extend(unchained("the record of deeds to tenants", &chain, now));
        found.extend(product.switches.iter().map(switch));
        found.extend(product_of(product));
    }
    found
}

/// The parts as the operators' API would have answered them.
fn asked(look: &Look, health: Value) -> findings::Look {
    let list = |items: Value| json!({ "items": items });
    let queue = |stand| crate::admin::queues::shown(stand, &[]);
    findings::Look {
        queues: look.queues.as_ref().map_or(Value::Null, |it| list(it.iter().map(queue).collect())),
        workers: look.engine.as_ref().map_or(Value::Null, |it| list(json!(it.workers))),
        schedules: look.schedules.as_ref().map_or(Value::Null, |it| list(json!(it))),
        parked: look.engine.as_ref().map_or(Value::Null, parked),
        health,
    }
}

fn parked(health: &Health) -> Value {
    let counts = health.parked.iter();
    let counts = counts.map(|(cause, runs)| json!({ "cause": cause, "runs": runs }));
    json!({ "counts": counts.collect::<Vec<_>>() })
}

fn database(look: &Look) -> Vec<Finding> {
    if let Err(unread) = look.latency {
        return vec![Finding::new(unread.says(), PAGE).fault()];
    }
    let mut found: Vec<_> = look
        .unread()
        .into_iter()
        .map(|(name, unread)| {
            Finding::new(format!("{name} cannot be told: {}", unread.says()), PAGE).fault()
        })
        .collect();
    let Ok(Health { server, .. }) = &look.engine else { return found };
    if server.in_recovery {
        let says = "the database takes no writes: it follows another one";
        found.push(Finding::new(says, PAGE).fault());
    }
    let (used, max) = (server.connections, server.connections_max);
    if u64::from(used) * 100 >= u64::from(max) * u64::from(CONNECTIONS_PERCENT_MAX) {
        let says = format!("{used} of the database's {max} connections are in use");
        found.push(Finding::new(says, PAGE));
    }
    let held = server.oldest_transaction.as_ref();
    let held = held.and_then(|it| Some((it, Duration::try_from_secs_f64(it.held_secs?).ok()?)));
    if let Some((holder, since)) = held
        && since >= HELD_LONG
    {
        let (kind, name, secs) = (&holder.kind, &holder.name, since.as_secs());
        let says = format!("a snapshot of the database is held by {kind} {name:?} for {secs} s");
        found.push(Finding::new(says, PAGE));
    }
    found
}

fn breaker(breaker: &BreakerView) -> Option<Finding> {
    let BreakerView { scope, phase, until } = breaker;
    if *phase == "closed" {
        return None;
    }
    let until = until.map(|at| format!(" until {}", at.format("%H:%M:%S UTC"))).unwrap_or_default();
    let says = format!("{scope} failed again and again and is left alone: {phase}{until}");
    Some(Finding::new(says, "/console/queues").look("trunkline queue list").fault())
}

fn unchained(record: &str, chain: &ChainEnd, now: DateTime<Utc>) -> Option<Finding> {
    let is_long = chain.chained_at.is_some_and(|at| now - at > CHAINED_WITHIN);
    let says = format!("{} rows of {record} wait for their link", chain.waiting);
    (chain.waiting > 0 && is_long)
        .then(|| Finding::new(says, "/console/audit").look("trunkline schedule show chain-audit"))
}

/// Somebody wanted it, and may have forgotten it since.
fn switch(on: &LeftOn) -> Finding {
    let words = |at: DateTime<Utc>| at.format("%F %H:%M UTC");
    let until = on.until.map(|at| format!(" until {}", words(at))).unwrap_or_default();
    let reason = on.reason.as_deref().unwrap_or("nobody said why");
    let says = format!("{} is on since {}{until}: {reason}", on.switch, words(on.set_at));
    Finding::new(says, PAGE).look("trunkline switch list")
}

fn product_of(product: &domain::health::Health) -> Vec<Finding> {
    let mut found = Vec::new();
    let Some((vitals, age_secs)) = &product.vitals else { return found };
    if *age_secs > COUNTED_SECS_MAX {
        let says = format!("how the product stands was counted {age_secs:.0} s ago");
        let finding = Finding::new(says, "/console/schedules");
        found.push(finding.look("trunkline schedule show take-vitals"));
    }
    if vitals.waiting > 0 {
        let says = format!("tenants that wait for a number: {}", vitals.waiting);
        found.push(Finding::new(says, PAGE).look("trunkline number list"));
    }
    found
}
