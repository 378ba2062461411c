//! How much a page asks of the database. What each of its statements costs at a million jobs: `ops/console/measure`.

use daemon::telemetry::Metrics;
use serde_json::json;
use tests::{Proxy, TestApi};

use super::pages::lived_in;
use crate::stage::Stage;

/// Statements of a page, besides those that say who asks and what time it is.
const STATEMENTS_MAX: usize = 5;

/// Whether a statement is about tables, and not about the connection or the clock.
fn is_about_tables(text: &str) -> bool {
    ["from trunkline.", "from product.", "into trunkline.", "into product.", "update "]
        .iter()
        .any(|words| text.contains(words))
}

/// Whether it finds out who asks: the key, and how often it was used. Or what every process looks up now and then.
fn is_about_who_asks(text: &str) -> bool {
    ["product.api_keys", "product.rate_limits", "product.provider_credentials"]
        .iter()
        .any(|table| text.contains(table))
}

/// Whether it asks for the version of the one thing that a page is about: a look by its key, once for a page.
fn is_about_its_version(text: &str) -> bool {
    text.contains("as \"version!\"")
}

#[tokio::test]
async fn every_page_asks_the_database_five_questions_at_the_most() {
    let stage = Stage::open().await;
    lived_in(&stage).await;
    let ready = stage.noop().await;
    let later = json!({ "kind": "sleep", "args": { "ms": 1 }, "run_at": "2099-01-01T00:00:00Z" });
    let later = stage.new_job(&later).await;
    let ended = stage.noop().await;
    let path = format!("/v1/admin/jobs/{ended}/cancel");
    stage.post(&path).as_operator().json(&json!({ "reason": "r" })).send().await.is(202);
    let many = stage.get("/v1/admin/operations").as_operator().send().await.is(200);
    let many = many["items"][0]["id"].as_str().unwrap().to_owned();
    let webhooks = stage.get("/v1/admin/webhooks").as_operator().send().await.is(200);
    let webhook = webhooks["items"][0]["id"].as_str().unwrap().to_owned();
    let schedules = stage.get("/v1/admin/schedules").as_operator().send().await.is(200);
    let schedule = schedules["items"][0]["name"].as_str().unwrap().to_owned();

    let proxy = Proxy::before(stage.db.app_url()).await;
    let engine = stage.db.engine_config_at(proxy.url().clone());
    let api = TestApi::start(engine, &tests::variables(), Metrics::detached()).await;
    let key = stage.key(json!(["read"])).await;
    let browser = stage.browser_of(&key).await;
    for path in [
        "/console".to_owned(),
        "/console/jobs".to_owned(),
        "/console/jobs?kind=noop&state=ready&since=1h".to_owned(),
        format!("/console/jobs/{ready}"),
        format!("/console/jobs/{later}"),
        format!("/console/jobs/{ended}"),
        "/console/queues".to_owned(),
        "/console/errors".to_owned(),
        "/console/operations".to_owned(),
        format!("/console/operations/{many}"),
        "/console/schedules".to_owned(),
        format!("/console/schedules?of={schedule}"),
        "/console/workers".to_owned(),
        "/console/webhooks".to_owned(),
        format!("/console/webhooks/{webhook}"),
        "/console/tenants".to_owned(),
        "/console/tenants?status=trial&name=B".to_owned(),
        "/console/numbers".to_owned(),
        "/console/numbers?status=available".to_owned(),
        "/console/switches".to_owned(),
        "/console/switches?of=demo_disabled".to_owned(),
        "/console/audit".to_owned(),
        "/console/audit?of=engine".to_owned(),
    ] {
        proxy.listen();
        let page = api.get(&path).cookie(&browser.cookie).send_unchecked().await;
        let heard = proxy.heard();
        assert_eq!(page.status, 200, "{path}: {page:?}");
        let heard = heard.into_iter().filter(|text| is_about_tables(text));
        let (who, asked): (Vec<String>, Vec<String>) =
            heard.partition(|text| is_about_who_asks(text));
        assert!((2..=3).contains(&who.len()), "{path}: the key and its limit, once: {who:#?}");
        let (versions, asked): (Vec<_>, Vec<_>) =
            asked.into_iter().partition(|text| is_about_its_version(text));
        assert!(versions.len() <= 1, "{path}: {versions:#?}");
        let is_told = (1..=STATEMENTS_MAX).contains(&asked.len());
        assert!(is_told, "{path} asks {} questions: {asked:#?}", asked.len());
    }
}
