//! What Stripe is told of use: what was used under a plan that bills it, and each of it once.

use std::time::Duration;

use domain::{
    billing::{
        left::{self, Found, LeftHour},
        telling::Left,
    },
    scope,
    subscriptions::{self, PaidPlan},
};
use engine::{State, Workflow};
use sandbox::stripe::{Mood, Spell};
use serde_json::{Value, json};
use tests::Log;
use workflows::{
    change_plan::{ChangePlan, Proration},
    meter_usage::MeterUsage,
};

use super::{
    metering::{messages, meter},
    shop::{Shop, tenant},
};

fn figures(told: u64, left: u64) -> Value {
    json!({ "counted": 0, "told": told, "left": left })
}

/// All that Stripe has counted.
fn counted(shop: &Shop) -> i64 {
    shop.stripe.usage().into_values().sum()
}

/// Tenants who have been customers for long, and whose messages are counted from the beginning.
async fn of_long_standing(count: u64) -> Shop {
    let shop = Shop::subscribed(count).await;
    shop.arrange(
        "update product.tenants set created_at = trunkline.now() - interval '5 days';
         update product.subscriptions set created_at = trunkline.now() - interval '90 days'",
    )
    .await;
    shop
}

/// The same, who have had a plan that bills messages since then.
async fn who_pay_by_use(count: u64) -> Shop {
    let shop = of_long_standing(count).await;
    shop.arrange("update product.subscriptions set plan = 'flexible'").await;
    shop
}

/// Messages of the n-th tenant in an hour so many hours ago, as they are counted.
async fn used(shop: &Shop, n: u64, hours_ago: u32, quantity: u32) {
    shop.arrange(&format!(
        "insert into product.usage_events (tenant_id, hour, kind, quantity)
         values ('{}', date_trunc('hour', trunkline.now(), 'UTC') - interval '{hours_ago} hours', 'messages_out', {quantity})",
        tenant(n)
    ))
    .await;
}

async fn becomes(shop: &Shop, plan: &str) {
    let plan = plan.to_owned();
    shop.done(&ChangePlan { tenant: tenant(1), plan, proration: Proration::None }).await;
}

