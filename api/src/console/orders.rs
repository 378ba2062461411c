//! What can be done from here: a form becomes an order to the operators' API, in its words, with a reason. The form's `once`
//! is the order's `Idempotency-Key`: a form that is sent twice is carried out once.

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use domain::token::Token;
use serde_json::{Map, Value, json};

use super::{
    door::{Refused, Stands, Visit, query, segment},
    form::{Form, Signed},
    login::own_page,
    page,
};
use crate::problem::Code;

/// One thing that can be done.
struct Order {
    /// As the form's address names it.
    name: &'static str,
    /// Where the API takes it; `{id}` is the form's `id`.
    path: &'static str,
    /// What the body says besides the reason.
    fields: &'static [(&'static str, Means)],
    /// What is said when it is done.
    done: &'static str,
    /// Where to look then.
    then: Then,
}

/// Where to look when something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// At the page that the form stood on.
    Back,
    /// At what was made, on a page of these. Such an order is not about a thing that is there already.
    Made(&'static str),
}

/// What a field's text means.
#[derive(Debug, Clone, Copy)]
enum Means {
    Text,
    Number,
    /// A number; emptied, there is to be no limit.
    Limit,
    Flag,
    Json,
    /// A day and a time in UTC, as a browser writes what was chosen.
    Instant,
    /// From where a run goes on: `stop`, `start`, `step:NAME`, or `despite:NAME` for a step whose later deeds are kept.
    Whence,
}

use Means::{Flag, Instant, Json, Limit, Number, Text, Whence};

const fn order_to(
    name: &'static str,
    path: &'static str,
    fields: &'static [(&'static str, Means)],
    done: &'static str,
) -> Order {
    Order { name, path, fields, done, then: Then::Back }
}

/// What makes an operation.
const FILTER: &[(&str, Means)] = &[
    ("deed", Text),
    ("state", Text),
    ("kind", Text),
    ("queue", Text),
    ("tenant", Text),
    ("since", Text),
    ("until", Text),
    ("error", Text),
    ("mode", Text),
    ("canary", Number),
    ("canary_failed_max", Number),
    ("canary_secs", Number),
];

/// All switches are one thing, which has no id in its address: which of them is meant, the body says.
const MAINTENANCE: &str = "/api/admin/maintenance";

/// All of them.
const ORDERS: &[Order] = &[
    order_to("job.retry", "/v1/admin/jobs/{id}/retry", &[], "It is tried again."),
    order_to("job.run-now", "/v1/admin/jobs/{id}/run-now", &[], "It runs now."),
    order_to(
        "job.cancel",
        "/v1/admin/jobs/{id}/cancel",
        &[("mode", Text), ("force", Flag)],
        "It is being cancelled; its next boundary notices.",
    ),
    order_to(
        "job.args",
        "/v1/admin/jobs/{id}/args",
        &[("args", Json)],
        "It has other arguments; the first ones stand in the record.",
    ),
    order_to("job.redrive", "/v1/admin/jobs/{id}/redrive", &[("from", Whence)], "It is redriven."),
    Order {
        name: "job.fork",
        path: "/v1/admin/jobs/{id}/fork",
        fields: &[("step", Text)],
        done: "This is the new job. The old one stays as it is.",
        then: Then::Made("/console/jobs/"),
    },
    order_to(
        "job.answer",
        "/v1/admin/jobs/{id}/answer",
        &[("claim", Number), ("answer", Text), ("value", Json)],
        "Your answer is written down, and the run goes on.",
    ),
    order_to(
        "queue.pause",
        "/v1/admin/queues/{id}/pause",
        &[("for_secs", Number)],
        "The queue is paused: what runs goes on, nothing new is begun.",
    ),
    order_to(
        "queue.limit",
        "/v1/admin/queues/{id}/settings",
        &[("at_once_max", Limit)],
        "The limit is set: it counts from the next claim of each worker on.",
    ),
    order_to(
        "queue.promise",
        "/v1/admin/queues/{id}/settings",
        &[("latency_target_ms", Limit)],
        "The target is set.",
    ),
    order_to(
        "queue.share",
        "/v1/admin/queues/{id}/settings",
        &[("fair", Flag)],
        "It is set, for what is enqueued from now on.",
    ),
    order_to("queue.resume", "/v1/admin/queues/{id}/resume", &[], "The queue goes on."),
    order_to(
        "schedule.pause",
        "/v1/admin/schedules/{id}/pause",
        &[],
        "The schedule is paused: it makes no ticks.",
    ),
    order_to("schedule.resume", "/v1/admin/schedules/{id}/resume", &[], "The schedule goes on."),
    order_to("schedule.run", "/v1/admin/schedules/{id}/run", &[], "A job of it is made."),
    order_to(
        "schedule.backfill",
        "/v1/admin/schedules/{id}/backfill",
        &[("from", Instant), ("to", Instant), ("per_minute", Number)],
        "The ticks of that time are being made.",
    ),
    order_to(
        "schedule.change",
        "/v1/admin/schedules/{id}/change",
        &[("cron", Text), ("timezone", Text), ("missed", Text), ("catch_up_max", Number)],
        "The schedule is changed, over deploys too.",
    ),
    order_to(
        "schedule.stop-backfill",
        "/v1/admin/schedules/{id}/stop-backfill",
        &[],
        "The backfill has ended; the jobs that it made stay.",
    ),
    order_to(
        "worker.drain",
        "/v1/admin/workers/{id}/drain",
        &[],
        "The worker is to take nothing new; it notices with its next heartbeat.",
    ),
    order_to("worker.resume", "/v1/admin/workers/{id}/resume", &[], "The worker takes jobs again."),
    order_to(
        "switch.on",
        MAINTENANCE,
        &[("mode", Text), ("until", Instant)],
        "It is on, in every process from now on.",
    ),
    order_to(
        "switch.off",
        MAINTENANCE,
        &[("mode", Text), ("enabled", Flag)],
        "It is off, in every process from now on.",
    ),
    order_to("webhook.replay", "/v1/admin/webhooks/{id}/replay", &[], "It is applied again."),
    Order {
        name: "operation.make",
        path: "/v1/admin/operations",
        fields: FILTER,
        done: "What matches is being written down. Nothing is done to any job until you start it.",
        then: Then::Made("/console/operations/"),
    },
    order_to(
        "operation.start",
        "/v1/admin/operations/{id}/start",
        &[("expect", Number), ("per_second", Number)],
        "It has begun.",
    ),
    order_to(
        "operation.cancel",
        "/v1/admin/operations/{id}/cancel",
        &[],
        "It has ended; what was done stands.",
    ),
    order_to(
        "operation.undo",
        "/v1/admin/operations/{id}/undo",
        &[],
        "It is being taken back, as far as the jobs have not gone on.",
    ),
];

