//! Tenants that operators make and find.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use tests::Answer;

use crate::stage::{Guest, Stage};

const PATH: &str = "/v1/admin/businesses";

/// A customer, as an operator makes one.
impl Stage {
    pub(crate) async fn make_business(&self, body: &Value) -> Answer {
        self.post(PATH).as_operator().json(body).send().await
    }

    /// A customer with this name.
    pub(crate) async fn business(&self, name: &str) -> String {
        let made = self.make_business(&json!({ "name": name })).await.is(201);
        made["id"].as_str().unwrap().to_owned()
    }

    async fn businesses(&self, query: &str) -> Value {
        self.get(&format!("{PATH}{query}")).as_operator().send().await.is(200)
    }

    /// What is kept anywhere of what was ordered, as text.
    async fn kept_of_orders(&self) -> String {
        let mut kept = String::new();
        for table in ["product.kept_answers", "product.audit_log", "trunkline.jobs"] {
            let rows = format!("select coalesce(string_agg(t::text, ''), '') from {table} t");
            kept += &self.db.text(&rows).await;
        }
        kept
    }
}

fn person() -> Value {
    json!({ "name": "Bristol Plumbing", "email": "zoe@bristol.example", "first_name": "Zoë",
            "last_name": "O'Neill", "locale": "en-GB", "with_number": true, "reason": "a pilot" })
}

#[tokio::test]
async fn a_customer_is_made_without_a_demo_and_its_first_person_logs_in_and_chooses_a_password() {
    let stage = Stage::open().await;
    let answer = stage.make_business(&person()).await;
    let made = answer.is(201);
    let tenant = made["id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("{PATH}/{tenant}"));
    assert_eq!((&made["status"], &made["name"]), (&json!("active"), &json!("Bristol Plumbing")));
    let job = stage.job(made["number_job_id"].as_str().unwrap()).await;
    assert_eq!((&job["kind"], &job["tenant_id"]), (&json!("allocate_number"), &json!(tenant)));

    let password = made["temporary_password"].as_str().unwrap();
    let opened = stage.login("zoe@bristol.example", password).await;
    assert_eq!(opened.is(200)["mustChangePassword"], true);
    let cookie = opened.cookie();
    stage.get("/api/calls").cookie(&cookie).send().await.problem(403, "must_change_password");
    let body = json!({ "currentPassword": password, "newPassword": "my-own-Palatschinken-8" });
    let path = "/api/auth/change-password";
    let cookie = stage.post(path).cookie(&cookie).json(&body).send().await.cookie();
    let told = stage.get("/api/tenant").cookie(&cookie).send().await.is(200);
    assert_eq!(told["tenant"]["id"], tenant);

    let shown = stage.get(&format!("{PATH}/{tenant}")).as_operator().send().await.is(200);
    assert_eq!((&shown["users"], &shown["plan"]), (&json!(1), &Value::Null));
    assert_eq!(shown["history"][0]["reason"], "made by an operator");
    let prompt = "select from product.bots where system_prompt like '%Bristol Plumbing%' and locale = 'en-GB'";
    assert_eq!(stage.db.number(prompt).await, 1);
    let kept = stage.kept_of_orders().await;
    assert!(kept.contains("tenant.created") && kept.contains("a pilot"), "it is looked at: {kept}");
    for secret in [password, "zoe@", "O'Neill"] {
        assert!(!kept.contains(secret), "{secret} is kept: {kept}");
    }
    let noted = format!(
        "select from product.audit_log where action = 'tenant.created' and tenant_id = '{tenant}'"
    );
    assert_eq!(stage.db.number(&noted).await, 1);
    stage.db.may_leave_jobs();
}

#[tokio::test]
async fn of_many_orders_under_one_key_at_two_instances_one_makes_a_customer() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let make = async |api: &tests::TestApi, body: &Value| {
        let ask = api.post(PATH).as_operator().header("idempotency-key", "k");
        ask.json(body).send().await
    };
    let body = json!({ "name": "Bakery" });
    let asks = (0..6).map(|n| make(if n % 2 == 0 { &stage.api } else { &other }, &body));
    let answers = futures::future::join_all(asks).await;
    for answer in &answers {
        assert_eq!(answer.is(201), answers[0].is(201));
    }
    assert_eq!(stage.businesses("").await["items"].as_array().unwrap().len(), 1);
    make(&other, &json!({ "name": "Butcher" })).await.problem(422, "idempotency_key_reused");
    // With a password in the answer the repeat hears only whom it was about.
    let order = async || {
        let ask = stage.post(PATH).as_operator().header("idempotency-key", "with a person");
        ask.json(&person()).send().await
    };
    let first = order().await.is(201);
    let again = order().await;
    assert_eq!(again.problem(409, "told_once")["id"], first["id"]);
    assert!(!again.text.contains(first["temporary_password"].as_str().unwrap()));
    assert_eq!(stage.businesses("").await["items"].as_array().unwrap().len(), 2);
    other.stop().await;
    stage.db.may_leave_jobs();
}