/// As an operator sets it.
async fn put_starter(shop: &Shop, meter_event: Option<&str>) {
    let mut tx = shop.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    let plan = PaidPlan {
        plan: "starter",
        daily_calls_max: 100,
        talk_secs_max: 36_000,
        stripe_price: "price_starter",
        meter_event,
        talk_meter_event: None,
    };
    subscriptions::put_plan(&mut tx, plan).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_tenant_whose_plan_becomes_one_that_bills_by_use_is_not_billed_for_what_it_used_before() {
    let shop = of_long_standing(1).await;
    let _worker = shop.worker().await;
    messages(&shop, 1, 40, "outbound", 6).await;
    used(&shop, 1, 40 * 24, 5).await;
    becomes(&shop, "flexible").await;
    shop.advance(Duration::from_hours(2)).await;
    messages(&shop, 1, 0, "outbound", 4).await;
    shop.advance(Duration::from_hours(5)).await;
    assert_eq!(meter(&shop).await, json!({ "counted": 2, "told": 1, "left": 0 }));
    assert_eq!(counted(&shop), 4);
}

#[tokio::test]
async fn a_plan_with_the_same_meter_bills_what_was_used_under_the_one_before() {
    let shop = of_long_standing(1).await;
    shop.arrange(
        "insert into product.subscription_plans (plan, daily_calls_max, talk_secs_max, stripe_price_id, meter_event_name)
         values ('roomy', 900, 900000, 'price_roomy', 'messages_out')",
    )
    .await;
    shop.stripe.put_price("price_roomy", 0);
    let _worker = shop.worker().await;
    becomes(&shop, "flexible").await;
    shop.advance(Duration::from_hours(2)).await;
    messages(&shop, 1, 0, "outbound", 4).await;
    becomes(&shop, "roomy").await;
    shop.advance(Duration::from_hours(5)).await;
    assert_eq!(meter(&shop).await["told"], json!(1));
    assert_eq!(counted(&shop), 4);
}

#[tokio::test]
async fn a_plan_that_gets_a_meter_bills_by_it_from_then_on() {
    let shop = of_long_standing(1).await;
    let _worker = shop.worker().await;
    messages(&shop, 1, 40, "outbound", 6).await;
    put_starter(&shop, Some("messages_out")).await;
    shop.advance(Duration::from_hours(2)).await;
    messages(&shop, 1, 0, "outbound", 4).await;
    // Under another name it is the same meter.
    put_starter(&shop, Some("texts_out")).await;
    shop.advance(Duration::from_hours(5)).await;
    assert_eq!(meter(&shop).await["told"], json!(1));
    assert_eq!(counted(&shop), 4);
    put_starter(&shop, None).await;
    let since = "select from product.subscription_plans where plan = 'starter' and metered_since is not null";
    assert_eq!(shop.rows(since).await, 0);
}

#[tokio::test]
async fn an_hour_that_stripe_refuses_is_left_to_a_person_and_everybody_elses_is_told() {
    let log = Log::of_this_process();
    let shop = who_pay_by_use(2).await;
    let _worker = shop.worker().await;
    used(&shop, 1, 40 * 24, 5).await; // Stripe takes 35 days
    used(&shop, 2, 30, 3).await;
    assert_eq!(meter(&shop).await, figures(1, 1));
    assert_eq!(meter(&shop).await, figures(0, 0), "it is not asked again");
    assert_eq!(counted(&shop), 3);
    let noted = "select from product.billing_events where kind = 'usage_refused'
                 and after ->> 'stripe' like '%timestamp_too_far_in_past%'";
    assert_eq!(shop.rows(noted).await, 1);
    let line = log.event("usage_not_told");
    assert_eq!((&line["tenant_id"], &line["why"]), (&json!(tenant(1)), &json!("refused")));
    // A wrong name of the meter would have been refused as well, and is set right by this.
    shop.arrange("update product.subscription_plans set meter_event_name = 'texts_out' where plan = 'flexible'")
        .await;
    assert_eq!(meter(&shop).await, figures(0, 1));
}

/// A run that ends though Stripe has counted what it told.
async fn unheard(shop: &Shop) {
    shop.stripe.set_mood(Mood::LosesReply);
    let job = shop.run(&MeterUsage {}).await;
    assert_eq!(job.summary.state, State::Failed);
    shop.stripe.set_mood(Mood::Accepts);
    assert_eq!(counted(shop), 10);
}

#[tokio::test]
async fn an_hour_that_grows_while_stripes_answer_is_lost_is_billed_once() {
    let shop = who_pay_by_use(1).await;
    let _worker = shop.worker().await;
    used(&shop, 1, 30, 10).await;
    unheard(&shop).await;
    shop.arrange("update product.usage_events set quantity = 12").await;
    assert_eq!(meter(&shop).await, figures(1, 0));
    assert_eq!(counted(&shop), 10, "Stripe knows the repeat");
    assert_eq!(meter(&shop).await, figures(1, 0));
    assert_eq!(counted(&shop), 12);
    assert_eq!(meter(&shop).await, figures(0, 0));
}

#[tokio::test]
async fn what_stripe_may_have_counted_and_would_not_know_again_is_left_to_a_person() {
    let shop = who_pay_by_use(1).await;
    let _worker = shop.worker().await;
    used(&shop, 1, 30, 10).await;
    unheard(&shop).await;
    shop.arrange("update product.usage_events set quantity = 12").await;
    shop.advance(Duration::from_hours(24)).await;
    assert_eq!(meter(&shop).await, figures(0, 1));
    assert_eq!(meter(&shop).await, figures(0, 0));
    assert_eq!(counted(&shop), 10);
    let noted = "select from product.billing_events where kind = 'usage_doubtful'";
    assert_eq!(shop.rows(noted).await, 1);
    // A person has looked at Stripe's meter: it was counted.
    let was = settle(&shop, Found::Counted).await;
    assert_eq!((was.why, was.told, was.telling, was.quantity), (Left::Doubtful, 0, Some(10), 12));
    assert_eq!(meter(&shop).await, figures(1, 0));
    assert_eq!(counted(&shop), 12);
}

#[tokio::test]
async fn what_stripe_has_not_counted_after_all_is_told_as_it_was_and_then_what_has_come_to_it() {
    let shop = who_pay_by_use(1).await;
    let _worker = shop.worker().await;
    used(&shop, 1, 30, 10).await;
    shop.stripe.set_mood(Mood::ServerError);
    assert_eq!(shop.run(&MeterUsage {}).await.summary.state, State::Failed);
    shop.stripe.set_mood(Mood::Accepts);
    shop.arrange("update product.usage_events set quantity = 12").await;
    shop.advance(Duration::from_hours(24)).await;
    assert_eq!(meter(&shop).await, figures(0, 1));
    assert_eq!(counted(&shop), 0);
    settle(&shop, Found::NotCounted).await;
    assert_eq!(meter(&shop).await, figures(1, 0));
    assert_eq!(counted(&shop), 10);
    assert_eq!(meter(&shop).await, figures(1, 0));
    assert_eq!(counted(&shop), 12);
}

/// A person says what became of the only hour that was left.
async fn settle(shop: &Shop, found: Found) -> LeftHour {
    let mut tx = shop.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    let hours = left::list(&mut tx, None, 10).await.unwrap();
    let [hour] = hours.try_into().unwrap();
    let was = left::settle(&mut tx, hour.place(), found).await.unwrap();
    assert_eq!(was, Some(hour.clone()));
    assert_eq!(left::settle(&mut tx, hour.place(), found).await.unwrap(), None, "only once");
    tx.commit().await.unwrap();
    hour
}

#[tokio::test]
async fn more_than_one_run_takes_is_told_by_the_next_one_at_once() {
    let shop = who_pay_by_use(1).await;
    shop.arrange(&format!(
        "insert into product.usage_events (tenant_id, hour, kind, quantity)
         select '{}', date_trunc('hour', trunkline.now(), 'UTC') - make_interval(hours => n), 'messages_out', 1
         from generate_series(30, 279) n",
        tenant(1)
    ))
    .await;
    let _worker = shop.worker().await;
    assert_eq!(meter(&shop).await, figures(200, 0));
    tests::rest::at_rest(&shop.db, &["meter_usage"]).await;
    assert_eq!(counted(&shop), 250);
}

#[tokio::test]
async fn two_meterings_run_one_after_the_other() {
    let shop = who_pay_by_use(1).await;
    used(&shop, 1, 30, 10).await;
    let mut jobs = Vec::new();
    for _ in 0..2 {
        jobs.push(shop.engine.enqueue(MeterUsage {}.job()).await.unwrap().id());
    }
    let slow = Spell { delay: Some(Duration::from_millis(500)), ..Spell::from(Mood::Slow) };
    shop.stripe.set_mood(slow);
    let _worker = shop.worker().await;
    let mut told = Vec::new();
    for job in jobs {
        told.push(shop.ends(job).await.output.unwrap()["told"].clone());
    }
    told.sort_by_key(Value::as_u64);
    assert_eq!(told, [0, 1], "the second one has found nothing to tell");
}
