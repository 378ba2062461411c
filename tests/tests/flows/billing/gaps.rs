//! What happened at Stripe and was never told: found in its list of events, brought in by the same door, counted once.

use std::{ops::Range, time::Duration};

use chrono::TimeDelta;
use clients::stripe::{Stripe, signature};
use engine::Workflow;
use sandbox::stripe::{Drift, Event, Handle, Order};
use serde_json::{Value, json};
use tests::wait_until;
use tokio_util::sync::CancellationToken;
use workflows::{create_subscription::CreateSubscription, find_stripe_gaps::FindStripeGaps};

use super::shop::{PLANS, Shop, a_stripe, tenant, tenants};
use crate::stage::{Props, STRIPE_KEY, STRIPE_WEBHOOK_SECRET, Stage};

/// Longer than a webhook may be late.
const LATER: Duration = Duration::from_mins(16);

/// What has happened to subscriptions and invoices: what is to be told.
pub(super) fn to_be_told(stripe: &Handle) -> Vec<Event> {
    let all = stripe.events().into_iter();
    all.filter(|event| !event.kind.starts_with("customer.") || event.kind.contains("subscription"))
        .collect()
}

/// So many things happen to the first subscription.
pub(super) async fn things_happen(stripe: &Handle, which: Range<u32>) {
    let http = clients::http::client(Duration::from_secs(5)).unwrap();
    let config = clients::stripe::Config {
        api_base: stripe.base_url().clone(),
        secret_key: STRIPE_KEY.into(),
    };
    let client = Stripe::new(http, config).unwrap();
    let id = stripe.subscriptions()[0].id.clone();
    for n in which {
        client.set_cancel_at_period_end(&id, n % 2 == 0, &format!("key-{n}")).await.unwrap();
    }
}

/// Runs the search at a stage to its end.
async fn search(stage: &Stage) -> Value {
    let id = stage.engine.enqueue(FindStripeGaps {}.job()).await.unwrap().id();
    wait_until("the search is over", async || {
        let job = stage.engine.job(id).await.ok()??;
        job.summary.state.is_final().then_some(job.output.unwrap_or_default())
    })
    .await
}

/// Posts an event as Stripe does. Gives the status of the answer.
async fn post(stage: &Stage, event: &Event) -> u16 {
    let body = event.body.to_string();
    let now = stage.db.now().await;
    let signed = signature::sign(body.as_bytes(), now, &STRIPE_WEBHOOK_SECRET.into());
    let request =
        stage.http().post(stage.url("/webhooks/stripe")).header("Stripe-Signature", signed);
    request.body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_webhook_of_stripes_that_never_came_is_found_and_the_late_one_is_a_repeat() {
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    let stripe = a_stripe(&stop, STRIPE_KEY).await;
    stripe.set_order(Order::None);
    let stage = Stage::with(Props { stripe: Some(stripe.clone()), ..Props::default() }).await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("{PLANS} {}", tenants(1))))
        .execute(&stage.db.every_row())
        .await
        .unwrap();
    let _worker = stage.worker().await;
    let subscribe = CreateSubscription {
        payment_method: Some("pm_card_visa".to_owned()),
        ..CreateSubscription::new(tenant(1), "starter")
    };
    stage.engine.enqueue(subscribe.job()).await.unwrap();
    stage.comes_to_rest().await;
    let made = stripe.subscriptions().remove(0);
    let unpaid = Drift { status: Some("unpaid".to_owned()), ..Drift::default() };
    assert!(stripe.drift(&made.id, unpaid));
    let lapsed = "select from product.subscriptions where status = 'lapsed'";

    // Too early: the webhook may only be late.
    assert_eq!(search(&stage).await["gaps"], json!(0));
    stage.advance(LATER).await;
    stripe.set_clock_ahead(TimeDelta::from_std(LATER).unwrap());
    let untold = to_be_told(&stripe);
    let found = search(&stage).await;
    assert_eq!((&found["gaps"], &found["complete"]), (&json!(untold.len()), &json!(true)));
    wait_until("it is applied", async || (stage.db.number(lapsed).await == 1).then_some(())).await;
    assert_eq!(search(&stage).await["gaps"], json!(0), "what is known is no gap");

    for event in &untold {
        assert_eq!(post(&stage, event).await, 204);
    }
    let kept = i64::try_from(untold.len()).unwrap();
    assert_eq!(stage.db.number("select from trunkline.inbox where deliveries = 2").await, kept);
    assert_eq!(stage.db.number("select from trunkline.inbox").await, kept);
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn a_long_list_of_events_is_read_page_by_page_and_span_by_span_up_to_now() {
    let shop = Shop::subscribed(1).await;
    let _worker = shop.worker().await;
    shop.stripe.set_clock_ahead(TimeDelta::hours(-30));
    things_happen(&shop.stripe, 0..105).await;
    shop.stripe.set_clock_ahead(TimeDelta::hours(-1));
    things_happen(&shop.stripe, 105..110).await;
    shop.arrange(
        "insert into product.inbox_watermarks (source, seen_until)
         values ('stripe_events', trunkline.now() - interval '40 hours')",
    )
    .await;
    let found = shop.done(&FindStripeGaps {}).await.output.unwrap();
    assert_eq!(found, json!({ "looked_at": 110, "gaps": 110, "complete": true }));
    let read = "select from product.inbox_watermarks
                where seen_until between trunkline.now() - interval '16 minutes' and trunkline.now() - interval '15 minutes'";
    assert_eq!(shop.rows(read).await, 1);
    let unfinished = "select from trunkline.waits union all select from trunkline.leases";
    wait_until("all of it is applied", async || (shop.rows(unfinished).await == 0).then_some(()))
        .await;
}
