//! What a verified person is given: facts as often as they ask, the temporary password once.

use futures::future::join_all;
use serde_json::Value;

use crate::stage::{DEMO_OVER, Demo, Guest, Stage};

#[tokio::test]
async fn the_access_data_say_where_to_call_and_how_to_log_in() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let body = stage.get(&demo.access_path()).bearer(&demo.token).send().await.is(200);
    assert_eq!(body["demoTenant"]["id"], demo.tenant);
    assert_eq!(body["demoTenant"]["name"], "Bäckerei");
    assert!(body["demoTenant"]["expiresAt"].is_string(), "{body}");
    let number = body["demoTenant"]["phoneNumber"].as_str().unwrap();
    assert!(number.starts_with('+'), "{body}");
    assert_eq!(body["demoInstructions"]["callPhoneNumber"], number);
    let access = &body["access"];
    assert_eq!(access["loginUrl"], format!("{}/login", tests::PUBLIC_BASE_URL));
    assert_eq!(access["email"], demo.guest.email());
    assert_eq!(access["temporaryPassword"], Demo::PASSWORD);
    assert_eq!(access["mustChangePassword"], true);
    stage.login(&demo.guest.email(), Demo::PASSWORD).await.is(200);
}

#[tokio::test]
async fn of_ten_that_ask_at_once_one_is_told_the_password_and_nobody_after_it() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let demo = stage.active(Guest(1)).await;
    let path = demo.access_path();
    let asked = (0..10).map(|number| {
        let api = if number % 2 == 0 { &stage.api } else { &other };
        api.get(&path).bearer(&demo.token).send()
    });
    let passwords: Vec<Value> = join_all(asked)
        .await
        .iter()
        .map(|answer| answer.is(200)["access"]["temporaryPassword"].clone())
        .collect();
    let told = passwords.iter().filter(|password| !password.is_null());
    assert_eq!(told.collect::<Vec<_>>(), [Demo::PASSWORD], "{passwords:?}");
    let again = stage.get(&path).bearer(&demo.token).send().await.is(200);
    assert!(again["access"]["temporaryPassword"].is_null(), "{again}");
    assert_eq!(again["access"]["email"], demo.guest.email());
    let kept =
        "select from product.demo_access where password_sealed is not null or delivered_at is null";
    assert_eq!(stage.db.number(kept).await, 0, "the sealed password is erased with its delivery");
}

#[tokio::test]
async fn only_its_own_token_opens_a_demo() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let other = stage.active(Guest(2)).await;
    let path = demo.access_path();
    let nowhere = format!("/api/demo/{}/access", uuid::Uuid::nil());
    let wrong = "0123456789abcdef".repeat(4);
    let refused = [
        stage.get(&path).send().await,
        stage.get(&path).bearer("").send().await,
        stage.get(&path).bearer("x").send().await,
        stage.get(&path).bearer(&wrong).send().await,
        stage.get(&path).bearer(&other.token).send().await,
        stage.get(&path).bearer(tests::ADMIN_KEY).send().await,
        stage.get(&path).header("authorization", &format!("Basic {}", demo.token)).send().await,
        stage.get(&format!("{path}?token={}", demo.token)).send().await,
        // A demo that is not there says no more than one whose token this is not.
        stage.get(&nowhere).bearer(&demo.token).send().await,
    ];
    for answer in &refused {
        answer.problem(401, "access_token_required");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer:?}");
        assert_eq!(answer.text_without_instance(), refused[0].text_without_instance());
    }
    stage.get("/api/demo/mine/access").bearer(&demo.token).send().await.problem(404, "not_found");
    let body = stage.get(&path).bearer(&demo.token).send().await.is(200);
    assert_eq!(body["access"]["temporaryPassword"], Demo::PASSWORD, "nobody else has used it up");
}

#[tokio::test]
async fn before_it_is_ready_the_owner_is_told_where_it_stands() {
    let stage = Stage::open().await;
    let demo = stage.verified(Guest(1)).await;
    let body = stage.get(&demo.access_path()).bearer(&demo.token).send().await;
    let body = body.problem(409, "demo_not_ready");
    assert_eq!(body["demoStatus"], "provisioning");
    assert_eq!(body["statusUrl"], format!("{}{}", tests::PUBLIC_BASE_URL, demo.status_path()));
}

#[tokio::test]
async fn a_demo_whose_time_is_over_opens_nothing_and_says_so() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    stage.db.advance(DEMO_OVER).await;
    let answer = stage.get(&demo.access_path()).bearer(&demo.token).send().await;
    answer.problem(403, "demo_expired");
    assert_eq!(stage.status_of(&demo).await, "expired");
}

#[tokio::test]
async fn a_demo_that_came_to_nothing_has_no_access_data() {
    let stage = Stage::open().await;
    let demo = stage.verified(Guest(1)).await;
    stage.fail(&demo).await;
    let answer = stage.get(&demo.access_path()).bearer(&demo.token).send().await;
    answer.problem(401, "access_token_required");
    assert_eq!(stage.status_of(&demo).await, "failed");
}
