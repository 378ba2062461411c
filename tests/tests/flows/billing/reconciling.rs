//! Our books against Stripe's: every way in which they can differ, once.

use std::time::Duration;

use domain::billing::reconciliation::Report;
use engine::Workflow;
use sandbox::stripe::{Drift, Handle, Mood, Shape, Spell};
use tests::{holds, wait_until};
use workflows::reconcile_stripe::ReconcileStripe;

use super::shop::{Shop, tenant};

async fn reconcile(shop: &Shop) -> Report {
    let job = shop.done(&ReconcileStripe {}).await;
    serde_json::from_value(job.output.unwrap()).unwrap()
}

fn found(report: &Report) -> Vec<(&str, u64)> {
    report.kinds.iter().map(|(kind, count)| (kind.as_str(), *count)).collect()
}

fn sub(n: u64) -> String {
    format!("sub_seed{n:010}")
}

fn drift(stripe: &Handle, n: u64, drift: Drift) {
    assert!(stripe.drift(&sub(n), drift));
}

#[tokio::test]
async fn books_that_agree_need_nothing() {
    for shape in [Shape::New, Shape::Old] {
        let shop = Shop::subscribed(250).await;
        let _worker = shop.worker().await;
        shop.stripe.set_shape(Some(shape));
        let report = reconcile(&shop).await;
        assert_eq!((report.tally.checked, report.tally.mismatches), (500, 0));
        assert_eq!(shop.rows("select from product.billing_events").await, 0);
        assert_eq!(shop.rows("select from product.reconciliation_seen").await, 0);
    }
}

#[tokio::test]
async fn each_kind_that_is_safe_is_set_right_and_a_second_run_finds_nothing() {
    let shop = Shop::subscribed(150).await;
    let _worker = shop.worker().await;
    let stripe = &shop.stripe;
    drift(stripe, 1, Drift { status: Some("unpaid".to_owned()), ..Drift::default() });
    drift(stripe, 2, Drift { price: Some("price_pro".to_owned()), ..Drift::default() });
    drift(stripe, 3, Drift { quantity: Some(5), ..Drift::default() });
    drift(stripe, 4, Drift { current_period_end: Some(2_000_000_000), ..Drift::default() });
    drift(stripe, 5, Drift { cancel_at_period_end: Some(true), ..Drift::default() });
    drift(stripe, 6, Drift { trial_end: Some(2_000_000_000), ..Drift::default() });
    shop.arrange(&format!(
        "delete from product.subscriptions where stripe_subscription_id = '{}';
         update product.subscriptions set stripe_subscription_id = 'sub_nobody_knows'
         where stripe_subscription_id = '{}';
         delete from product.subscriptions where tenant_id = '{}'",
        sub(7),
        sub(8),
        tenant(9),
    ))
    .await;
    let first = reconcile(&shop).await;
    assert_eq!(
        found(&first),
        [
            ("cancel_at_period_end_differs", 1),
            ("missing_in_stripe", 1),
            ("missing_locally", 3),
            ("period_end_differs", 1),
            ("plan_differs", 1),
            ("quantity_differs", 1),
            ("status_differs", 1),
            ("trial_end_differs", 1),
        ]
    );
    let ours = "select from product.subscriptions where";
    assert_eq!(shop.rows(&format!("{ours} status = 'lapsed'")).await, 1);
    assert_eq!(shop.rows(&format!("{ours} plan = 'pro' and daily_calls_max = 500")).await, 1);
    assert_eq!(shop.rows(&format!("{ours} quantity = 5")).await, 1);
    assert_eq!(shop.rows(&format!("{ours} status = 'cancelled'")).await, 1);
    let noted =
        "select from product.billing_events where source = 'reconciliation' and run_id is not null";
    assert_eq!(shop.rows(noted).await, i64::try_from(first.tally.fixed).unwrap());
    // Number eight was still in force with us under another name when its own was met: it is made in the second run.
    let second = reconcile(&shop).await;
    assert!(second.tally.mismatches <= 1, "{second:?}");
    let third = reconcile(&shop).await;
    assert_eq!((third.tally.mismatches, third.reported), (0, 0), "{third:?}");
    assert_eq!(third.tally.checked, 300);
}

#[tokio::test]
async fn what_concerns_who_pays_is_reported_and_never_touched() {
    let shop = Shop::subscribed(20).await;
    let _worker = shop.worker().await;
    drift(&shop.stripe, 1, Drift { livemode: Some(true), ..Drift::default() });
    drift(
        &shop.stripe,
        2,
        Drift {
            customer: Some("cus_seed0000000003".to_owned()),
            quantity: Some(9),
            ..Drift::default()
        },
    );
    shop.arrange(&format!(
        "delete from product.subscriptions where tenant_id = '{0}';
         update product.tenants set stripe_customer_id = null where tenant_id = '{0}';
         update product.tenants set status = 'offboarded' where tenant_id = '{0}'",
        tenant(4)
    ))
    .await;
    // Tenant 5 pays for a second one.
    let http = clients::http::client(Duration::from_secs(5)).unwrap();
    let url = format!("{}v1/subscriptions", shop.stripe.base_url());
    let form = [
        ("customer", "cus_seed0000000005"),
        ("items[0][price]", "price_starter"),
        ("metadata[tenant_id]", &tenant(5).to_string()),
    ];
    let made = http.post(url).bearer_auth(crate::stage::STRIPE_KEY).form(&form).send().await;
    assert_eq!(made.unwrap().status(), 200);
    let before = shop.stripe.subscriptions();
    let report = reconcile(&shop).await;
    assert_eq!(
        found(&report),
        [
            ("customer_differs", 1),
            ("duplicate_subscription", 2),
            ("livemode_differs", 1),
            ("missing_locally", 2),
            ("orphan_customer", 1),
        ]
    );
    assert_eq!((report.tally.fixed, report.reported), (0, 7));
    assert_eq!(shop.stripe.subscriptions(), before, "nothing is ever cancelled by a program");
    assert_eq!(shop.rows("select from product.subscriptions where quantity = 9").await, 0);
    assert_eq!(reconcile(&shop).await.reported, 7, "until a person has seen to it");
}

