//! docs/openapi.json: made of the table of routes, of what docs/http.md says about each, and of what routes read.

use std::{collections::BTreeMap, fs};

use api::{Guard, ROUTES, Route, TAGGED};
use daemon::config::Env;
use serde_json::{Map, Value, json};
use tests::shapes::{BODIES, QUERIES, Shape};

use crate::{documents, files};

const DOCUMENT: &str = "docs/openapi.json";

/// Writes it anew instead of comparing it.
const WRITE: &str = "TRUNKLINE_WRITE_SCHEMA";

/// Longer ones are no summaries.
const SUMMARY_CHARS_MAX: usize = 100;

const ABOUT: &str = "Durable jobs and workflows, and a voice-agent backend on them. The words, limits and codes are explained in docs/http.md.";

fn document() -> Value {
    let rows = documents::rows("docs/http.md");
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in ROUTES.iter().filter(|route| !is_page(route)) {
        let row = rows.iter().find(|row| row[0] == route.method && row[1] == route.path);
        let what = row.and_then(|row| row.get(3)).map_or("", String::as_str);
        let path = paths.entry(route.path).or_default();
        let parameters = path_parameters(route.path);
        if !parameters.is_empty() {
            path.insert("parameters".to_owned(), parameters.into());
        }
        path.insert(route.method.to_lowercase(), operation(route, what));
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Trunkline", "version": "v1", "description": ABOUT, "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" } },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "schemas": { "Problem": problem() }, "securitySchemes": schemes() },
    })
}

/// The console's pages are for browsers, and not for programs.
fn is_page(route: &Route) -> bool {
    route.path.starts_with("/console")
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    names
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        })
        .collect()
}

fn operation(route: &Route, what: &str) -> Value {
    let mut operation = json!({
        "operationId": operation_id(route),
        "tags": [tag(route)],
        "summary": summary(what),
        "description": what,
        "security": security(route),
        "responses": {
            "2XX": { "description": "It is done, or written down to be done.", "content": content(route) },
            "default": refusal("It is refused, or failed; `code` says why."),
        },
    });
    if route.path.ends_with("/health/detailed") {
        let unwell = "Something is at fault: the same answer, which says what.";
        operation["responses"]["503"] = json!({ "description": unwell, "content": content(route) });
    }
    let find = |all: &'static [Shape]| {
        all.iter().find(|shape| (shape.method, shape.path) == (route.method, route.path))
    };
    if let Some(body) = find(BODIES) {
        let content = json!({ "application/json": { "schema": body.schema() } });
        operation["requestBody"] = json!({ "required": body.needs_body(), "content": content });
    }
    if route.guard == Guard::TwilioSignature {
        let content =
            json!({ "application/x-www-form-urlencoded": { "schema": { "type": "object" } } });
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    if route.guard == Guard::StripeSignature {
        let content = json!({ "application/json": { "schema": { "type": "object" } } });
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    let mut parameters: Vec<Value> = find(QUERIES)
        .into_iter()
        .flat_map(|query| query.fields)
        .map(|field| json!({ "name": field.name, "in": "query", "schema": field.schema() }))
        .collect();
    if is_kept(route) {
        let schema = json!({ "type": "string", "minLength": 1, "maxLength": 200 });
        parameters.push(json!({ "name": "Idempotency-Key", "in": "header", "schema": schema }));
    }
    if is_changed_by(route) {
        parameters.push(condition("If-Match"));
        operation["responses"]["412"] = refusal("What it is about has changed since it was read.");
    }
    if is_read_at(route) {
        parameters.push(condition("If-None-Match"));
        let tag = json!({ "description": "Of what can be changed of it.", "schema": { "type": "string" } });
        let headers = json!({ "ETag": tag });
        operation["responses"]["2XX"]["headers"] = headers.clone();
        let same = "Nothing of it has been changed since.";
        operation["responses"]["304"] = json!({ "description": same, "headers": headers });
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    operation
}

/// What has a tag: docs/http.md, "What was read".
fn is_read_at(route: &Route) -> bool {
    route.method == "GET" && TAGGED.iter().any(|it| it.read_at == route.path)
}

fn is_changed_by(route: &Route) -> bool {
    route.method != "GET" && TAGGED.iter().any(|it| it.changed_at.contains(&route.path))
}

fn condition(name: &str) -> Value {
    let one = r#"(W/)?"[!#-~]*""#;
    let pattern = format!(r"^(\*|{one}(, ?{one})*)$");
    json!({ "name": name, "in": "header", "schema": { "type": "string", "pattern": pattern } })
}

fn refusal(what: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({ "description": what, "content": { "application/problem+json": { "schema": schema } } })
}

/// Orders whose answers are kept: docs/http.md, "Once, however often it is sent".
fn is_kept(route: &Route) -> bool {
    // Of what tenants order, what would be another text, or another key, the second time.
    let of_tenants = ["/api/messages", "/api/conversations/{conversation}/messages", "/api/keys"];
    let is_theirs = route.method == "POST" && of_tenants.contains(&route.path);
    is_theirs || (route.guard == Guard::AdminKey && route.method != "GET")
}

fn operation_id(route: &Route) -> String {
    let words = route.path.split(['/', '{', '}', '-', '.']).filter(|word| !word.is_empty());
    words.fold(route.method.to_lowercase(), |id, word| id + "_" + word)
}

fn tag(route: &Route) -> &'static str {
    let words = route.path.trim_start_matches("/v1").trim_start_matches("/api");
    let words = words.trim_start_matches("/admin").trim_start_matches('/');
    if matches!(route.guard, Guard::TwilioSignature | Guard::StripeSignature) {
        return "webhooks of providers";
    }
    words.split('/').next().unwrap_or_default()
}

/// The first clause, without marks.
fn summary(what: &str) -> String {
    let plain = what.replace('`', "");
    let clause = plain.split([';', ':']).next().unwrap_or_default().trim();
    clause.chars().take(SUMMARY_CHARS_MAX).collect()
}

fn security(route: &Route) -> Value {
    match route.guard {
        Guard::Open
        | Guard::PhoneCode
        | Guard::Password
        | Guard::AnySession
        | Guard::ConsoleLogin
        | Guard::ConsoleSession
        | Guard::ConsoleForm => json!([]),
        Guard::AccessToken => json!([{ "accessToken": [] }]),
        Guard::Session | Guard::OwnPassword => json!([{ "session": [] }]),
        Guard::Member => json!([{ "session": [] }, { "tenantKey": [] }, { "tenantKeyHeader": [] }]),
        Guard::TwilioSignature => json!([{ "twilioSignature": [] }]),
        Guard::StripeSignature => json!([{ "stripeSignature": [] }]),
        Guard::CronSecret => json!([{ "cronSecret": [] }]),
        Guard::AdminKey => {
            let scope = route.scope.map(domain::api_keys::Scope::as_str);
            json!([{ "adminKey": [scope] }, { "adminKeyHeader": [scope] }])
        }
    }
}

fn content(route: &Route) -> Value {
    match (route.guard, route.path) {
        (Guard::TwilioSignature, _) => json!({ "text/xml": {} }),
        (_, "/metrics") => json!({ "text/plain": {} }),
        (_, path) if path.ends_with("/usage.csv") => json!({ "text/csv": {} }),
        _ => json!({ "application/json": { "schema": {} } }),
    }
}

fn problem() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "type": "object",
        "description": "RFC 9457. `code` never changes its meaning.",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": text, "title": text, "code": text, "detail": text, "instance": text,
            "status": { "type": "integer" },
            "errors": {
                "type": "array",
                "items": { "type": "object", "properties": { "pointer": text, "detail": text } },
            },
        },
    })
}

