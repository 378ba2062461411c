//! A demo, asked for.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Answer, PUBLIC_BASE_URL};
use uuid::Uuid;

use crate::stage::{CODE, Guest, Rows, Stage};

fn keys(body: &Value) -> BTreeSet<&str> {
    body.as_object().unwrap().keys().map(String::as_str).collect()
}

/// What differs between two accepted sign-ups, taken out.
fn shape(answer: &Answer, phone: &str) -> String {
    let body = answer.is(202);
    let text = ["tenantId", "botId"]
        .iter()
        .fold(answer.text.clone(), |text, id| text.replace(body[id].as_str().unwrap(), id));
    let names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
    format!("{names:?} {}", text.replace(phone, "phone"))
}

#[tokio::test]
async fn a_form_is_accepted_with_ids_a_phone_and_where_to_look() {
    let stage = Stage::open().await;
    let guest = Guest(1);
    let answer = stage.ask_for_demo(guest).await;
    let body = answer.is(202);
    assert_eq!(
        keys(&body),
        ["success", "tenantId", "botId", "phoneNumber", "statusUrl"].into(),
        "{body}"
    );
    assert_eq!(body["success"], true);
    assert_eq!(body["phoneNumber"], guest.phone());
    let tenant: Uuid = body["tenantId"].as_str().unwrap().parse().unwrap();
    let _: Uuid = body["botId"].as_str().unwrap().parse().unwrap();
    let url = format!("{PUBLIC_BASE_URL}/api/demo/{tenant}/status");
    assert_eq!(body["statusUrl"], url);
    assert_eq!(answer.header("location"), url);
}

#[tokio::test]
async fn a_phone_alone_is_accepted_in_the_same_shape() {
    let stage = Stage::open().await;
    let body = json!({ "phoneNumber": "0664 100 00 01" });
    let body = stage.post("/api/demo/setup").json(&body).send().await.is(202);
    let wanted =
        ["success", "tenantId", "botId", "phoneNumber", "statusUrl", "message", "expiresIn"];
    assert_eq!(keys(&body), wanted.into(), "{body}");
    assert_eq!(body["phoneNumber"], "+436641000001");
    assert_eq!(body["expiresIn"], 600);
}

#[tokio::test]
async fn the_status_answers_at_once_and_the_job_is_there_with_it() {
    let stage = Stage::open().await;
    let demo = stage.sign_up(Guest(1)).await;
    let status = stage.get(&demo.status_path()).send().await.is(200);
    assert_eq!(keys(&status), ["tenantId", "status", "jobId"].into());
    assert_eq!(status["tenantId"], demo.tenant);
    assert_eq!(status["status"], "pending_verification");
    let path = format!("/v1/admin/jobs/{}", status["jobId"].as_str().unwrap());
    let job = stage.get(&path).as_operator().send().await.is(200);
    assert_eq!((&job["kind"], &job["queue"]), (&json!("demo_signup"), &json!("demo")));
    assert_eq!(job["state"], "ready");
    assert_eq!(job["tenant_id"], demo.tenant);
    assert_eq!(job["args"], json!({ "tenant": demo.tenant, "bot": demo.bot }));
}

#[tokio::test]
async fn a_status_of_nothing_is_not_found() {
    let stage = Stage::open().await;
    let nobody = Uuid::nil();
    stage.get(&format!("/api/demo/{nobody}/status")).send().await.problem(404, "not_found");
    stage.get("/api/demo/mine/status").send().await.problem(404, "not_found");
}

#[tokio::test]
async fn a_phone_that_is_known_and_one_that_is_not_get_the_same_answer() {
    let stage = Stage::open().await;
    let (known, new) = (Guest(1), Guest(2));
    stage.active(known).await;
    for (path, name) in
        [("/api/demo/create-tenant", "contactPhone"), ("/api/demo/setup", "phoneNumber")]
    {
        let ask = async |guest: Guest| {
            let mut form =
                Guest::form_with(&guest.phone(), &format!("other{}@example.com", guest.0));
            form[name] = guest.phone().into();
            let answer = stage.post(path).from_ip(Guest(9).ip()).json(&form).send().await;
            shape(&answer, &guest.phone())
        };
        assert_eq!(ask(known).await, ask(new).await);
        stage.db.advance(std::time::Duration::from_hours(1)).await;
    }
}

#[tokio::test]
async fn no_answer_holds_a_code() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    let job = stage.get(&demo.status_path()).send().await;
    let path = format!("/v1/admin/jobs/{}", job.json()["jobId"].as_str().unwrap());
    let answers = [
        job,
        stage.ask_for_demo(Guest(1)).await,
        stage.ask_for_demo(Guest(2)).await,
        stage.get(&path).as_operator().send().await,
        stage.get("/v1/admin/jobs").as_operator().send().await,
        stage.verify(&demo, CODE).await,
        stage.verify(&demo, CODE).await,
        stage.get(&path).as_operator().send().await,
    ];
    for answer in answers {
        assert!(!answer.text.contains(CODE), "{answer:?}");
        assert!(!format!("{:?}", answer.headers).contains(CODE), "{answer:?}");
    }
}

