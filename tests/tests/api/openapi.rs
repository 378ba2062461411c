//! The `OpenAPI` document, and what routes really read: asked about a field that nobody knows, each says which it does know.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{
    Ask,
    shapes::{BODIES, QUERIES, Shape},
};

use crate::stage::{Demo, Guest, Stage};

const STRANGER: &str = "xStranger";

/// What an error on the stranger says before it lists what is known.
const KNOWN: &str = "known are ";

/// Somebody who may use every route, so that only what is sent is wrong.
struct Insider {
    stage: Stage,
    demo: Demo,
    cookie: String,
    conversation: String,
}

impl Insider {
    async fn new() -> Insider {
        let stage = Stage::open().await;
        let demo = stage.active(Guest(1)).await;
        let cookie = stage.own_session(&demo).await;
        let conversation = stage.conversation(&demo, "+436607654321").await;
        Insider { stage, demo, cookie, conversation }
    }

    fn ask(&self, shape: &Shape, query: &str) -> Ask {
        let nobody = uuid::Uuid::nil().to_string();
        // A webhook's id is its provider and its key.
        let nobody =
            if shape.path.contains("/webhooks/") { "dHdpbGlvCng".to_owned() } else { nobody };
        let path = shape.path.replace("{tenant}", &self.demo.tenant).replace("{name}", "try");
        let path = path.replace("{conversation}", &self.conversation).replace("{id}", &nobody);
        let path = path.replace("{request}", &nobody) + query;
        assert!(!path.contains('{'), "{path} has a parameter that is not known here");
        let method = reqwest::Method::from_bytes(shape.method.as_bytes()).unwrap();
        self.stage
            .ask(&method, &path)
            .header("x-admin-api-key", tests::ADMIN_KEY)
            .cookie(&self.cookie)
    }

    /// What is wrong with a body, by field.
    async fn errors(&self, shape: &Shape, body: &Value) -> Vec<(String, String)> {
        let answer = self.ask(shape, "").json(body).send().await;
        assert_eq!(answer.status, 422, "{answer:?}");
        errors_of(&answer.json(), '/')
    }
}

fn errors_of(problem: &Value, prefix: char) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = problem["errors"].as_array().into_iter().flatten();
    errors
        .map(|error| {
            let pointer = text(&error["pointer"]);
            (pointer.trim_start_matches(prefix).to_owned(), text(&error["detail"]))
        })
        .collect()
}

fn known(errors: &[(String, String)]) -> BTreeSet<String> {
    let about = errors.iter().find(|(name, _)| name == STRANGER);
    let (_, said) = about.unwrap_or_else(|| panic!("it takes whatever comes: {errors:?}"));
    let names = said.split_once(KNOWN).map(|(_, names)| names).unwrap_or_default();
    names.split(", ").filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect()
}

fn names(shape: &Shape) -> BTreeSet<String> {
    shape.fields.iter().map(|field| field.name.to_owned()).collect()
}

#[tokio::test]
async fn every_route_reads_the_fields_that_the_document_names_and_no_others() {
    let insider = Insider::new().await;
    for shape in BODIES.iter().filter(|shape| !shape.is_open) {
        let mut read = BTreeSet::new();
        for way in ["{}"].iter().chain(shape.ways) {
            let mut body: Value = serde_json::from_str(way).unwrap();
            body[STRANGER] = json!(1);
            read.extend(known(&insider.errors(shape, &body).await));
        }
        assert_eq!(read, names(shape), "{} {}", shape.method, shape.path);
    }
    for shape in QUERIES {
        let ask = insider.ask(shape, &format!("?{STRANGER}=1"));
        let ask = if shape.method == "GET" {
            ask
        } else {
            ask.json(&json!({ "tenantId": insider.demo.tenant, "code": crate::stage::WRONG_CODE }))
        };
        let read = known(&errors_of(&ask.send().await.problem(422, "invalid_fields"), '?'));
        assert_eq!(read, names(shape), "{} {}", shape.method, shape.path);
    }
}

#[tokio::test]
async fn what_the_document_calls_required_is_what_is_missed_in_an_empty_body() {
    let insider = Insider::new().await;
    for shape in BODIES.iter().filter(|shape| shape.needs_body()) {
        let missed = insider.errors(shape, &json!({})).await;
        let missed: BTreeSet<_> = missed.iter().map(|(name, _)| name.as_str()).collect();
        let needed = shape.fields.iter().filter(|field| field.is_needed);
        let needed: BTreeSet<_> = needed.map(|field| field.name).collect();
        let either: BTreeSet<_> = shape.one_of.iter().copied().flatten().copied().collect();
        let what = format!("{} {}", shape.method, shape.path);
        assert!(needed.is_subset(&missed), "{what}: {needed:?} {missed:?}");
        let else_missed = missed.difference(&needed).filter(|name| !name.is_empty());
        let strays: Vec<_> = else_missed.filter(|name| !either.contains(*name)).collect();
        assert!(strays.is_empty(), "{what}: {strays:?}");
    }
}

#[tokio::test]
async fn the_document_is_there_for_everybody_and_as_it_is_committed() {
    let stage = Stage::open().await;
    let served = stage.get("/v1/openapi.json").send().await;
    let document = served.is(200);
    assert_eq!(served.header("content-type"), "application/json");
    assert_eq!(document["openapi"], "3.1.0");
    let operations: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|path| path.as_object().unwrap().keys().filter(|key| *key != "parameters").count())
        .sum();
    // The console's pages are for browsers.
    let for_programs = api::ROUTES.iter().filter(|it| !it.path.starts_with("/console")).count();
    assert_eq!(operations, for_programs);
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    assert_eq!(std::fs::read_to_string(committed).unwrap(), served.text);
}
