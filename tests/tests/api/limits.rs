//! How often one may ask, counted over all instances.

use std::{net::Ipv4Addr, time::Duration};

use futures::future::join_all;
use serde_json::json;
use tests::{Answer, TestApi};

use crate::stage::{Guest, Stage};

const WINDOW: Duration = Duration::from_hours(1);
const MAX: usize = 3;

async fn setup(api: &TestApi, guest: Guest, ip: Ipv4Addr) -> Answer {
    api.post("/api/demo/setup")
        .from_ip(ip)
        .json(&json!({ "phoneNumber": guest.phone() }))
        .send()
        .await
}

/// Says in how many seconds to come back.
#[track_caller]
fn refused(answer: &Answer) -> u64 {
    answer.problem(429, "rate_limited");
    let secs = answer.header("retry-after").parse().unwrap();
    assert!((1..=WINDOW.as_secs()).contains(&secs), "{secs}");
    secs
}

#[tokio::test]
async fn one_address_has_three_sign_ups_an_hour_over_all_instances() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let ip = Guest(0).ip();
    for (number, api) in [&stage.api, &other, &stage.api].into_iter().enumerate() {
        setup(api, Guest(u16::try_from(number).unwrap()), ip).await.is(202);
    }
    refused(&setup(&other, Guest(4), ip).await);
    let secs = refused(&setup(&stage.api, Guest(5), ip).await);
    setup(&stage.api, Guest(5), Guest(5).ip()).await.is(202);
    stage.db.advance(Duration::from_secs(secs)).await;
    setup(&other, Guest(6), ip).await.is(202);
    assert_eq!(stage.db.number("select from product.demo_signups").await, 5);
    assert_eq!(stage.db.number("select from trunkline.jobs").await, 5);
}

#[tokio::test]
async fn one_phone_has_three_sign_ups_an_hour_from_wherever() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let guest = Guest(1);
    for (number, api) in [&stage.api, &other, &stage.api].into_iter().enumerate() {
        setup(api, guest, Guest(u16::try_from(number).unwrap()).ip()).await.is(202);
    }
    let form = guest.form();
    let answer = other.post("/api/demo/create-tenant").from_ip(Guest(9).ip()).json(&form).send();
    let secs = refused(&answer.await);
    stage.db.advance(Duration::from_secs(secs)).await;
    setup(&other, guest, Guest(9).ip()).await.is(202);
}

#[tokio::test]
async fn many_at_the_same_moment_are_counted_one_by_one() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let ip = Guest(0).ip();
    let asked = (0..12_u16).map(|number| {
        let api = if number % 2 == 0 { &stage.api } else { &other };
        setup(api, Guest(number), ip)
    });
    let answers = join_all(asked).await;
    let accepted = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!(accepted, MAX, "{answers:?}");
    answers.iter().filter(|answer| answer.status != 202).for_each(|answer| {
        refused(answer);
    });
    assert_eq!(stage.db.number("select from product.demo_signups").await, 3);
}

#[tokio::test]
async fn an_address_over_its_limit_uses_up_nobody_s_phone() {
    let stage = Stage::open().await;
    let (ip, victim) = (Guest(0).ip(), Guest(9));
    for number in 1..=3 {
        setup(&stage.api, Guest(number), ip).await.is(202);
    }
    for _ in 0..4 {
        refused(&setup(&stage.api, victim, ip).await);
    }
    for number in 1..=3 {
        setup(&stage.api, victim, Guest(number).ip()).await.is(202);
    }
}

#[tokio::test]
async fn what_is_no_request_at_all_is_not_counted() {
    let stage = Stage::open().await;
    let ip = Guest(0).ip();
    for _ in 0..5 {
        let answer = stage.post("/api/demo/setup").from_ip(ip).json(&json!({ "phoneNumber": "x" }));
        answer.send().await.problem(400, "invalid_phone");
    }
    setup(&stage.api, Guest(1), ip).await.is(202);
}

#[tokio::test]
async fn an_address_that_no_proxy_of_ours_says_is_not_believed() {
    let stage = Stage::with(&[("TRUNKLINE_TRUSTED_PROXIES", "")]).await;
    for number in 1..=3 {
        setup(&stage.api, Guest(number), Guest(number).ip()).await.is(202);
    }
    refused(&setup(&stage.api, Guest(4), Guest(4).ip()).await);
}

#[tokio::test]
async fn of_a_list_of_addresses_the_one_counts_that_our_proxy_saw() {
    let stage = Stage::open().await;
    let seen = Guest(0).ip();
    let setup = async |number: u16, forwarded: String| {
        let body = json!({ "phoneNumber": Guest(number).phone() });
        let ask = stage.post("/api/demo/setup").header("x-forwarded-for", &forwarded);
        ask.json(&body).send().await
    };
    for number in 1..=3 {
        setup(number, format!("{}, {seen}", Guest(number).ip())).await.is(202);
    }
    refused(&setup(4, format!("{}, {seen}, 127.0.0.9", Guest(4).ip())).await);
}

#[tokio::test]
async fn limits_are_those_of_the_configuration() {
    let stage = Stage::with(&[
        ("DEMO_RATE_LIMIT_PER_IP", "1"),
        ("DEMO_RATE_LIMIT_PER_PHONE", "2"),
        ("DEMO_RATE_LIMIT_WINDOW_HOURS", "2"),
    ])
    .await;
    setup(&stage.api, Guest(1), Guest(0).ip()).await.is(202);
    let answer = setup(&stage.api, Guest(2), Guest(0).ip()).await;
    answer.problem(429, "rate_limited");
    let secs: u64 = answer.header("retry-after").parse().unwrap();
    assert!((3600..=7200).contains(&secs), "{secs}");
    setup(&stage.api, Guest(1), Guest(1).ip()).await.is(202);
    setup(&stage.api, Guest(1), Guest(2).ip()).await.problem(429, "rate_limited");
}