fn schemes() -> Value {
    let bearer = |what: &str| json!({ "type": "http", "scheme": "bearer", "description": what });
    let header = |name: &str, what: &str| json!({ "type": "apiKey", "in": "header", "name": name, "description": what });
    json!({
        "adminKey": bearer("An operators' key; the scope that it needs is named at each operation."),
        "adminKeyHeader": header("X-Admin-API-Key", "The same in a header of its own."),
        "accessToken": bearer("The token that a verified phone was answered with."),
        "cronSecret": bearer("The outside clock's key."),
        "tenantKey": bearer("A key of the tenant's, in place of a session."),
        "tenantKeyHeader": header("X-API-Key", "The same in a header of its own."),
        "session": { "type": "apiKey", "in": "cookie", "name": "trunkline_session" },
        "twilioSignature": header("X-Twilio-Signature", "Over the public address and the form."),
        "stripeSignature": header("Stripe-Signature", "Over the time and the body."),
    })
}

/// Every object with its keys in order, whatever `serde_json` was built with.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> =
                members.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[test]
fn the_openapi_document_is_what_routes_documents_and_shapes_say() {
    let made = serde_json::to_string_pretty(&sorted(&document())).expect("JSON") + "\n";
    if Env::of_process().is_set(WRITE) {
        fs::write(files::root().join(DOCUMENT), &made).expect("written");
    }
    assert!(
        made == files::read(DOCUMENT),
        "{DOCUMENT} is not what the routes say: {WRITE}=1 cargo nextest run -p tests --test contracts openapi"
    );
}

#[test]
fn every_shape_is_of_a_route_and_every_route_that_reads_a_body_has_one() {
    for shape in BODIES.iter().chain(QUERIES) {
        let is_route = ROUTES.iter().any(|it| (it.method, it.path) == (shape.method, shape.path));
        assert!(is_route, "{} {} is no route", shape.method, shape.path);
    }
    for route in ROUTES.iter().filter(|route| route.method != "GET" && !is_page(route)) {
        let is_posted_by_machines = matches!(
            route.guard,
            Guard::TwilioSignature | Guard::StripeSignature | Guard::CronSecret
        );
        let has = BODIES.iter().any(|it| (it.method, it.path) == (route.method, route.path));
        assert!(has || is_posted_by_machines, "{} {} has no shape", route.method, route.path);
    }
}

#[test]
fn an_operation_is_named_by_its_method_and_its_path_and_no_two_alike() {
    let ids: std::collections::BTreeSet<_> = ROUTES.iter().map(operation_id).collect();
    assert_eq!(ids.len(), ROUTES.len());
    assert!(ids.contains("post_v1_admin_queues_name_pause"), "{ids:?}");
}