#[tokio::test]
async fn tenants_are_found_by_where_they_stand_and_by_a_part_of_their_name_page_by_page() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let mut made = BTreeSet::new();
    for number in 0..5 {
        made.insert(stage.business(&format!("100% Müller {number}")).await);
    }
    let (mut seen, mut query) = (Vec::new(), "?status=active&limit=2".to_owned());
    for _ in 0..3 {
        let page = stage.businesses(&query).await;
        let ids = page["items"].as_array().unwrap().iter();
        seen.extend(ids.map(|it| it["id"].as_str().unwrap().to_owned()));
        let cursor = page["next_cursor"].as_str().unwrap_or_default();
        query = format!("?status=active&limit=2&cursor={cursor}");
    }
    assert!(query.ends_with("cursor="), "{query}");
    let newest_first: Vec<_> = made.into_iter().rev().collect();
    assert_eq!(seen, newest_first);
    let found = async |query: &str| {
        let page = stage.businesses(query).await;
        page["items"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(found("?name=m%C3%9CLLER%203").await, [json!(newest_first[1])]);
    assert_eq!(found("?name=100%25%20M").await.len(), 5, "what is searched for is no pattern");
    assert_eq!(found("?name=_").await.len(), 0);
    for word in ["trial", "demo"] {
        assert_eq!(found(&format!("?status={word}")).await, [json!(demo.tenant)]);
    }
    let item = &stage.businesses("?status=demo").await["items"][0];
    assert!(item["number"].is_string() && item["demo_expires_at"].is_string(), "{item}");
    for wrong in ["?status=lost", "?limit=0", "?limit=101", "?cursor=x", "?name=", "?phone=1"] {
        let path = format!("{PATH}{wrong}");
        stage.get(&path).as_operator().send().await.problem(422, "invalid_fields");
    }
    for nobody in ["x", "0190a0a0-0000-7000-8000-000000000001"] {
        let path = format!("{PATH}/{nobody}");
        stage.get(&path).as_operator().send().await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn of_two_operators_who_have_read_the_same_the_second_does_not_overwrite_the_first() {
    let stage = Stage::open().await;
    let path = format!("{PATH}/{}", stage.business("Bakery").await);
    let tag = async || {
        let read = stage.get(&path).as_operator().send().await;
        read.header("etag").to_owned()
    };
    let set = async |status: &str, tag: &str| {
        let ask = stage.ask(&Method::PATCH, &path).as_operator().header("if-match", tag);
        ask.json(&json!({ "status": status })).send().await
    };
    let first = tag().await;
    set("SUSPENDED", &first).await.is(200);
    set("ACTIVE", &first).await.problem(412, "precondition_failed");
    set("ACTIVE", &tag().await).await.is(200);
    set("SUSPENDED", "*").await.is(200);
    let history = stage.get(&path).as_operator().send().await.is(200)["history"].clone();
    assert_eq!(history.as_array().unwrap().len(), 4);
    stage.db.may_leave_jobs();
}

#[tokio::test]
async fn whoever_has_no_password_of_their_own_yet_is_given_another_and_nobody_else() {
    let stage = Stage::open().await;
    let tenant = stage.business("Bakery").await;
    let add = async |tenant: &str, email: &str| {
        let path = format!("{PATH}/{tenant}/users");
        let body = json!({ "email": email, "first_name": "Ada", "last_name": "B" });
        stage.post(&path).as_operator().json(&body).send().await
    };
    let first = add(&tenant, "ada@bakery.example").await.is(201);
    let second = add(&tenant, "Ada@bakery.example").await.is(201);
    assert_eq!(first["id"], second["id"], "it is the same person");
    let password = |made: &Value| made["temporary_password"].as_str().unwrap().to_owned();
    let login = async |made: &Value| stage.login("ada@bakery.example", &password(made)).await;
    login(&first).await.problem(401, "invalid_credentials");
    let cookie = login(&second).await.cookie();
    let own = json!({ "currentPassword": password(&second), "newPassword": "my-own-Strudel-9" });
    let path = "/api/auth/change-password";
    stage.post(path).cookie(&cookie).json(&own).send().await.is(200);
    add(&tenant, "ada@bakery.example").await.problem(409, "wrong_state");
    stage.login("ada@bakery.example", "my-own-Strudel-9").await.is(200);
    add(&tenant, "bob@bakery.example").await.is(201);
    let demo = stage.active(Guest(1)).await;
    let refused = add(&demo.tenant, &demo.guest.email()).await;
    assert_eq!(refused.problem(409, "wrong_state")["tenantStatus"], "trial");
    stage.session(&demo).await;
    add(&uuid::Uuid::nil().to_string(), "a@b.example").await.problem(404, "not_found");
}
