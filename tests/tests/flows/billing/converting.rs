//! A demo that buys a plan, or stays a demo; and what is in force, asked from everywhere.

use std::time::Duration;

use domain::{
    billing,
    call_limits::{self, MayCall, Refused},
    scope, subscriptions,
};
use engine::{Context, Engine, Failure, State, Workflow};
use serde::{Deserialize, Serialize};
use serde_json::json;
use workflows::{Trunkline, create_subscription::CreateSubscription, demo_convert::DemoConvert};

use super::shop::{Shop, tenant};
use crate::stage::without_clock;

/// The first tenant as a demo that runs.
pub(super) const A_DEMO: &str = "
    select set_config('trunkline.scope', 'platform', true);
    update product.tenants set status = 'trial', demo_expires_at = trunkline.now() + interval '1 hour';
    insert into product.subscriptions (subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max, ends_at)
    select gen_random_uuid(), tenant_id, 'demo', 50, 7200, trunkline.now() + interval '1 hour' from product.tenants;";

/// How the tenants stand, with what is in force.
const STANDS: &str =
    "select from product.tenants t join product.subscriptions_in_force s using (tenant_id)
                      where (t.status, s.plan) =";

fn convert(payment_method: &str) -> DemoConvert {
    let subscription = CreateSubscription {
        payment_method: Some(payment_method.to_owned()),
        ..CreateSubscription::new(tenant(1), "starter")
    };
    DemoConvert { tenant: tenant(1), subscription: Some(subscription) }
}

#[tokio::test]
async fn a_demo_that_buys_a_plan_is_served_by_its_own_until_that_is_paid() {
    let shop = Shop::open(1).await;
    shop.arrange(A_DEMO).await;
    let _worker = shop.worker().await;
    let job = shop.done(&convert("pm_card_visa")).await;
    let bought = job.output.unwrap();
    assert_eq!(bought["stripe_id"], json!(shop.live()[0].id));
    assert_eq!(shop.rows(&format!("{STANDS} ('active', 'starter')")).await, 1);
    let room = "select from product.subscriptions where (plan, status) = ('demo', 'cancelled')";
    assert_eq!((shop.rows(room).await, shop.kept_cents()), (1, 4_900));
}

#[tokio::test]
async fn a_demo_whose_card_is_declined_stays_the_demo_that_it_was() {
    let shop = Shop::open(1).await;
    shop.arrange(A_DEMO).await;
    let _worker = shop.worker().await;
    let job = shop.run(&convert("pm_card_chargeDeclined")).await;
    assert_eq!(job.summary.state, State::Failed);
    assert_eq!(shop.rows(&format!("{STANDS} ('trial', 'demo')")).await, 1);
    assert_eq!((shop.live().len(), shop.kept_cents(), shop.stripe.customers().len()), (0, 0, 0));
}

/// A purchase that comes to nothing after all, because of what its parent has to do besides.
#[derive(Serialize, Deserialize)]
struct BuysAndFails(CreateSubscription);

impl Workflow<Trunkline> for BuysAndFails {
    const KIND: &'static str = "buys_and_fails";
    const QUEUE: &'static str = "billing";
    type Output = ();

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<(), Failure> {
        ctx.child(self.0.clone()).await?;
        Err(Failure::undo("somebody thought better of it"))
    }
}

