//! Three tenants to look at, ordered.

use serde_json::{Value, json};
use tests::Answer;

use crate::stage::{Rows, Stage};

const PATH: &str = "/v1/admin/demo-tenants";

async fn seed(stage: &Stage, body: &Value) -> Answer {
    stage.post(PATH).as_operator().json(body).send().await
}

#[tokio::test]
async fn three_tenants_to_show_are_ordered_once_however_often() {
    let stage = Stage::with(&[("PUBLIC_BASE_URL", "http://127.0.0.1:8080")]).await;
    let first = seed(&stage, &json!({ "reason": "a fair" })).await.is(202);
    let tenants = first["tenants"].as_array().unwrap();
    let names: Vec<_> = tenants.iter().map(|tenant| tenant["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["Bäckerei Steinbach", "Zahnarztpraxis Dr. Moser", "Byrne & Daughter Plumbing"]
    );
    for tenant in tenants {
        assert_eq!(tenant["is_new"], true);
        let job = stage.job(tenant["job_id"].as_str().unwrap()).await;
        assert_eq!((&job["kind"], &job["tenant_id"]), (&json!("show_demo"), &tenant["tenant_id"]));
    }
    let before = Rows::count(&stage.db).await;
    let again = seed(&stage, &json!({})).await.is(200);
    let is_new = |tenant: &Value| tenant["is_new"] == true || tenant["job_id"].is_string();
    assert!(!again["tenants"].as_array().unwrap().iter().any(is_new), "{again}");
    assert_eq!(Rows::count(&stage.db).await, before, "twice is once");
    let noted = "select from product.audit_log where action = 'demo.shown' and details ->> 'reason' = 'a fair'";
    assert_eq!(stage.db.number(noted).await, 3);
}

#[tokio::test]
async fn where_others_reach_the_api_tenants_that_do_not_exist_are_made_only_if_it_is_said() {
    let stage = Stage::open().await;
    let before = Rows::count(&stage.db).await;
    seed(&stage, &json!({})).await.problem(409, "wrong_state");
    seed(&stage, &json!({ "despite_production": false })).await.problem(409, "wrong_state");
    seed(&stage, &json!({ "despite_production": "yes" })).await.problem(422, "invalid_fields");
    assert_eq!(Rows::count(&stage.db).await, before);
    seed(&stage, &json!({ "despite_production": true })).await.is(202);
}
