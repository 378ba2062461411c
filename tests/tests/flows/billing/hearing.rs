//! What Stripe says has happened: hints, late, twice and out of order.

use engine::Workflow;
use sandbox::stripe::{Drift, Shape};
use serde_json::json;
use workflows::{
    apply_stripe_event::ApplyStripeEvent,
    create_subscription::{Collection, CreateSubscription},
};

use super::shop::{Shop, tenant};

fn hint(event: u32, object: &str) -> ApplyStripeEvent {
    ApplyStripeEvent { event: format!("evt_{event}"), object: object.to_owned() }
}

fn status(status: &str) -> Drift {
    Drift { status: Some(status.to_owned()), ..Drift::default() }
}

async fn heard(shop: &Shop, event: u32, object: &str) -> serde_json::Value {
    shop.done(&hint(event, object)).await.output.unwrap()
}

#[tokio::test]
async fn a_hint_leads_to_the_object_and_a_repeat_changes_nothing() {
    let shop = Shop::subscribed(1).await;
    let _worker = shop.worker().await;
    let id = shop.live()[0].id.clone();
    shop.stripe.drift(&id, status("past_due"));
    assert_eq!(heard(&shop, 1, &id).await, json!({ "applied": "written" }));
    assert_eq!(heard(&shop, 1, &id).await, json!({ "applied": "same" }));
    let ours =
        "select from product.subscriptions where status = 'active' and stripe_status = 'past_due'";
    assert_eq!(shop.rows(ours).await, 1, "Stripe still tries to collect: nothing is taken away");
    shop.stripe.drift(&id, status("unpaid"));
    heard(&shop, 2, &id).await;
    let ours = "select from product.subscriptions where status = 'lapsed'";
    assert_eq!(shop.rows(ours).await, 1);
    assert_eq!(shop.rows("select from product.billing_events where source = 'webhook'").await, 2);
}

#[tokio::test]
async fn an_invoice_leads_to_its_subscription_in_both_shapes() {
    for shape in [Shape::New, Shape::Old] {
        let shop = Shop::open(1).await;
        let _worker = shop.worker().await;
        shop.stripe.set_shape(Some(shape));
        let invoiced = CreateSubscription {
            collection: Collection::Invoice,
            ..CreateSubscription::new(tenant(1), "starter")
        };
        shop.done(&invoiced).await;
        let made = shop.live().remove(0);
        shop.stripe
            .drift(&made.id, Drift { current_period_end: Some(2_000_000_000), ..status("unpaid") });
        let invoice = made.latest_invoice.unwrap();
        assert_eq!(heard(&shop, 1, &invoice).await, json!({ "applied": "written" }));
        let ours = "select from product.subscriptions where status = 'lapsed'
                    and current_period_end = to_timestamp(2000000000)";
        assert_eq!(shop.rows(ours).await, 1);
    }
}

#[tokio::test]
async fn what_is_over_does_not_come_back_and_what_is_older_than_our_books_is_late() {
    let shop = Shop::subscribed(2).await;
    let _worker = shop.worker().await;
    let ids: Vec<_> = shop.live().into_iter().map(|it| it.id).collect();
    shop.stripe.drift(&ids[0], status("canceled"));
    assert_eq!(heard(&shop, 1, &ids[0]).await, json!({ "applied": "written" }));
    shop.stripe.drift(&ids[0], status("active"));
    assert_eq!(heard(&shop, 2, &ids[0]).await, json!({ "applied": "over" }));
    shop.arrange(&format!(
        "update product.subscriptions set stripe_seen_at = trunkline.now() + interval '1 hour'
         where stripe_subscription_id = '{}'",
        ids[1]
    ))
    .await;
    shop.stripe.drift(&ids[1], status("unpaid"));
    assert_eq!(heard(&shop, 3, &ids[1]).await, json!({ "applied": "late" }));
    assert_eq!(shop.rows("select from product.subscriptions where status = 'lapsed'").await, 0);
}

#[tokio::test]
async fn many_hints_in_any_order_come_to_what_stripe_says_in_the_end() {
    let shop = Shop::subscribed(1).await;
    let (_one, _two) = (shop.worker().await, shop.worker().await);
    let id = shop.live()[0].id.clone();
    let mut jobs = Vec::new();
    for n in 0..30_i64 {
        shop.stripe.drift(&id, Drift { quantity: Some(n + 2), ..Drift::default() });
        let event = u32::try_from((n * 7) % 30).unwrap();
        jobs.push(shop.engine.enqueue(hint(event, &id).job()).await.unwrap().id());
    }
    for job in jobs {
        shop.ends(job).await;
    }
    assert_eq!(shop.rows("select from product.subscriptions where quantity = 31").await, 1);
}

#[tokio::test]
async fn a_subscription_of_a_tenant_of_ours_is_written_down_and_a_strangers_is_not() {
    let shop = Shop::open(1).await;
    let _worker = shop.worker().await;
    shop.stripe.seed(2, "price_starter", chrono::TimeDelta::zero());
    let ids: Vec<_> = shop.live().into_iter().map(|it| it.id).collect();
    assert_eq!(heard(&shop, 1, &ids[0]).await, json!({ "applied": "made" }));
    assert_eq!(heard(&shop, 2, &ids[1]).await, json!({ "applied": "stray" }));
    assert_eq!(heard(&shop, 3, "cus_1").await, json!("ignored"));
    assert_eq!(heard(&shop, 4, "sub_nowhere").await, json!("ignored"));
    let ours = "select from product.subscriptions s join product.tenants t using (tenant_id)
                where s.status = 'active' and t.stripe_customer_id = s.stripe_customer_id";
    assert_eq!(shop.rows(ours).await, 1);
}

/// The event is quicker than the workflow that brought it about.
#[tokio::test]
async fn a_subscription_that_is_just_being_opened_is_left_to_its_workflow() {
    let shop = Shop::open(1).await;
    let _worker = shop.worker().await;
    shop.stripe.seed(1, "price_starter", chrono::TimeDelta::zero());
    let pending = format!(
        "insert into product.subscriptions (subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max, status)
         values (gen_random_uuid(), '{}', 'starter', 1, 1, 'pending')",
        tenant(1)
    );
    shop.arrange(&pending).await;
    let id = shop.live()[0].id.clone();
    assert_eq!(heard(&shop, 1, &id).await, json!({ "applied": "being_opened" }));
    assert_eq!(shop.rows("select from product.subscriptions").await, 1);
}
