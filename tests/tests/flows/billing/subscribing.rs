//! From a tenant to one who pays, or to nothing at all.

use std::time::Duration;

use engine::{JobDetail, State, Workflow};
use sandbox::stripe::{Mood, Shape, Spell};
use serde_json::json;
use tests::{holds, wait_until};
use workflows::create_subscription::{Collection, CreateSubscription};

use super::shop::{Shop, tenant};

fn subscribe() -> CreateSubscription {
    CreateSubscription {
        payment_method: Some("pm_card_visa".to_owned()),
        ..CreateSubscription::new(tenant(1), "starter")
    }
}

async fn one_is_paid_and_in_force(shop: &Shop, job: &JobDetail) {
    assert_eq!(job.summary.state, State::Succeeded, "{:?}", job.summary.error);
    let live = shop.live();
    assert_eq!(live.len(), 1, "{live:?}");
    assert_eq!(live[0].metadata["tenant_id"], tenant(1).to_string());
    assert_eq!(shop.stripe.charges().len(), 1, "one charge, whatever went wrong");
    assert_eq!(shop.kept_cents(), 4_900);
    assert_eq!(shop.stripe.customers().len(), 1);
    let ours = format!(
        "select from product.subscriptions s join product.tenants t using (tenant_id)
         where s.status = 'active' and stripe_subscription_id = '{}' and t.stripe_customer_id = '{}'
           and current_period_end > trunkline.now() and plan = 'starter' and daily_calls_max = 100",
        live[0].id, live[0].customer
    );
    assert_eq!(shop.rows(&ours).await, 1);
}

async fn nothing_stands(shop: &Shop, job: &JobDetail) {
    assert_eq!(job.summary.state, State::Failed);
    assert!(shop.live().is_empty(), "{:?}", shop.live());
    assert_eq!(shop.kept_cents(), 0);
    assert!(shop.stripe.customers().is_empty());
    let ours = "select from product.subscriptions where status in ('pending', 'active', 'lapsed')";
    assert_eq!(shop.rows(ours).await, 0);
    let payer = "select from product.tenants where stripe_customer_id is not null";
    assert_eq!(shop.rows(payer).await, 0);
    let told = "select from product.billing_events where kind = 'compensating_cancel'";
    assert_eq!(shop.rows(told).await, 1);
}

#[tokio::test]
async fn a_tenant_subscribes_pays_once_and_is_in_force() {
    let shop = Shop::open(1).await;
    let _worker = shop.worker().await;
    let job = shop.run(&subscribe()).await;
    one_is_paid_and_in_force(&shop, &job).await;
    let deeds: Vec<_> = job.effects.iter().map(|deed| deed.key.as_str()).collect();
    assert_eq!(deeds, ["keep_place", "make_customer", "subscribe", "activate_subscription"]);
    assert_eq!(shop.rows("select from product.billing_events where kind = 'activated'").await, 1);
}

#[tokio::test]
async fn the_period_is_found_in_both_of_its_places() {
    let shop = Shop::open(1).await;
    let _worker = shop.worker().await;
    shop.stripe.set_shape(Some(Shape::Old));
    let job = shop.run(&subscribe()).await;
    one_is_paid_and_in_force(&shop, &job).await;
}

#[tokio::test]
async fn no_mood_of_stripe_takes_the_money_twice() {
    let once = |mood, requests| Spell { for_requests: Some(requests), ..Spell::from(mood) };
    for spell in [
        once(Mood::LosesReply, 1),
        once(Mood::LosesReply, 3),
        once(Mood::RateLimited, 2),
        once(Mood::ServerError, 3),
        once(Mood::Breaks, 1),
        once(Mood::Breaks, 3),
        once(Mood::Conflict, 2),
        once(Mood::Down, 3),
        Spell { delay: Some(Duration::from_millis(100)), ..once(Mood::Slow, 2) },
    ] {
        let shop = Shop::open(1).await;
        let _worker = shop.worker().await;
        shop.stripe.set_mood(spell);
        let job = shop.run(&subscribe()).await;
        one_is_paid_and_in_force(&shop, &job).await;
    }
}

#[tokio::test]
async fn a_declined_card_leaves_nothing_behind() {
    for method in ["pm_card_chargeDeclined", "pm_card_authenticationRequired"] {
        let shop = Shop::open(1).await;
        let _worker = shop.worker().await;
        let subscribe =
            CreateSubscription { payment_method: Some(method.to_owned()), ..subscribe() };
        let job = shop.run(&subscribe).await;
        nothing_stands(&shop, &job).await;
        assert_eq!(shop.stripe.charges().len(), 0);
        let why = job.summary.error.unwrap_or_default();
        assert!(why.contains("402"), "{why}");
    }
}