#[tokio::test]
async fn a_flood_of_differences_is_reported_and_nothing_is_set_right() {
    let shop = Shop::subscribed(400).await;
    let _worker = shop.worker().await;
    // Another account's key: Stripe knows nobody.
    shop.stripe.reset();
    let report = reconcile(&shop).await;
    assert!(report.suspicious, "{report:?}");
    assert_eq!(report.tally.fixed, 0);
    assert_eq!(shop.rows("select from product.subscriptions where status = 'active'").await, 400);
}

#[tokio::test]
async fn a_small_company_s_customers_are_not_ended_because_another_account_was_asked() {
    let shop = Shop::subscribed(50).await;
    let _worker = shop.worker().await;
    shop.stripe.reset();
    let report = reconcile(&shop).await;
    assert!(report.suspicious, "{report:?}");
    assert_eq!(shop.rows("select from product.subscriptions where status = 'active'").await, 50);
}

#[tokio::test]
async fn a_subscription_of_stripes_other_mode_is_not_ended_because_this_one_does_not_know_it() {
    let shop = Shop::subscribed(2).await;
    let _worker = shop.worker().await;
    let live = format!(
        "update product.subscriptions set livemode = true where stripe_subscription_id = '{}'",
        sub(1)
    );
    shop.arrange(&live).await;
    shop.stripe.reset();
    let report = reconcile(&shop).await;
    assert_eq!((report.tally.fixed, report.suspicious), (1, false), "{report:?}");
    let active = "select from product.subscriptions where status = 'active' and livemode";
    assert_eq!(shop.rows(active).await, 1);
}

#[tokio::test]
async fn what_somebody_is_just_writing_is_left_for_the_next_run() {
    let shop = Shop::subscribed(3).await;
    let _worker = shop.worker().await;
    drift(&shop.stripe, 1, Drift { quantity: Some(2), ..Drift::default() });
    shop.arrange(&format!(
        "update product.subscriptions set updated_at = trunkline.now() + interval '1 hour'
         where stripe_subscription_id = '{}'",
        sub(1)
    ))
    .await;
    let report = reconcile(&shop).await;
    assert_eq!((report.tally.skipped, report.tally.mismatches), (1, 0));
    shop.advance(Duration::from_hours(2)).await;
    assert_eq!(reconcile(&shop).await.tally.fixed, 1);
}

#[tokio::test]
async fn a_run_goes_on_at_its_page_after_its_worker_was_killed_and_through_stripes_moods() {
    let shop = Shop::subscribed(600).await;
    let worker = shop.worker().await;
    drift(&shop.stripe, 599, Drift { quantity: Some(2), ..Drift::default() });
    drift(&shop.stripe, 1, Drift { quantity: Some(2), ..Drift::default() });
    shop.stripe
        .set_mood(Spell { delay: Some(Duration::from_millis(30)), ..Spell::from(Mood::Slow) });
    let id = shop.engine.enqueue(ReconcileStripe {}.job()).await.unwrap().id();
    let pages = || {
        let requests = shop.stripe.requests();
        requests.get("/v1/subscriptions").map_or(0, |traffic| traffic.requests)
    };
    wait_until("some pages are there", async || holds(pages() >= 3)).await;
    let pool = worker.kill();
    let before = pages();
    shop.db.end_lease_of(&pool).await;
    shop.stripe.set_mood(Spell { for_requests: Some(2), ..Spell::from(Mood::ServerError) });
    let _other = shop.worker().await;
    let job = shop.ends(id).await;
    let report: Report = serde_json::from_value(job.output.unwrap()).unwrap();
    assert_eq!((report.tally.checked, report.tally.fixed), (1_200, 2));
    // Six pages, the one that was under way once more, and two failures.
    assert!(pages() <= before + 6 && pages() <= 10, "{} after {before}", pages());
}

#[tokio::test]
async fn without_an_account_there_is_nothing_to_compare() {
    let shop = Shop::open(1).await;
    let settings = workflows::Settings {
        pepper: shop.config.settings.pepper.clone(),
        demo: shop.config.settings.demo.clone(),
        numbers: shop.config.settings.numbers.clone(),
        sms_every_ms: 1,
        otp_by_voice: true,
        sms_from: None,
        stripe_is_live: None,
    };
    let options = tests::WorkerOptions::default();
    let _worker = tests::TestWorker::start(
        shop.config.engine.clone(),
        std::sync::Arc::new(crate::stage::without_clock()),
        std::sync::Arc::clone(&shop.config.clients),
        std::sync::Arc::new(settings),
        options,
    )
    .await;
    let job = shop.done(&ReconcileStripe {}).await;
    assert!(job.output.is_none_or(|output| output.is_null()));
    assert_eq!(shop.stripe.requests_total(), 0);
}
