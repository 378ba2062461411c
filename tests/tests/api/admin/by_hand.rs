//! Jobs by the names of their kinds, and other arguments for them: with what the order needs that usually makes them.

use serde_json::{Value, json};
use tests::Answer;

use crate::stage::{Guest, Stage};

/// Somebody on call.
async fn operator(stage: &Stage) -> String {
    stage.new_key(&json!({ "name": "ada", "role": "operator" })).await
}

async fn make(stage: &Stage, key: &str, kind: &str, args: Value) -> Answer {
    let body = json!({ "kind": kind, "args": args });
    stage.post("/v1/admin/jobs").bearer(key).json(&body).send().await
}

async fn edit(stage: &Stage, key: &str, job: &str, args: Value) -> Answer {
    let body = json!({ "args": args, "reason": "a typing mistake" });
    stage.post(&format!("/v1/admin/jobs/{job}/args")).bearer(key).json(&body).send().await
}

async fn jobs(stage: &Stage) -> i64 {
    stage.db.number("select from trunkline.jobs").await
}

/// What is wrong with a field.
fn wrong(answer: &Answer, pointer: &str) -> String {
    let body = answer.problem(422, "invalid_fields");
    let errors = body["errors"].as_array().unwrap();
    let found = errors.iter().find(|error| error["pointer"] == pointer);
    found.unwrap_or_else(|| panic!("{pointer}: {body}"))["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_for_jobs_makes_nothing_that_tenants_numbers_or_money_hang_on() {
    let stage = Stage::open().await;
    let tenant = stage.active(Guest(1)).await.tenant;
    let key = operator(&stage).await;
    let before = jobs(&stage).await;
    for (kind, args, scope) in [
        ("cancel_subscription", json!({ "tenant": tenant, "at": "now" }), "billing"),
        ("change_plan", json!({ "tenant": tenant, "plan": "starter" }), "billing"),
        ("create_subscription", json!({ "plan": "starter" }), "billing"),
        ("apply_stripe_event", json!({ "event": "evt_1", "object": "sub_1" }), "billing"),
        ("meter_usage", json!({}), "billing"),
        ("reconcile_stripe", json!({}), "billing"),
        ("demo_convert", json!({ "tenant": tenant }), "tenants"),
        ("demo_restore", json!({ "tenant": tenant }), "tenants"),
        ("demo_expire", json!({ "tenant": tenant, "early": true }), "tenants"),
        ("demo_cleanup", json!({ "tenant": tenant }), "tenants"),
        ("allocate_number", json!({ "tenant": tenant }), "tenants"),
        ("release_number", json!({ "tenant": tenant }), "tenants"),
        ("recover_numbers", json!({ "whose": "all" }), "tenants"),
        ("buy_number", json!({}), "tenants"),
        ("return_number", json!({ "number": tenant, "in_any_case": true }), "tenants"),
    ] {
        let answer = make(&stage, &key, kind, args).await;
        assert_eq!(answer.problem(403, "scope_required")["scope"], scope, "{kind}");
    }
    assert_eq!(jobs(&stage).await, before);
    let noop = make(&stage, &key, "noop", json!({})).await;
    noop.is(201);
    // What the runbooks have somebody on call do.
    make(&stage, &key, "sync_number_webhooks", json!({})).await.is(201);
    stage.db.may_leave_jobs();
}

/// The order asks whether the tenant is there, and makes one job about its money at a time; the name of a kind does not.
#[tokio::test]
async fn what_an_order_or_a_provider_makes_is_not_made_by_its_name_with_any_key() {
    let stage = Stage::open().await;
    let tenant = stage.active(Guest(1)).await.tenant;
    let all = stage.new_key(&json!({ "name": "root", "role": "admin" })).await;
    let before = jobs(&stage).await;
    let forged = json!({ "tenant": tenant, "by": "operator:ada (0123456789ab)", "reason": "x" });
    let text = json!({ "to": "+436641234567", "body": "Free!", "purpose": "x" });
    for (kind, args, instead) in [
        ("cancel_tenant_jobs", forged, "PATCH /v1/admin/businesses/{id}"),
        (
            "cancel_subscription",
            json!({ "tenant": tenant, "at": "now" }),
            "POST /v1/admin/businesses/{tenant}/subscription/cancel",
        ),
        ("demo_convert", json!({ "tenant": tenant }), "POST /v1/admin/demo/{tenant}/convert"),
        ("release_number", json!({ "tenant": tenant }), "POST /v1/admin/numbers/{id}/release"),
        ("erase", json!({ "erasure": tenant }), "POST /v1/admin/erasures"),
        ("operate_jobs", json!({}), "POST /v1/admin/operations"),
        ("send_sms", text, "POST /api/messages"),
        ("call_status", json!({ "sid": "CA1" }), "POST /v1/admin/webhooks/{id}/replay"),
        ("take_message", json!({ "tenant": tenant }), "a call makes it"),
    ] {
        let why = wrong(&make(&stage, &all, kind, args).await, "/kind");
        assert!(why.starts_with("is not made by its name: ") && why.contains(instead), "{why}");
    }
    assert_eq!(jobs(&stage).await, before);
}

#[tokio::test]
async fn whose_job_it_is_stands_in_the_job_and_in_the_record_where_its_arguments_say_so() {
    let stage = Stage::open().await;
    let tenant = stage.active(Guest(1)).await.tenant;
    let key = stage.key(json!(["tenants", "jobs"])).await;
    let made = make(&stage, &key, "allocate_number", json!({ "tenant": tenant })).await.is(201);
    let job = stage.job(made["id"].as_str().unwrap()).await;
    assert_eq!(job["tenant_id"], json!(tenant));
    let recorded = |action: &str| {
        format!(
            "select from product.audit_log where action = '{action}' and tenant_id = '{tenant}'"
        )
    };
    assert_eq!(stage.db.number(&recorded("job.enqueued")).await, 1);
    let other = json!({ "kind": "allocate_number", "args": { "tenant": tenant },
        "tenant_id": uuid::Uuid::nil() });
    let other = stage.post("/v1/admin/jobs").bearer(&key).json(&other).send().await;
    assert_eq!(wrong(&other, "/tenant_id"), "is not the tenant of the arguments");
    let edited = edit(&stage, &key, made["id"].as_str().unwrap(), json!({ "tenant": tenant }));
    edited.await.is(202);
    assert_eq!(stage.db.number(&recorded("job.args_edited")).await, 1);
    stage.db.may_leave_jobs();
}

#[tokio::test]
async fn other_arguments_need_what_the_order_needs_and_forge_no_name() {
    let stage = Stage::open().await;
    let tenant = stage.active(Guest(1)).await.tenant;
    let path = format!("/v1/admin/businesses/{tenant}/subscription/cancel");
    let ordered = stage.post(&path).as_operator().json(&json!({ "at": "period_end" })).send().await;
    let job = ordered.is(202)["jobId"].as_str().unwrap().to_owned();
    let now = json!({ "tenant": tenant, "at": "now" });
    let key = operator(&stage).await;
    let refused = edit(&stage, &key, &job, now.clone()).await;
    assert_eq!(refused.problem(403, "scope_required")["scope"], "billing");
    assert_eq!(stage.job(&job).await["args"]["at"], "period_end");
    let hers = stage.key(json!(["jobs", "billing"])).await;
    edit(&stage, &hers, &job, now.clone()).await.is(202);
    assert_eq!(stage.job(&job).await["args"], now);

    // So does the input of a deed of it.
    let answer = async |word: &str, value: Value| {
        let body = json!({ "claim": 1, "answer": word, "value": value });
        let path = format!("/v1/admin/jobs/{job}/answer");
        stage.post(&path).bearer(&key).json(&body).send().await
    };
    let refused = answer("edit_input", json!({})).await;
    assert_eq!(refused.problem(403, "scope_required")["scope"], "billing");
    answer("retry", Value::Null).await.problem(409, "changed_meanwhile");

    let path = format!("/v1/admin/businesses/{tenant}");
    let suspend = stage.ask(&reqwest::Method::PATCH, &path).as_operator();
    suspend.json(&json!({ "status": "SUSPENDED" })).send().await.is(200);
    let kinds = "select job_id::text from trunkline.jobs j join trunkline.kinds k using (kind_id)
                 where k.name = 'cancel_tenant_jobs'";
    let job = stage.db.text(kinds).await;
    let forged = json!({ "tenant": tenant, "by": "operator:ada (0123456789ab)", "reason": "x" });
    let root = stage.new_key(&json!({ "name": "root", "role": "admin" })).await;
    let why = wrong(&edit(&stage, &root, &job, forged).await, "/args");
    assert!(why.contains("PATCH /v1/admin/businesses/{id}"), "{why}");
    assert_eq!(stage.job(&job).await["args"]["by"], "operator:admin-key");
    let path = "/v1/admin/jobs/00000000-0000-7000-8000-000000000000/args";
    let nothing = json!({ "args": {}, "reason": "r" });
    stage.post(path).bearer(&root).json(&nothing).send().await.problem(404, "not_found");
    stage.db.may_leave_jobs();
}

#[tokio::test]
async fn a_demo_that_buys_a_plan_is_converted_with_a_key_for_money_too() {
    let stage = Stage::open().await;
    let tenant = stage.active(Guest(1)).await.tenant;
    let path = format!("/v1/admin/demo/{tenant}/convert");
    let key = stage.key(json!(["tenants"])).await;
    let convert = async |body: Value| stage.post(&path).bearer(&key).json(&body).send().await;
    let refused = convert(json!({ "plan": "starter" })).await;
    assert_eq!(refused.problem(403, "scope_required")["scope"], "billing");
    convert(json!({})).await.is(202);
    stage.db.may_leave_jobs();
}
