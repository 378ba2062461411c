//! What stands on the pages, and where it leads.

use std::collections::{BTreeSet, VecDeque};

use api::ROUTES;
use serde_json::{Value, json};

use super::browser::{Browser, Page};
use crate::stage::{Guest, Stage, Webhook};

/// Pages that are followed from the first one; more would be the same with other ids.
const FOLLOWED_MAX: usize = 120;

impl Browser<'_> {
    /// All pages that the first one leads to.
    pub(super) async fn crawl(&self) -> Vec<Page> {
        let mut seen = BTreeSet::from(["/console".to_owned()]);
        let mut next = VecDeque::from(["/console".to_owned()]);
        let mut pages = Vec::new();
        while let Some(path) = next.pop_front() {
            let page = self.page(&path).await;
            for link in page.links() {
                let link = link.split('#').next().unwrap_or_default().to_owned();
                if !link.is_empty() && seen.len() < FOLLOWED_MAX && seen.insert(link.clone()) {
                    next.push_back(link);
                }
            }
            pages.push(page);
        }
        pages
    }
}

/// Whether a path is one of a route.
fn is_of(path: &str, route: &str) -> bool {
    let (path, route): (Vec<_>, Vec<_>) = (path.split('/').collect(), route.split('/').collect());
    path.len() == route.len()
        && path.iter().zip(route).all(|(part, wanted)| *part == wanted || wanted.starts_with('{'))
}

/// A system in which something has happened on every page.
pub(super) async fn lived_in(stage: &Stage) {
    let demo = stage.active(Guest(4242)).await;
    let text =
        Webhook::text(&format!("SM{:032x}", 7), &Guest(4242).phone(), "+15550100000", "hello");
    assert_eq!(text.post(stage).await.status, 200);
    for _ in 0..3 {
        stage.noop().await;
    }
    let later = json!({ "kind": "sleep", "args": { "ms": 1 }, "run_at": "2099-01-01T00:00:00Z" });
    stage.new_job(&later).await;
    let id = stage.noop().await;
    let path = format!("/v1/admin/jobs/{id}/cancel");
    let why = json!({ "reason": "a try" });
    stage.post(&path).as_operator().json(&why).send().await.is(202);
    let many = json!({ "deed": "cancel", "state": "ready", "kind": "noop", "reason": "a try" });
    stage.post("/v1/admin/operations").as_operator().json(&many).send().await.is(202);
    assert!(!demo.tenant.is_empty());
}

#[tokio::test]
async fn every_page_is_whole_and_every_link_and_form_leads_to_a_route_that_is_there() {
    let stage = Stage::open().await;
    lived_in(&stage).await;
    let browser = stage.browser().await;
    let pages = browser.crawl().await;
    let sections = ROUTES.iter().filter(|route| route.guard == api::Guard::ConsoleSession);
    for route in sections.filter(|route| route.path != "/console/live") {
        let path = |page: &&Page| is_of(page.path.split('?').next().unwrap(), route.path);
        assert!(pages.iter().find(path).is_some(), "nothing leads to {}", route.path);
    }
    for page in &pages {
        for link in page.links() {
            let path = link.split(['?', '#']).next().unwrap();
            let is_own = link.starts_with('#');
            let is_route = |method: &str| {
                let of = |it: &&api::Route| it.method == method && is_of(path, it.path);
                ROUTES.iter().find(of).is_some()
            };
            assert!(is_own || path.starts_with("/console") && is_route("GET"), "{link}");
        }
        for form in page.forms() {
            let filters =
                ["/console/jobs", "/console/webhooks", "/console/tenants", "/console/numbers"];
            let is_get = filters.contains(&form.action.as_str());
            let method = if is_get { "GET" } else { "POST" };
            let is_there = |it: &&api::Route| it.method == method && is_of(&form.action, it.path);
            assert!(ROUTES.iter().find(is_there).is_some(), "{}", form.action);
            assert_eq!(is_get, form.get("csrf").is_empty(), "{}: {form:?}", page.path);
        }
    }
    assert!(pages.len() > 20, "{}", pages.len());
}

