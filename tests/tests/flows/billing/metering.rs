//! What was used, hour by hour.

use std::time::Duration;

use sandbox::stripe::{Mood, Spell};
use serde_json::json;
use workflows::meter_usage::MeterUsage;

use super::shop::{Shop, tenant};

/// Messages of the n-th tenant, so many hours ago.
pub(super) async fn messages(shop: &Shop, n: u64, hours_ago: u32, direction: &str, count: u32) {
    shop.arrange(&format!(
        "insert into product.messages
             (message_id, tenant_id, direction, purpose, to_phone, provider_sid, created_at)
         select gen_random_uuid(), '{}', '{direction}', 'greeting', '+4367712345678',
                'SM' || md5(random()::text), date_trunc('hour', trunkline.now()) - interval '{hours_ago} hours'
         from generate_series(1, {count})",
        tenant(n)
    ))
    .await;
}

pub(super) async fn meter(shop: &Shop) -> serde_json::Value {
    shop.done(&MeterUsage {}).await.output.unwrap()
}

async fn counted_from_the_beginning(shop: &Shop) {
    shop.arrange("update product.tenants set created_at = trunkline.now() - interval '5 days'")
        .await;
}

#[tokio::test]
async fn messages_are_counted_by_tenant_and_hour_and_twice_is_once() {
    let shop = Shop::open(2).await;
    let _worker = shop.worker().await;
    counted_from_the_beginning(&shop).await;
    messages(&shop, 1, 100, "outbound", 3).await;
    messages(&shop, 1, 100, "inbound", 2).await;
    messages(&shop, 2, 2, "outbound", 4).await;
    assert_eq!(meter(&shop).await["counted"], json!(3));
    assert_eq!(meter(&shop).await["counted"], json!(0));
    let figure = "select from product.usage_events where kind = 'messages_out' and quantity = 3";
    assert_eq!(shop.rows(figure).await, 1);
    // One that is heard of late still counts in its hour.
    messages(&shop, 2, 2, "outbound", 1).await;
    assert_eq!(meter(&shop).await["counted"], json!(1));
    let figure = "select from product.usage_events where quantity = 5";
    assert_eq!(shop.rows(figure).await, 1);
    assert!(shop.stripe.usage().is_empty(), "nobody's plan bills by use");
}

#[tokio::test]
async fn calls_and_their_talk_are_counted_when_they_are_over() {
    let shop = Shop::open(1).await;
    let _worker = shop.worker().await;
    counted_from_the_beginning(&shop).await;
    shop.arrange(&format!(
        "insert into product.calls (call_id, tenant_id, call_sid, status, rank, started_at, ended_at, duration_secs)
         select gen_random_uuid(), '{}', 'CA' || md5(n::text), status, product.call_rank(status),
                date_trunc('hour', trunkline.now()) - interval '20 hours', ended, secs
         from (values (1, 'completed', now(), 61), (2, 'completed', now(), 59), (3, 'no-answer', now(), 0),
                      (4, 'in-progress', null, null)) as c (n, status, ended, secs)",
        tenant(1)
    ))
    .await;
    meter(&shop).await;
    let figures = "select from product.usage_events where (kind, quantity) in (('calls', 3), ('talk_secs', 120))";
    assert_eq!(shop.rows(figures).await, 2);
}

/// A call of the first tenant that began so many hours ago, and is over.
async fn a_call(shop: &Shop, sid: u32, hours_ago: u32, talk_secs: u32) {
    shop.arrange(&format!(
        "insert into product.calls (call_id, tenant_id, call_sid, status, rank, started_at, ended_at, duration_secs)
         values (gen_random_uuid(), '{}', 'CA' || md5('{sid}'), 'completed', product.call_rank('completed'),
                 date_trunc('hour', trunkline.now()) - interval '{hours_ago} hours', trunkline.now(), {talk_secs})",
        tenant(1)
    ))
    .await;
}

/// Has had a plan that bills by use since it subscribed.
async fn pays_by_use(shop: &Shop, meter: &str) {
    shop.arrange(&format!(
        "update product.subscription_plans set meter_event_name = null where plan = 'flexible';
         update product.subscription_plans set {meter} where plan = 'flexible';
         update product.subscriptions set plan = 'flexible', created_at = created_at - interval '5 days'"
    ))
    .await;
}

#[tokio::test]
async fn talk_is_told_once_and_an_end_that_is_heard_of_days_later_is_told_as_the_difference() {
    let shop = Shop::subscribed(1).await;
    let _worker = shop.worker().await;
    counted_from_the_beginning(&shop).await;
    pays_by_use(&shop, "talk_meter_event_name = 'talk_secs'").await;
    a_call(&shop, 1, 30, 61).await;
    shop.stripe.set_mood(Spell { for_requests: Some(1), ..Spell::from(Mood::LosesReply) });
    assert_eq!(meter(&shop).await["told"], json!(1));
    assert_eq!(meter(&shop).await["told"], json!(0));
    shop.advance(Duration::from_hours(30)).await;
    assert_eq!(meter(&shop).await, json!({ "counted": 0, "told": 0, "left": 0 }));
    // Found by a sweep, long after its hour.
    a_call(&shop, 2, 60, 59).await;
    shop.advance(Duration::from_hours(1)).await;
    assert_eq!(meter(&shop).await, json!({ "counted": 2, "told": 1, "left": 0 }));
    let told: Vec<_> = shop.stripe.usage().into_values().collect();
    assert_eq!((told.len(), told.iter().sum::<i64>()), (2, 120));
}

#[tokio::test]
async fn nobody_is_told_of_an_hour_that_may_still_grow() {
    let shop = Shop::subscribed(1).await;
    let _worker = shop.worker().await;
    counted_from_the_beginning(&shop).await;
    pays_by_use(&shop, "talk_meter_event_name = 'talk_secs'").await;
    a_call(&shop, 1, 1, 61).await;
    assert_eq!(meter(&shop).await, json!({ "counted": 2, "told": 0, "left": 0 }));
    shop.advance(Duration::from_hours(4)).await;
    assert_eq!(meter(&shop).await, json!({ "counted": 0, "told": 1, "left": 0 }));
}

#[tokio::test]
async fn stripe_hears_once_of_what_a_plan_bills_by_use() {
    let shop = Shop::subscribed(1).await;
    let _worker = shop.worker().await;
    counted_from_the_beginning(&shop).await;
    shop.arrange("update product.subscriptions set plan = 'flexible', created_at = created_at - interval '5 days'")
        .await;
    messages(&shop, 1, 40, "outbound", 6).await;
    shop.stripe.set_mood(Spell { for_requests: Some(1), ..Spell::from(Mood::LosesReply) });
    assert_eq!(meter(&shop).await["told"], json!(1));
    assert_eq!(shop.stripe.usage().into_values().collect::<Vec<_>>(), [6]);
    shop.advance(Duration::from_hours(1)).await;
    assert_eq!(meter(&shop).await["told"], json!(0));
    assert_eq!(shop.stripe.usage().len(), 1);
}