#[tokio::test]
async fn what_a_failed_parent_bought_is_given_back() {
    let shop = Shop::open(1).await;
    shop.arrange(A_DEMO).await;
    shop.arrange("update product.tenants set status = 'active'").await;
    let registry = without_clock().with::<BuysAndFails>();
    let engine = Engine::connect(shop.config.engine.clone(), &registry).await.unwrap();
    let _worker = shop.worker_of(registry).await;
    let bought = convert("pm_card_visa").subscription.unwrap();
    let id = engine.enqueue(BuysAndFails(bought).job()).await.unwrap().id();
    let job = shop.ends(id).await;
    assert_eq!(job.summary.state, State::Failed);
    assert_eq!(shop.stripe.charges().len(), 1, "it had been paid");
    assert_eq!((shop.live().len(), shop.kept_cents(), shop.stripe.customers().len()), (0, 0, 0));
    assert_eq!(shop.rows(&format!("{STANDS} ('active', 'demo')")).await, 1);
    let over = "select from product.subscriptions s join product.tenants t using (tenant_id)
                where (s.plan, s.status) = ('starter', 'cancelled') and t.stripe_customer_id is null";
    assert_eq!(shop.rows(over).await, 1);
}

/// Calls, messages and billing are asked by different parts of the product.
#[tokio::test]
async fn whether_a_tenant_is_served_is_answered_alike_by_calls_messages_and_billing() {
    let shop = Shop::open(1).await;
    let all = [
        ("", false),
        ("'active', null", true),
        ("'active', trunkline.now() + interval '1 minute'", true),
        ("'active', trunkline.now() - interval '1 minute'", false),
        ("'pending', null", false),
        ("'lapsed', null", false),
        ("'cancelled', trunkline.now()", false),
    ];
    for (row, is_served) in all {
        shop.arrange("delete from product.subscriptions").await;
        if !row.is_empty() {
            let insert = "insert into product.subscriptions
                (subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max, status, ends_at)";
            let id = tenant(1);
            let values = format!("gen_random_uuid(), '{id}', 'starter', 9, 99, {row}");
            shop.arrange(&format!("{insert} values ({values})")).await;
        }
        let mut tx = shop.engine.begin().await.unwrap();
        scope::tenant(&mut tx, tenant(1)).await.unwrap();
        let calls = call_limits::may_call(&mut tx, tenant(1)).await.unwrap();
        let messages = subscriptions::messaging_terms(&mut tx, tenant(1)).await.unwrap();
        let due = billing::billing_due(&mut tx, tenant(1)).await.unwrap();
        assert_eq!(calls != MayCall::No(Refused::NoSubscription), is_served, "calls: {row}");
        assert_eq!(messages.is_some(), is_served, "messages: {row}");
        assert_eq!(due.is_none(), is_served, "billing: {row}");
    }
}

async fn may_call(shop: &Shop) -> MayCall {
    let mut tx = shop.engine.begin().await.unwrap();
    scope::tenant(&mut tx, tenant(1)).await.unwrap();
    call_limits::may_call(&mut tx, tenant(1)).await.unwrap()
}

#[tokio::test]
async fn a_customers_talk_begins_anew_with_each_period_and_a_demos_does_not() {
    let shop = Shop::subscribed(1).await;
    shop.arrange(&format!(
        "update product.subscriptions set created_at = trunkline.now() - interval '90 days',
             current_period_start = trunkline.now() - interval '10 days';
         insert into product.calls (call_id, tenant_id, call_sid, status, rank, started_at, ended_at, duration_secs)
         select gen_random_uuid(), '{}', 'CA' || md5(secs::text), 'completed', product.call_rank('completed'),
                trunkline.now() - ago, trunkline.now() - ago, secs
         from (values (interval '20 days', 600), (interval '5 days', 60), (interval '0 days', 30)) as c (ago, secs)",
        tenant(1)
    ))
    .await;
    let yes = |secs| MayCall::Yes { calls_left: 98, talk_left: Duration::from_secs(secs) };
    assert_eq!(may_call(&shop).await, yes(36_000 - 90));
    let renewed = "update product.subscriptions set current_period_start = trunkline.now()";
    shop.arrange(renewed).await;
    assert_eq!(may_call(&shop).await, yes(36_000), "the day's call counts for the day");
    shop.arrange("update product.subscriptions set plan = 'demo', stripe_subscription_id = null")
        .await;
    assert_eq!(may_call(&shop).await, yes(36_000 - 690));
}
