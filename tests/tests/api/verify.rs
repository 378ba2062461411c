//! A code, tried.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use tests::{holds, wait_until};

use crate::stage::{CODE, CODE_OVER, Demo, Guest, Stage, WRONG_CODE};

#[tokio::test]
async fn the_right_code_gives_the_token_and_moves_the_sign_up_on() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    let answer = stage.verify(&demo, CODE).await;
    let body = answer.is(202);
    let mut names: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let wanted = ["accessToken", "message", "nextStep", "statusUrl", "success", "tenantId"];
    assert_eq!(names, wanted);
    assert_eq!(body["tenantId"], demo.tenant);
    assert_eq!(answer.header("location"), body["statusUrl"].as_str().unwrap());
    assert_eq!(stage.status_of(&demo).await, "provisioning");
    // The job will find it when it comes to wait.
    let signal = "select from trunkline.signals s join product.demo_signups d using (job_id)
                  where s.name = 'phone_verified' and s.payload = '{\"by\":\"code\"}'";
    assert_eq!(stage.db.number(signal).await, 1);
    let audit =
        "select from product.audit_log where action = 'demo.phone_verified' and actor = 'visitor'";
    assert_eq!(stage.db.number(audit).await, 1);
}

#[tokio::test]
async fn the_phone_names_the_sign_up_as_well_as_the_tenant_does() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    stage.verify_by_phone("0664 1000001", WRONG_CODE).await.problem(400, "code_wrong");
    let body = stage.verify_by_phone("0664 1000001", CODE).await.is(202);
    assert_eq!(body["tenantId"], demo.tenant);
}

#[tokio::test]
async fn of_two_sign_ups_with_one_phone_the_newest_code_is_meant() {
    let stage = Stage::open().await;
    let guest = Guest(1);
    let first = stage.invited(guest).await;
    let form = Guest::form_with(&guest.phone(), "another@example.com");
    let body = stage.post("/api/demo/create-tenant").from_ip(Guest(2).ip()).json(&form);
    let body = body.send().await.is(202);
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    let second = Demo { tenant: text("tenantId"), bot: text("botId"), token: String::new(), guest };
    stage.issue_code(&second).await;
    let body = stage.verify_by_phone(&guest.phone(), CODE).await.is(202);
    assert_eq!(body["tenantId"], second.tenant);
    assert_eq!(stage.status_of(&first).await, "pending_verification");
    stage.verify(&first, CODE).await.is(202);
}

#[tokio::test]
async fn a_wrong_code_counts_down_and_after_the_third_the_right_one_is_no_use() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    for left in [2, 1, 0] {
        let body = stage.verify(&demo, WRONG_CODE).await.problem(400, "code_wrong");
        assert_eq!(body["attemptsLeft"], left);
    }
    stage.verify(&demo, WRONG_CODE).await.problem(400, "code_exhausted");
    stage.verify(&demo, CODE).await.problem(400, "code_exhausted");
    stage.verify_by_phone(&demo.guest.phone(), CODE).await.problem(400, "code_exhausted");
    assert_eq!(stage.status_of(&demo).await, "pending_verification");
    assert_eq!(stage.db.number("select from trunkline.signals").await, 0);
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    stage.db.advance(CODE_OVER).await;
    stage.verify(&demo, CODE).await.problem(400, "code_expired");
    assert_eq!(stage.status_of(&demo).await, "pending_verification");
}

#[tokio::test]
async fn a_code_works_until_its_last_moment() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    stage.db.advance(Duration::from_mins(9)).await;
    stage.verify(&demo, CODE).await.is(202);
}

#[tokio::test]
async fn a_code_works_once() {
    let stage = Stage::open().await;
    let demo = stage.verified(Guest(1)).await;
    let answer = stage.verify(&demo, CODE).await;
    answer.problem(400, "code_used");
    assert!(!answer.text.contains("accessToken"));
    stage.verify_by_phone(&demo.guest.phone(), CODE).await.problem(400, "code_used");
}

