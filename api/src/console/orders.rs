//! What can be done from here: a form becomes an order to the operators' API, in its words, with a reason. The form's `once`
//! is the order's `Idempotency-Key`: a form that is sent twice is carried out once.

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use domain::token::Token;
use serde_json::{Map, Value, json};

use super::{
    door::{Refused, query, segment},
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
}

/// What a field's text means.
#[derive(Debug, Clone, Copy)]
enum Means {
    Text,
    Number,
    Flag,
    Json,
}

use Means::{Flag, Json, Number, Text};

const fn order_to(
    name: &'static str,
    path: &'static str,
    fields: &'static [(&'static str, Means)],
    done: &'static str,
) -> Order {
    Order { name, path, fields, done }
}

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
    order_to("job.redrive", "/v1/admin/jobs/{id}/redrive", &[("from", Text)], "It is redriven."),
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
        "worker.drain",
        "/v1/admin/workers/{id}/drain",
        &[],
        "The worker is to take nothing new; it notices with its next heartbeat.",
    ),
    order_to("worker.resume", "/v1/admin/workers/{id}/resume", &[], "The worker takes jobs again."),
    order_to("webhook.replay", "/v1/admin/webhooks/{id}/replay", &[], "It is applied again."),
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
    session.visit.order(&path, &body, once.expose()).await?;
    let back = own_page(form.get("back"));
    let mark = if back.contains('?') { '&' } else { '?' };
    Ok(page::see(&format!("{back}{mark}{}", query(&[("done", name)]))))
}

/// The order's body. A reason is asked for here whatever the API asks for: who clicks can say why.
fn body(order: &Order, form: &Form) -> Result<Value, Refused> {
    if form.get("id").is_empty() || form.get("reason").is_empty() {
        return Err(incomplete("reason is missing"));
    }
    let mut body = Map::new();
    body.insert("reason".to_owned(), json!(form.get("reason")));
    for (name, means) in order.fields {
        let text = form.get(name);
        if !text.is_empty() {
            body.insert((*name).to_owned(), value(name, *means, text)?);
        }
    }
    Ok(Value::Object(body))
}

fn value(name: &str, means: Means, text: &str) -> Result<Value, Refused> {
    Ok(match means {
        Text => json!(text),
        // What is none is passed on as it is: the API says what it must be.
        Number => text.parse::<u64>().map_or_else(|_| json!(text), |number| json!(number)),
        Flag => json!(text == "true"),
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
    }
}
