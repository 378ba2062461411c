//! Wrong keys, counted by address over all instances, at the API and at the console's login alike.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use futures::future::join_all;
use serde_json::json;
use tests::{ADMIN_KEY, Answer, TestApi};

use crate::stage::Stage;

const MAX: usize = 20;
const WINDOW_SECS: u64 = 15 * 60;
const STRANGER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);

async fn lists(api: &TestApi, key: &str, ip: impl Into<IpAddr>) -> Answer {
    api.get("/v1/admin/jobs").bearer(key).from_ip(ip).send().await
}

/// As many wrong keys as are looked at.
async fn exhaust(api: &TestApi) {
    for _ in 0..MAX {
        lists(api, "guess", STRANGER).await.problem(401, "admin_key_required");
    }
}

/// Says in how many seconds to come back.
#[track_caller]
fn refused(answer: &Answer) -> u64 {
    answer.problem(429, "rate_limited");
    let secs = answer.header("retry-after").parse().unwrap();
    assert!((1..=WINDOW_SECS).contains(&secs), "{secs}");
    assert_eq!(answer.header("ratelimit-policy"), "\"wrong-keys\";q=20;w=900");
    secs
}

#[tokio::test]
async fn twenty_wrong_keys_of_an_address_are_looked_at_over_all_instances_and_it_ends() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let unknown = domain::api_keys::ApiKey::generate(&mut rand::rng());
    for number in 0..MAX {
        let api = if number % 2 == 0 { &stage.api } else { &other };
        let key = if number % 3 == 0 { unknown.expose() } else { "guess" };
        let answer = lists(api, key, STRANGER).await;
        answer.problem(401, "admin_key_required");
        let left = format!("\"wrong-keys\";r={};t=", MAX - 1 - number);
        assert!(answer.header("ratelimit").starts_with(&left), "{answer:?}");
    }
    refused(&lists(&stage.api, "guess", STRANGER).await);
    let secs = refused(&lists(&other, unknown.expose(), STRANGER).await);
    // Another address, and one of the same network of an IPv6 customer.
    lists(&other, "guess", Ipv4Addr::new(203, 0, 113, 8)).await.problem(401, "admin_key_required");
    stage.db.advance(Duration::from_secs(secs)).await;
    // A process that has refused nobody yet: what one remembers of a flood, it does for a second.
    let fresh = stage.another_api().await;
    lists(&fresh, "guess", STRANGER).await.problem(401, "admin_key_required");
}

#[tokio::test]
async fn many_wrong_keys_at_the_same_moment_are_counted_one_by_one() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let apis = [&stage.api, &other];
    let tried = (0..40).map(|number| lists(apis[number % 2], "guess", STRANGER));
    let answers = join_all(tried).await;
    let looked_at = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(looked_at, MAX);
}

#[tokio::test]
async fn a_right_key_passes_whatever_a_stranger_behind_the_same_address_tries() {
    let stage = Stage::open().await;
    let key = stage.key(json!(["read"])).await;
    exhaust(&stage.api).await;
    for _ in 0..3 {
        refused(&lists(&stage.api, "guess", STRANGER).await);
        lists(&stage.api, &key, STRANGER).await.is(200);
        lists(&stage.api, ADMIN_KEY, STRANGER).await.is(200);
    }
}

#[tokio::test]
async fn a_request_without_a_key_and_a_right_key_count_nothing() {
    let stage = Stage::open().await;
    for _ in 0..=MAX {
        let nobody = stage.get("/v1/admin/jobs").from_ip(STRANGER).send().await;
        nobody.problem(401, "admin_key_required");
        lists(&stage.api, ADMIN_KEY, STRANGER).await.is(200);
    }
    lists(&stage.api, "guess", STRANGER).await.problem(401, "admin_key_required");
}