/// Our own write fails after the charge: somebody else's subscription has come into force meanwhile.
#[tokio::test]
async fn when_our_write_fails_after_the_charge_the_money_goes_back() {
    let shop = Shop::open(1).await;
    let _worker = shop.worker().await;
    shop.arrange(
        "create function product.refuse() returns trigger language plpgsql as $$
         begin raise exception 'no' using errcode = '23514', constraint = 'refused_by_the_test'; end $$;
         create trigger refuse before update on product.subscriptions for each row
         when (new.status = 'active' and old.status = 'pending') execute function product.refuse();",
    )
    .await;
    let job = shop.run(&subscribe()).await;
    nothing_stands(&shop, &job).await;
    let charges = shop.stripe.charges();
    assert_eq!((charges.len(), charges[0].refunded), (1, true), "it was charged, and given back");
    undone_newest_first(&shop, &job);
}

/// In the order of the ledger, backwards: Stripe's cancel before the customer goes, the place given up last.
fn undone_newest_first(shop: &Shop, job: &JobDetail) {
    assert!(job.effects.iter().all(|deed| deed.state == "undone"), "{:#?}", job.effects);
    let wanted = ["customer.subscription.deleted", "charge.refunded", "customer.deleted"];
    let told: Vec<_> = shop.stripe.events().into_iter().map(|event| event.kind).collect();
    let undone: Vec<_> = told.into_iter().filter(|kind| wanted.contains(kind)).collect();
    assert_eq!(undone, wanted);
}

#[tokio::test]
async fn an_undo_outlasts_an_outage_of_stripe() {
    let shop = Shop::open(1).await;
    let _worker = shop.worker().await;
    let mut job = subscribe().job();
    job.deadline = Some(Duration::from_hours(1));
    shop.stripe.set_mood(Mood::LosesReply);
    let id = shop.engine.enqueue(job).await.unwrap().id();
    wait_until("the customer is there", async || holds(!shop.stripe.customers().is_empty())).await;
    // From here on every reply of Stripe's to a change is lost, also to those that take back.
    shop.advance(Duration::from_secs(3_601)).await;
    let job = shop.ends(id).await;
    assert!(shop.live().is_empty() || job.summary.state == State::Succeeded, "{job:#?}");
    assert_eq!(shop.kept_cents() == 0, job.summary.state != State::Succeeded);
}

#[tokio::test]
async fn who_pays_by_invoice_is_in_force_before_it_is_paid_and_is_not_charged() {
    let shop = Shop::open(1).await;
    let _worker = shop.worker().await;
    let invoiced = CreateSubscription {
        collection: Collection::Invoice,
        ..CreateSubscription::new(tenant(1), "pro")
    };
    shop.done(&invoiced).await;
    assert_eq!((shop.live().len(), shop.stripe.charges().len()), (1, 0));
}

#[tokio::test]
async fn a_trial_costs_nothing_and_says_when_it_ends() {
    let shop = Shop::open(1).await;
    let _worker = shop.worker().await;
    shop.done(&CreateSubscription { trial_days: Some(14), ..subscribe() }).await;
    assert_eq!(shop.stripe.charges().len(), 0);
    let ours =
        "select from product.subscriptions where status = 'active' and stripe_status = 'trialing'
                and trial_end > trunkline.now() + interval '13 days'";
    assert_eq!(shop.rows(ours).await, 1);
}

#[tokio::test]
async fn a_second_subscription_and_one_of_a_demo_are_refused_before_stripe_is_asked() {
    let shop = Shop::open(2).await;
    let _worker = shop.worker().await;
    shop.done(&subscribe()).await;
    let asked = shop.stripe.requests_total();
    assert_eq!(shop.run(&subscribe()).await.summary.state, State::Failed);
    shop.arrange(
        "update product.tenants set status = 'trial', demo_expires_at = trunkline.now() + interval '1 day'
         where stripe_customer_id is null",
    )
    .await;
    let demo = CreateSubscription::new(tenant(2), "starter");
    assert_eq!(shop.run(&demo).await.summary.state, State::Failed);
    let unknown = CreateSubscription::new(tenant(2), "platinum");
    assert_eq!(shop.run(&unknown).await.summary.state, State::Failed);
    assert_eq!(shop.stripe.requests_total(), asked);
}

#[tokio::test]
async fn a_demo_makes_room_for_what_is_paid_and_is_back_when_that_is_undone() {
    let shop = Shop::open(1).await;
    let _worker = shop.worker().await;
    shop.arrange(&format!(
        "insert into product.subscriptions (subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max)
         values (gen_random_uuid(), '{}', 'demo', 50, 7200)",
        tenant(1)
    ))
    .await;
    let in_force = "select from product.subscriptions where status = 'active' and plan = ";
    let job = shop.done(&subscribe()).await;
    assert_eq!(shop.rows(&format!("{in_force} 'demo'")).await, 0);
    assert_eq!(shop.rows(&format!("{in_force} 'starter'")).await, 1);
    assert_eq!(job.output.unwrap()["stripe_id"], json!(shop.live()[0].id));
}