/// What of a thing somebody can have changed, whatever it is.
const CHANGEABLE: &[&str] = &[
    "state",
    "args",
    "attempt",
    "due",
    "pause",
    "at_once_max",
    "fair",
    "latency_target_ms",
    "cron",
    "timezone",
    "missed",
    "catch_up_max",
    "paused",
    "changed",
    "backfill",
    "live",
    "draining",
    "rest",
    "matched",
    "per_second",
    "started_by",
    "undone_by",
    "switches",
];

/// What is said on the next page when this is done.
pub(super) fn done(order: &str) -> Option<&'static str> {
    ORDERS.iter().find(|it| it.name == order).map(|it| it.done)
}

/// The key of a form: a new one for each time that it is shown.
pub(super) fn once() -> String {
    Token::generate(&mut rand::rng()).expose().to_owned()
}

/// `POST /console/orders/{order}`.
pub(crate) async fn order(Path(name): Path<String>, signed: Signed) -> Response {
    carry_out(&name, &signed).await.unwrap_or_else(IntoResponse::into_response)
}

async fn carry_out(name: &str, signed: &Signed) -> Result<Response, Refused> {
    let Signed { session, form } = signed;
    let order = ORDERS.iter().find(|it| it.name == name).ok_or_else(Refused::nothing)?;
    let body = body(order, form)?;
    let once = Token::parse(form.get("once")).map_err(|_| incomplete("once is not the form's"))?;
    let path = order.path.replace("{id}", &segment(form.get("id")));
    let answer = session.visit.order(&path, &body, once.expose(), form.get("tag")).await;
    let answer = match answer {
        Err(refused) if refused.status == Code::PreconditionFailed.status() => {
            return Err(with_what_stands(refused, &session.visit, order, form).await);
        }
        answer => answer?,
    };
    let made = match order.then {
        Then::Back => form.get("back").to_owned(),
        Then::Made(pages) => {
            format!("{pages}{}", segment(answer["id"].as_str().unwrap_or_default()))
        }
    };
    let back = own_page(&made);
    let mark = if back.contains('?') { '&' } else { '?' };
    Ok(page::see(&format!("{back}{mark}{}", query(&[("done", name)]))))
}

