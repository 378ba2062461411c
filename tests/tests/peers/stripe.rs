//! Stripe's own client against our stand-in for Stripe.

use sandbox::stripe::{Handle, Mood, Options, Spell};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{packages, partner::Partner};

const KEY: &str = "sk_test_of_the_peers";

async fn sandbox() -> (Handle, DropGuard) {
    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options::new(KEY, "whsec_of_the_peers");
    let (handle, serving) = sandbox::Stripe::serve(listener, options, stop.child_token()).unwrap();
    tokio::spawn(serving);
    handle.put_price("price_starter", 4_900);
    handle.put_price("price_pro", 9_900);
    (handle, stop.drop_guard())
}

async fn a_customer(theirs: &mut Partner, method: &str) -> String {
    let params = json!({
        "payment_method": method, "invoice_settings": { "default_payment_method": method },
        "metadata": { "tenant_id": "7" },
    });
    let made = theirs.ask(&json!({ "do": "customer", "params": params })).await;
    made["id"].as_str().unwrap().to_owned()
}

fn subscribe(customer: &str, key: &str, quantity: u32) -> Value {
    let params = json!({
        "customer": customer, "items": [{ "price": "price_starter", "quantity": quantity }],
        "payment_behavior": "error_if_incomplete",
    });
    json!({ "do": "subscribe", "key": key, "params": params })
}

#[tokio::test]
async fn stripes_own_client_takes_the_sandbox_for_stripe() {
    let Some(python) = packages::python("official").await else { return };
    let (stripe, _stop) = sandbox().await;
    let base = stripe.base_url().as_str().trim_end_matches('/');
    let mut theirs = Partner::start(&python, "stripe_client", &[base, KEY]);

    let customer = a_customer(&mut theirs, "pm_card_visa").await;
    let made = theirs.ask(&subscribe(&customer, "key-1", 2)).await;
    assert_eq!(made["status"], json!("active"), "{made}");
    assert!(made["period_end"].is_i64());
    // The same key is the same subscription, and another request under it is none.
    assert_eq!(theirs.ask(&subscribe(&customer, "key-1", 2)).await, made);
    let other = theirs.ask(&subscribe(&customer, "key-1", 3)).await;
    assert_eq!((&other["error"], &other["status"]), (&json!("IdempotencyError"), &json!(400)));
    assert_eq!((stripe.subscriptions().len(), stripe.charges().len()), (1, 1));

    let paid = theirs.ask(&json!({ "do": "invoice", "id": made["invoice"] })).await;
    assert_eq!((&paid["status"], &paid["paid"]), (&json!("paid"), &json!(9_800)));
    let refunded = theirs.ask(&json!({ "do": "refund", "payment": paid["payment"] })).await;
    assert_eq!(refunded["status"], json!("succeeded"));
    assert!(stripe.charges()[0].refunded);

    let id = &made["id"];
    let item = stripe.subscriptions()[0].item.clone();
    let params =
        json!({ "items": [{ "id": item, "price": "price_pro" }], "cancel_at_period_end": true });
    let changed = theirs.ask(&json!({ "do": "update", "id": id, "params": params })).await;
    assert_eq!(changed, json!({ "price": "price_pro", "cancel_at_period_end": true }));
    let ended = theirs.ask(&json!({ "do": "cancel", "id": id })).await;
    assert_eq!(ended["status"], json!("canceled"));
    let again = theirs.ask(&json!({ "do": "cancel", "id": id })).await;
    assert_eq!((&again["status"], &again["code"]), (&json!(404), &json!("resource_missing")));
    let events = theirs.ask(&json!({ "do": "events" })).await;
    assert_eq!(events["kinds"][0], json!("customer.subscription.deleted"), "newest first");
}

#[tokio::test]
async fn stripes_own_client_pages_through_all_of_the_sandbox() {
    let Some(python) = packages::python("official").await else { return };
    let (stripe, _stop) = sandbox().await;
    stripe.seed(250, "price_starter", chrono::TimeDelta::days(1));
    let base = stripe.base_url().as_str().trim_end_matches('/');
    let mut theirs = Partner::start(&python, "stripe_client", &[base, KEY]);
    let listed = theirs.ask(&json!({ "do": "list", "limit": 100 })).await;
    let mut all: Vec<_> = stripe.subscriptions().into_iter().map(|it| json!(it.id)).collect();
    all.reverse();
    assert_eq!(listed["ids"].as_array().unwrap(), &all);
}

#[tokio::test]
async fn stripes_own_client_hears_of_moods_as_of_stripes() {
    let Some(python) = packages::python("official").await else { return };
    let (stripe, _stop) = sandbox().await;
    let base = stripe.base_url().as_str().trim_end_matches('/');
    let mut theirs = Partner::start(&python, "stripe_client", &[base, KEY]);
    let broke = a_customer(&mut theirs, "pm_card_chargeDeclined").await;
    let declined = theirs.ask(&subscribe(&broke, "key-1", 1)).await;
    assert_eq!((&declined["error"], &declined["status"]), (&json!("CardError"), &json!(402)));
    for (mood, error, status) in [
        (Mood::RateLimited, "RateLimitError", 429),
        (Mood::ServerError, "APIError", 500),
        (Mood::Conflict, "APIError", 409),
    ] {
        stripe.set_mood(Spell { for_requests: Some(1), ..Spell::from(mood) });
        let heard = theirs.ask(&subscribe(&broke, "key-2", 1)).await;
        assert_eq!(
            (&heard["error"], &heard["status"]),
            (&json!(error), &json!(status)),
            "{mood:?}"
        );
    }
}