#[tokio::test]
async fn phone_and_email_of_one_open_demo_are_refused_and_either_alone_is_not() {
    let stage = Stage::open().await;
    let (guest, other) = (Guest(1), Guest(2));
    stage.sign_up(guest).await;
    let sent = |phone: &str, email: &str, from: Guest| {
        let ask = stage.post("/api/demo/create-tenant").from_ip(from.ip());
        ask.json(&Guest::form_with(phone, email)).send()
    };
    let email = guest.email().to_uppercase();
    let answer = sent("0664 / 1000001", &email, Guest(3)).await;
    let body = answer.problem(409, "demo_already_open");
    let wanted = ["type", "title", "status", "code", "instance", "detail", "expiresAt"];
    assert_eq!(keys(&body), wanted.into(), "an id would lead to somebody's demo");
    let expires_at = body["expiresAt"].as_str().unwrap();
    let expires_at: chrono::DateTime<chrono::Utc> = expires_at.parse().unwrap();
    assert!(expires_at > stage.db.now().await);
    sent(&guest.phone(), &other.email(), Guest(4)).await.is(202);
    sent(&other.phone(), &guest.email(), Guest(5)).await.is(202);
}

#[tokio::test]
async fn a_demo_that_is_over_can_be_had_again() {
    let stage = Stage::open().await;
    let failed = stage.sign_up(Guest(1)).await;
    stage.fail(&failed).await;
    stage.ask_for_demo(Guest(1)).await.is(202);
    let over = stage.active(Guest(2)).await;
    stage.ask_for_demo(Guest(2)).await.problem(409, "demo_already_open");
    stage.db.advance(crate::stage::DEMO_OVER).await;
    assert_ne!(stage.sign_up(Guest(2)).await.tenant, over.tenant);
}

#[tokio::test]
async fn of_two_at_the_same_moment_one_is_accepted_and_one_refused() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    for number in 1..=8 {
        let (guest, elsewhere) = (Guest(number), Guest(number + 100));
        let path = "/api/demo/create-tenant";
        let one = stage.post(path).from_ip(guest.ip()).json(&guest.form()).send();
        let two = other.post(path).from_ip(elsewhere.ip()).json(&guest.form()).send();
        let (one, two) = tokio::join!(one, two);
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [202, 409], "{one:?} {two:?}");
    }
    assert_eq!(stage.db.number("select from product.demo_signups").await, 8);
    assert_eq!(stage.db.number("select from trunkline.jobs").await, 8);
}

#[tokio::test]
async fn a_form_that_cannot_be_used_names_every_field_and_writes_nothing() {
    let stage = Stage::open().await;
    let before = Rows::count(&stage.db).await;
    let cases = [
        (
            json!({}),
            vec!["/companyName", "/contactEmail", "/contactPhone", "/firstName", "/lastName"],
        ),
        (Guest::form_with("+436641000001", "nobody"), vec!["/contactEmail"]),
        (Guest::form_with("+436641000001", "a@b@c.de"), vec!["/contactEmail"]),
    ];
    for (form, wanted) in cases {
        let body = stage.post("/api/demo/create-tenant").json(&form).send().await;
        let body = body.problem(422, "invalid_fields");
        let errors = body["errors"].as_array().unwrap();
        let pointers: Vec<_> = errors.iter().map(|it| it["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, wanted, "{body}");
    }
    assert_eq!(Rows::count(&stage.db).await, before);
}

#[tokio::test]
async fn a_phone_that_cannot_be_used_says_so_and_writes_nothing() {
    let stage = Stage::open().await;
    let before = Rows::count(&stage.db).await;
    for phone in [
        "",
        "abc",
        "+1",
        "+34612345678",
        "+43900123456",
        "+4366412345678901",
        "+43664\u{661}234567",
    ] {
        let body = json!({ "phoneNumber": phone });
        let answer = stage.post("/api/demo/setup").json(&body).send().await;
        answer.problem(400, "invalid_phone");
        let form = Guest::form_with(phone, &Guest(1).email());
        let answer = stage.post("/api/demo/create-tenant").json(&form).send().await;
        answer.problem(400, "invalid_phone");
    }
    assert_eq!(Rows::count(&stage.db).await, before);
}

#[tokio::test]
async fn fields_that_a_form_has_besides_are_ignored() {
    let stage = Stage::open().await;
    let mut form = Guest(1).form();
    form["newsletter"] = true.into();
    form["industry"] = "".into();
    form["useCase"] = Value::Null;
    stage.post("/api/demo/create-tenant").json(&form).send().await.is(202);
}