#[tokio::test]
async fn a_code_of_a_sign_up_that_came_to_nothing_opens_nothing() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    stage.fail(&demo).await;
    stage.verify(&demo, CODE).await.problem(400, "code_expired");
    assert_eq!(stage.status_of(&demo).await, "failed");
}

#[tokio::test]
async fn where_no_code_was_sent_the_answers_are_those_of_a_wrong_one() {
    let stage = Stage::open().await;
    let known = stage.invited(Guest(1)).await;
    for _ in 0..5 {
        let known = stage.verify_by_phone(&known.guest.phone(), WRONG_CODE).await;
        let unknown = stage.verify_by_phone(&Guest(2).phone(), WRONG_CODE).await;
        assert_eq!(known.status, unknown.status);
        assert_eq!(known.text_without_instance(), unknown.text_without_instance());
    }
    // The same by a tenant's id that nobody has.
    let unknown = Demo { tenant: uuid::Uuid::nil().to_string(), ..known };
    for left in [2, 1, 0] {
        let body = stage.verify(&unknown, CODE).await.problem(400, "code_wrong");
        assert_eq!(body["attemptsLeft"], left);
    }
    stage.verify(&unknown, CODE).await.problem(400, "code_exhausted");
}

#[tokio::test]
async fn of_eight_that_have_the_right_code_at_once_one_is_let_in() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let demo = stage.invited(Guest(1)).await;
    let body = json!({ "tenantId": demo.tenant, "code": CODE });
    let tried = (0..8).map(|number| {
        let api = if number % 2 == 0 { &stage.api } else { &other };
        api.post("/api/demo/verify-phone").json(&body).send()
    });
    let answers = join_all(tried).await;
    let (right, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 202);
    assert_eq!(right.len(), 1, "{answers:?}");
    for answer in refused {
        answer.problem(400, "code_used");
    }
    assert_eq!(stage.db.number("select from trunkline.signals").await, 1);
    let token = right[0].json()["accessToken"].as_str().unwrap().to_owned();
    stage.get(&demo.access_path()).bearer(&token).send().await.problem(409, "demo_not_ready");
}

#[tokio::test]
async fn wrong_codes_at_once_are_all_counted() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    let answers = join_all((0..9).map(|_| stage.verify(&demo, WRONG_CODE))).await;
    let wrong = answers.iter().filter(|answer| answer.json()["code"] == "code_wrong").count();
    assert_eq!(wrong, 3, "{answers:?}");
    stage.verify(&demo, CODE).await.problem(400, "code_exhausted");
}

#[tokio::test]
async fn a_mixture_of_both_bodies_is_neither() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    let (tenant, phone) = (&demo.tenant, demo.guest.phone());
    for body in [
        json!({ "tenantId": tenant, "verificationCode": CODE }),
        json!({ "phoneNumber": phone, "code": CODE }),
        json!({ "tenantId": tenant, "code": CODE, "phoneNumber": phone, "verificationCode": CODE }),
        json!({ "tenantId": tenant, "code": CODE, "wait": "5s" }),
        json!({ "tenantId": tenant, "code": 424_242 }),
        json!({ "tenantId": tenant, "code": "42424" }),
    ] {
        let answer = stage.post("/api/demo/verify-phone").json(&body).send().await;
        answer.problem(422, "invalid_fields");
    }
    stage.verify(&demo, CODE).await.is(202);
}

#[tokio::test]
async fn who_waits_gets_everything_once_it_is_ready() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    let body = json!({ "tenantId": demo.tenant, "code": CODE });
    let verifying = stage.post("/api/demo/verify-phone?wait=10s").json(&body).send();
    let working = async {
        let provisioning = async || holds(stage.status_of(&demo).await == "provisioning");
        wait_until("the code is used", provisioning).await;
        stage.provision(&demo).await;
    };
    let (answer, ()) = tokio::join!(verifying, working);
    let body = answer.is(200);
    assert_eq!(body["demoTenant"]["id"], demo.tenant);
    assert_eq!(body["access"]["temporaryPassword"], Demo::PASSWORD);
    assert!(body["accessToken"].is_string() && body["demoInstructions"].is_object(), "{body}");
}