#[tokio::test]
async fn the_pages_of_a_system_in_which_nothing_has_happened_are_whole_too() {
    let stage = Stage::open().await;
    let browser = stage.browser().await;
    for section in [
        "",
        "/jobs",
        "/queues",
        "/errors",
        "/operations",
        "/schedules",
        "/workers",
        "/webhooks",
        "/audit",
        "/switches",
        "/tenants",
        "/numbers",
    ] {
        browser.page(&format!("/console{section}")).await;
    }
    let words = browser.page("/console").await.words();
    assert!(words.contains("no worker takes jobs"), "{words}");
    for nothing in
        ["/console/jobs/1", "/console/operations/1", "/console/webhooks/x", "/console/jobs/%2F"]
    {
        let answer = browser.get(nothing).await;
        assert_eq!(answer.status, 404, "{answer:?}");
        Page { path: nothing.to_owned(), answer }.check();
    }
    let slip = browser.get("/console/jobs?tenant=nobody").await;
    assert_eq!(slip.status, 422, "{slip:?}");
    assert!(slip.text.contains("tenant must be a UUID"), "{slip:?}");
}

#[tokio::test]
async fn the_first_page_says_what_is_wrong_in_the_doctor_s_words() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    let name = stage.job(&id).await["queue"].as_str().unwrap().to_owned();
    let promise = json!({ "latency_target_ms": 1, "reason": "a promise" });
    let path = format!("/v1/admin/queues/{name}/settings");
    stage.post(&path).as_operator().json(&promise).send().await.is(200);
    stage.db.advance(std::time::Duration::from_mins(2)).await;
    let bypass = json!({ "mode": "sms_bypass", "reason": "the carrier is down" });
    stage.post("/api/admin/maintenance").as_operator().json(&bypass).send().await.is(200);
    sqlx::query(
        "insert into trunkline.gates (gate_id, form, scope, breaker) select
         encode(substr(sha256('\\x627265616b657200' || 'twilio'::bytea || '\\x0000'), 1, 16), 'hex')::uuid,
         'breaker', 'twilio', jsonb_build_object('trips', 1, 'phase', jsonb_build_object(
             'phase', 'open', 'until', trunkline.now() + interval '5 minutes'))",
    )
    .execute(stage.db.owner())
    .await
    .unwrap();
    // What the doctor prints.
    let answer = stage.get("/health/detailed").as_operator().send_unchecked().await.is(503);
    let findings: Vec<_> = answer["findings"].as_array().unwrap().iter().collect();
    let words = stage.browser().await.page("/console").await.words();
    let says = |finding: &&Value| finding["says"].as_str().unwrap().to_owned();
    for known in ["twilio failed again and again", "sms_bypass is on since", "no worker"] {
        assert!(findings.iter().any(|it| says(it).starts_with(known)), "{known}: {findings:#?}");
    }
    // How long is another number by then.
    for finding in findings.iter().map(says) {
        let counts = [" is behind: ", " is late: ", " ago"].iter().any(|it| finding.contains(it));
        assert!(counts || words.contains(&finding), "{finding:?} is not in {words}");
    }
    assert!(words.contains(&format!("{name} is behind: its next job waits for")), "{words}");
    assert!(words.contains(&format!("{name} behind ready 1 running 0")), "{words}");
}

#[tokio::test]
async fn a_filter_stands_in_the_address_and_older_jobs_are_reached_from_it() {
    let stage = Stage::open().await;
    for _ in 0..53 {
        stage.noop().await;
    }
    stage.new_job(&json!({ "kind": "sleep", "args": { "ms": 1 } })).await;
    let browser = stage.browser().await;
    let first = browser.page("/console/jobs?kind=noop&state=ready&since=1h").await;
    let form = first.form("/console/jobs");
    let kept = [form.get("kind"), form.get("state"), form.get("since")];
    assert_eq!(kept, ["noop", "ready", "1h"]);
    let jobs = |page: &Page| {
        let links = page.links().into_iter().filter(|link| link.starts_with("/console/jobs/"));
        links.collect::<BTreeSet<_>>()
    };
    assert!(first.words().contains("50 and more · older"), "{}", first.words());
    let older = first.links().into_iter().find(|link| link.contains("cursor=")).unwrap();
    let second = browser.page(&older).await;
    assert_eq!((jobs(&first).len(), jobs(&second).len()), (50, 3));
    assert!(jobs(&first).is_disjoint(&jobs(&second)));
    assert!(second.links().iter().any(|it| it == "/console/jobs?kind=noop&state=ready&since=1h"));
    let others = browser.page("/console/jobs?kind=sleep").await;
    assert_eq!(jobs(&others).len(), 1);
}

#[tokio::test]
async fn a_job_s_page_says_why_it_does_not_run() {
    let stage = Stage::open().await;
    let id = stage.noop().await;
    let page = stage.browser().await.page(&format!("/console/jobs/{id}")).await;
    let words = page.words();
    assert!(words.contains("no live worker takes jobs of its queue"), "{words}");
    assert!(words.contains(&format!("id {id}")), "{words}");
}