/// Somebody was faster: what stands there now, for whoever decides anew.
async fn with_what_stands(
    mut refused: Refused,
    visit: &Visit,
    order: &Order,
    form: &Form,
) -> Refused {
    let path = match order.path.split_once("{id}") {
        Some((thing, _)) => format!("{thing}{}", segment(form.get("id"))),
        None => order.path.to_owned(),
    };
    let found = visit.get::<Value>(&path).await;
    let found = found.unwrap_or_default();
    let shown = found.as_object().into_iter().flatten();
    let shown = shown.filter(|(name, _)| CHANGEABLE.contains(&name.as_str()));
    let shown: Map<_, _> = shown.map(|(name, value)| (name.clone(), value.clone())).collect();
    let now = serde_json::to_string_pretty(&shown).unwrap_or_default();
    "It has changed since you opened the page. Nothing was done; your browser's way back has what you typed."
        .clone_into(&mut refused.detail);
    let at = own_page(form.get("back")).to_owned();
    refused.stands = Some(Box::new(Stands { at, now }));
    refused
}

/// The order's body. A reason is asked for here whatever the API asks for: who clicks can say why.
fn body(order: &Order, form: &Form) -> Result<Value, Refused> {
    if form.get("reason").is_empty() {
        return Err(incomplete("reason is missing"));
    }
    if form.get("id").is_empty() && order.then == Then::Back {
        return Err(incomplete("id is missing"));
    }
    let mut body = Map::new();
    body.insert("reason".to_owned(), json!(form.get("reason")));
    for (name, means) in order.fields {
        let text = form.get(name);
        let is_lifted = matches!(means, Limit) && form.has(name);
        if !text.is_empty() || is_lifted {
            body.insert((*name).to_owned(), value(name, *means, text)?);
        }
    }
    Ok(Value::Object(body))
}

fn value(name: &str, means: Means, text: &str) -> Result<Value, Refused> {
    Ok(match means {
        Text => json!(text),
        // What is none is passed on as it is: the API says what it must be.
        Number | Limit if !text.is_empty() => {
            let digits = text.replace([',', ' ', '\u{202f}'], "");
            digits.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number))
        }
        Number | Limit => Value::Null,
        // Without seconds, or with them. Whoever types an instant has said its zone.
        Instant => match text.len() {
            16 => json!(format!("{text}:00Z")),
            19 => json!(format!("{text}Z")),
            _ => json!(text),
        },
        Flag => json!(text == "true"),
        Whence => match text.split_once(':') {
            Some(("step", step)) => json!({ "step": step }),
            Some(("despite", step)) => json!({ "step": step, "despite_deeds": true }),
            // What is none is passed on as it is: the API says what it must be.
            Some(_) | None => json!(text),
        },
        Json => serde_json::from_str(text)
            .map_err(|_| incomplete(&format!("{name} is not JSON; a text stands in quotes")))?,
    })
}

fn incomplete(what: &str) -> Refused {
    let mut refused =
        Refused::said(Code::InvalidFields, "The form is not complete", "Nothing was done.");
    refused.fields.push(what.to_owned());
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_is_a_route_of_the_operators_api() {
        for order in ORDERS {
            let is_route = |route: &crate::Route| {
                let same = |path: &str| path.replace("{name}", "{id}") == order.path;
                route.method == "POST" && same(route.path)
            };
            assert!(crate::ROUTES.iter().any(is_route), "{}", order.path);
            assert_eq!(done(order.name), Some(order.done));
            assert!(super::super::command::of(order.name, "x").is_some(), "{}", order.name);
        }
        assert_eq!(done("<script>"), None);
    }

    #[test]
    fn a_form_s_texts_become_what_they_mean() {
        assert_eq!(value("claim", Number, "3").unwrap(), json!(3));
        assert_eq!(value("claim", Number, "x").unwrap(), json!("x"));
        assert_eq!(value("force", Flag, "true").unwrap(), json!(true));
        assert_eq!(value("value", Json, r#"{"sid":"x"}"#).unwrap(), json!({ "sid": "x" }));
        assert!(value("value", Json, "x").is_err());
        assert_eq!(value("expect", Number, "100,000").unwrap(), json!(100_000));
        assert_eq!(value("at_once_max", Limit, "").unwrap(), Value::Null);
        assert_eq!(value("from", Whence, "stop").unwrap(), json!("stop"));
        assert_eq!(value("from", Whence, "step:a:b#2").unwrap(), json!({ "step": "a:b#2" }));
        let despite = json!({ "step": "a", "despite_deeds": true });
        assert_eq!(value("from", Whence, "despite:a").unwrap(), despite);
        for (chosen, instant) in [
            ("2026-01-31T09:00", "2026-01-31T09:00:00Z"),
            ("2026-01-31T09:00:30", "2026-01-31T09:00:30Z"),
            ("2026-01-31T09:00:00+02:00", "2026-01-31T09:00:00+02:00"),
        ] {
            assert_eq!(value("from", Instant, chosen).unwrap(), json!(instant));
        }
    }
}