#[tokio::test]
async fn who_waits_in_vain_is_told_where_to_look() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    let body = json!({ "tenantId": demo.tenant, "code": CODE });
    let ask = |wait: &str| {
        let path = format!("/api/demo/verify-phone?wait={wait}");
        stage.post(&path).json(&body).send()
    };
    for wait in ["soon", "-1s", "5m", ""] {
        ask(wait).await.problem(422, "invalid_fields");
    }
    let body = ask("150ms").await.is(202);
    assert!(body["accessToken"].is_string() && body["statusUrl"].is_string(), "{body}");
}

/// The same wrong guess, by phone, whatever stands behind it.
async fn guesses(stage: &Stage, phone: &str) -> Vec<(u16, String)> {
    let mut answers = Vec::new();
    for _ in 0..5 {
        let answer = stage.verify_by_phone(phone, WRONG_CODE).await;
        answers.push((answer.status, answer.text_without_instance()));
    }
    answers
}

#[tokio::test]
async fn by_phone_a_wrong_guess_tells_nothing_whatever_became_of_the_code() {
    let stage = Stage::open().await;
    let unknown = guesses(&stage, &Guest(9).phone()).await;
    let live = stage.invited(Guest(1)).await;
    let used = stage.verified(Guest(2)).await;
    let expired = stage.invited(Guest(3)).await;
    let over = "update product.demo_verification_codes
                set created_at = created_at - interval '1 hour', expires_at = expires_at - interval '1 hour'
                where tenant_id = '{}'";
    let mut superuser = stage.db.superuser().await;
    let over = over.replace("{}", &expired.tenant);
    sqlx::raw_sql(sqlx::AssertSqlSafe(over)).execute(&mut superuser).await.unwrap();
    let exhausted = stage.invited(Guest(4)).await;
    let tried = "update product.demo_verification_codes set attempts = 3 where tenant_id = '{}'";
    let tried = tried.replace("{}", &exhausted.tenant);
    sqlx::raw_sql(sqlx::AssertSqlSafe(tried)).execute(&mut superuser).await.unwrap();
    for demo in [&live, &used, &expired, &exhausted] {
        assert_eq!(guesses(&stage, &demo.guest.phone()).await, unknown, "{:?}", demo.tenant);
    }
    // Whoever knows the tenant is told which it is.
    stage.verify(&live, WRONG_CODE).await.problem(400, "code_exhausted");
    stage.verify(&used, WRONG_CODE).await.problem(400, "code_used");
    stage.verify(&expired, WRONG_CODE).await.problem(400, "code_expired");
    stage.verify(&exhausted, WRONG_CODE).await.problem(400, "code_exhausted");
}

#[tokio::test]
async fn who_guesses_again_and_again_has_to_wait_longer_each_time() {
    let stage = Stage::open().await;
    let demo = stage.invited(Guest(1)).await;
    for _ in 0..3 {
        stage.verify(&demo, WRONG_CODE).await.problem(400, "code_wrong");
    }
    let mut pauses = Vec::new();
    for _ in 0..3 {
        stage.issue_code(&demo).await; // a new code does not make the guesses undone
        let answer = stage.verify(&demo, CODE).await;
        answer.problem(429, "rate_limited");
        let pause: u64 = answer.header("retry-after").parse().unwrap();
        stage.db.advance(Duration::from_secs(pause)).await;
        stage.verify(&demo, WRONG_CODE).await.problem(400, "code_wrong");
        pauses.push(pause);
    }
    assert!(pauses.windows(2).all(|pair| pair[1] > pair[0] * 3 / 2), "{pauses:?}");
    stage.issue_code(&demo).await;
    stage.db.advance(Duration::from_secs(130)).await;
    stage.verify(&demo, CODE).await.is(202);
    let forgotten = "select from product.verification_failures";
    assert_eq!(stage.db.number(forgotten).await, 0, "a right code forgets the wrong ones");
}
