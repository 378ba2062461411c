//! Whatever goes wrong where, in the workflows of billing.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use chrono::TimeDelta;
use crash_matrix::{CrashMatrix, Done};
use engine::{Registry, State, Workflow};
use sandbox::stripe::{Drift, Handle};
use secrecy::SecretString;
use tokio_util::sync::{CancellationToken, DropGuard};
use workflows::{
    Trunkline,
    apply_stripe_event::ApplyStripeEvent,
    cancel_subscription::{CancelSubscription, EndsAt},
    change_plan::{ChangePlan, Proration},
    create_subscription::CreateSubscription,
    demo_convert::DemoConvert,
    find_stripe_gaps::FindStripeGaps,
    meter_usage::MeterUsage,
    reconcile_pages::{Part, ReconcilePages},
    reconcile_stripe::ReconcileStripe,
};

use super::{
    converting::A_DEMO,
    gaps::{things_happen, to_be_told},
    shop::{PLANS, a_config, a_stripe, tenant, tenants},
};

/// More than a full matrix plays.
const TENANTS: u64 = 1_000;

struct Outside {
    stripe: Handle,
    config: workers::Config,
    _stop: DropGuard,
}

/// A tenant whom no run had before.
fn next() -> u64 {
    static RUNS: AtomicU64 = AtomicU64::new(1);
    RUNS.fetch_add(1, Ordering::Relaxed) % TENANTS + 1
}

/// Our books as the seeded subscriptions are.
fn books(period_end: i64) -> String {
    format!(
        "select set_config('trunkline.scope', 'platform', true);
         update product.tenants t set stripe_customer_id = 'cus_seed' || lpad(n::text, 10, '0')
         from generate_series(1, {TENANTS}) n
         where t.tenant_id = ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;
         insert into product.subscriptions
             (subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max, status, stripe_subscription_id,
              stripe_customer_id, stripe_price_id, stripe_status, livemode, current_period_end, stripe_seen_at,
              updated_at)
         select gen_random_uuid(), ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'starter', 100,
                36000, 'active', 'sub_seed' || lpad(n::text, 10, '0'), 'cus_seed' || lpad(n::text, 10, '0'),
                'price_starter', 'active', false, to_timestamp({period_end}), past, past
         from generate_series(1, {TENANTS}) n, (select trunkline.now() - interval '1 day' as past) p;"
    )
}

impl Outside {
    async fn new() -> Outside {
        let stop = CancellationToken::new();
        let stripe = a_stripe(&stop, crate::stage::STRIPE_KEY).await;
        // No worker reads this address.
        let database = SecretString::from("postgres://nobody@127.0.0.1:1/nothing");
        let config = a_config(&stop, &database, &stripe).await;
        Outside { stripe, config, _stop: stop.drop_guard() }
    }

    /// With subscriptions that are there already.
    async fn subscribed() -> (Outside, String) {
        let outside = Outside::new().await;
        outside.stripe.seed(TENANTS, "price_starter", TimeDelta::days(2));
        let books = books(outside.stripe.subscriptions()[0].current_period_end);
        (outside, books)
    }

    fn matrix<W: Workflow<Trunkline>>(
        &self,
        registry: Registry<Trunkline>,
        make: impl Fn() -> W + 'static,
    ) -> CrashMatrix<Trunkline> {
        let stripe = self.stripe.clone();
        CrashMatrix::of(registry, make)
            .clients(|_| Arc::clone(&self.config.clients))
            .settings(Arc::clone(&self.config.settings))
            .clock(move |ahead| stripe.set_clock_ahead(TimeDelta::from_std(ahead).unwrap()))
            .schema(PLANS)
            .schema(&tenants(TENANTS))
            .invariant("it is over", is_over)
            // There are so many of them.
            .sample(1)
    }
}

async fn is_over(done: &Done) -> Result<(), String> {
    ensure(done.state().is_final() && done.state() != State::Failed, || {
        format!("{}: {:?}", done.state(), done.job.summary.error)
    })
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

fn only<W: Workflow<Trunkline>>() -> Registry<Trunkline> {
    Registry::default().with::<W>()
}

#[tokio::test]
async fn a_subscription_is_paid_once_or_not_at_all_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let stripe = outside.stripe.clone();
    let subscribe = || CreateSubscription {
        payment_method: Some("pm_card_visa".to_owned()),
        ..CreateSubscription::new(tenant(next()), "starter")
    };
    outside
        .matrix(only::<CreateSubscription>(), subscribe)
        .invariant("one payment, or none that was kept", async move |done: &Done| {
            let run = done.job.summary.id.to_string();
            let mine: Vec<_> = stripe.subscriptions().into_iter().filter(|it| it.metadata["workflow_id"] == run).collect();
            let live = mine.iter().filter(|it| it.status != "canceled").count();
            let charges = stripe.charges().into_iter().filter(|charge| mine.iter().any(|it| it.customer == charge.customer));
            let kept = charges.filter(|charge| !charge.refunded).count();
            let ours = done.count("select from product.subscriptions where opened_by = $1 and status <> 'cancelled'").await;
            let wanted = usize::from(done.succeeded());
            let there = (live, kept, usize::try_from(ours).unwrap_or_default());
            ensure(there == (wanted, wanted, wanted) && mine.len() <= 1, || format!("{there:?}: {mine:?}"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_subscription_ends_with_its_period_or_not_at_all_whatever_goes_wrong() {
    let (outside, books) = Outside::subscribed().await;
    let stripe = outside.stripe.clone();
    outside
        .matrix(only::<CancelSubscription>(), || CancelSubscription { tenant: tenant(next()), at: EndsAt::PeriodEnd })
        .named("cancel_subscription")
        .schema(&books)
        .invariant("Stripe and we say the same", async move |done: &Done| {
            let whose = done.job.args["tenant"].as_str().unwrap_or_default();
            let theirs = stripe.subscriptions().into_iter().find(|it| it.metadata["tenant_id"] == whose).unwrap();
            let ours = done
                .count(
                    "select from product.subscriptions s join trunkline.jobs j on j.args ->> 'tenant' = s.tenant_id::text
                     where j.job_id = $1 and cancel_at_period_end",
                )
                .await;
            let wanted = done.succeeded();
            ensure(theirs.cancel_at_period_end == wanted && (ours == 1) == wanted, || format!("{ours} of ours, {theirs:?}"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_subscription_that_ends_now_ends_once_whatever_goes_wrong() {
    let (outside, books) = Outside::subscribed().await;
    outside
        .matrix(only::<CancelSubscription>(), || CancelSubscription {
            tenant: tenant(next()),
            at: EndsAt::Now,
        })
        .named("cancel_subscription_now")
        .schema(&books)
        .run()
        .await;
}

#[tokio::test]
async fn another_plan_is_the_same_for_stripe_and_us_whatever_goes_wrong() {
    let (outside, books) = Outside::subscribed().await;
    let stripe = outside.stripe.clone();
    let pro = || ChangePlan {
        tenant: tenant(next()),
        plan: "pro".to_owned(),
        proration: Proration::None,
    };
    outside
        .matrix(only::<ChangePlan>(), pro)
        .schema(&books)
        .invariant("Stripe and we say the same", async move |done: &Done| {
            let whose = done.job.args["tenant"].as_str().unwrap_or_default();
            let theirs = stripe.subscriptions().into_iter().find(|it| it.metadata["tenant_id"] == whose).unwrap();
            let ours = done
                .count(
                    "select from product.subscriptions s join trunkline.jobs j on j.args ->> 'tenant' = s.tenant_id::text
                     where j.job_id = $1 and plan = 'pro' and daily_calls_max = 500",
                )
                .await;
            let wanted = done.succeeded();
            ensure((theirs.price == "price_pro") == wanted && (ours == 1) == wanted, || format!("{ours} of ours, {theirs:?}"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_hint_is_followed_whatever_goes_wrong() {
    let (outside, books) = Outside::subscribed().await;
    let stripe = outside.stripe.clone();
    let hint = move || {
        let object = format!("sub_seed{:010}", next());
        stripe.drift(&object, Drift { quantity: Some(7), ..Drift::default() });
        ApplyStripeEvent { event: "evt_1".to_owned(), object }
    };
    outside
        .matrix(only::<ApplyStripeEvent>(), hint)
        .schema(&books)
        .invariant("our books say it", async |done: &Done| {
            let said = done
                .count(
                    "select from product.subscriptions s join trunkline.jobs j on j.args ->> 'object' = s.stripe_subscription_id
                     where j.job_id = $1 and quantity = 7",
                )
                .await;
            ensure(said == 1 || !done.succeeded(), || format!("{said}"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn the_books_are_compared_whatever_goes_wrong() {
    let (outside, books) = Outside::subscribed().await;
    let stripe = outside.stripe.clone();
    let registry = only::<ReconcileStripe>().with::<ReconcilePages>();
    outside
        .matrix(registry, move || {
            stripe.drift(
                "sub_seed0000000500",
                Drift { quantity: Some(i64::try_from(next()).unwrap() + 1), ..Drift::default() },
            );
            ReconcileStripe {}
        })
        .schema(&books)
        .invariant("everything was compared", async |done: &Done| {
            let checked = done.job.output.as_ref().map(|report| report["tally"]["checked"].clone());
            ensure(!done.succeeded() || checked == Some((2 * TENANTS).into()), || {
                format!("{checked:?}")
            })
        })
        .run()
        .await;
}

#[tokio::test]
async fn a_stretch_of_pages_is_compared_whatever_goes_wrong() {
    let (outside, books) = Outside::subscribed().await;
    let run = engine::JobId::mint();
    let begun = format!("insert into product.reconciliation_runs (run_id) values ('{run}')");
    let stretch = move || ReconcilePages {
        run,
        part: Part::Customers,
        after: None,
        so_far: domain::billing::reconciliation::Tally::default(),
        suspicious: false,
    };
    outside.matrix(only::<ReconcilePages>(), stretch).schema(&books).schema(&begun).run().await;
}

/// For each job another hour of each of three who pay by use: one whose messages are to be counted, one whose hour Stripe
/// refuses, and one of whose ten Stripe was told without an answer before two more came to the hour.
fn three_who_pay_by_use() -> String {
    format!(
        "select set_config('trunkline.scope', 'platform', true);
         update product.tenants set created_at = trunkline.now() - interval '3 days';
         update product.subscriptions set plan = 'flexible', created_at = trunkline.now() - interval '90 days'
         where tenant_id in ('{0}', '{1}', '{2}');
         create sequence product.hours;
         create function product.use_another_hour() returns trigger language plpgsql security definer as $$
         declare
             hour timestamptz;
         begin
             perform set_config('trunkline.scope', 'platform', true);
             select date_trunc('hour', min(created_at), 'UTC') - nextval('product.hours') * interval '1 hour'
             into hour from product.tenants;
             insert into product.messages
                 (message_id, tenant_id, direction, purpose, to_phone, provider_sid, created_at)
             select gen_random_uuid(), '{0}', 'outbound', 'greeting', '+4367712345678', 'SM' || md5(n || hour::text), hour
             from generate_series(1, 3) n;
             insert into product.usage_events (tenant_id, hour, kind, quantity, telling_quantity, telling_since)
             values ('{1}', hour - interval '40 days', 'messages_out', 12, null, null),
                    ('{2}', hour, 'messages_out', 12, 10, trunkline.now());
             return null;
         end
         $$;
         create trigger use_another_hour after insert on trunkline.jobs
             for each row execute function product.use_another_hour();",
        tenant(1),
        tenant(2),
        tenant(3)
    )
}

#[tokio::test]
async fn usage_is_counted_and_told_once_whatever_goes_wrong() {
    let (outside, books) = Outside::subscribed().await;
    let stripe = outside.stripe.clone();
    outside
        .matrix(only::<MeterUsage>(), || MeterUsage {})
        .schema(&books)
        .schema(&three_who_pay_by_use())
        .invariant("told once", async move |_: &Done| {
            let told = stripe.usage();
            // Under the name of its total; the two that came to ten are told by the next run.
            let is_once = |(name, value): (&String, &i64)| {
                let total = name.rsplit(':').next().unwrap_or_default();
                matches!((total, value), ("3", 3) | ("10", 10) | ("12", 2))
            };
            ensure(told.iter().all(is_once), || format!("{told:?}"))
        })
        .invariant("what Stripe refuses holds nobody else up", async |done: &Done| {
            let waiting = done
                .count(
                    "select from product.usage_events, (select $1::uuid as job) j
                     where j.job is not null and kind = 'messages_out'
                       and (telling_quantity is not null or left_why is null and reported_quantity = 0)",
                )
                .await;
            ensure(waiting == 0 || !done.succeeded(), || format!("{waiting} wait"))
        })
        .run()
        .await;
}

#[tokio::test]
async fn stripes_events_are_read_whatever_goes_wrong() {
    let (outside, books) = Outside::subscribed().await;
    outside.stripe.set_clock_ahead(TimeDelta::hours(-2));
    things_happen(&outside.stripe, 0..5).await;
    let wanted = i64::try_from(to_be_told(&outside.stripe).len()).unwrap();
    assert_eq!(wanted, 5);
    outside
        .matrix(only::<FindStripeGaps>().with::<ApplyStripeEvent>(), || FindStripeGaps {})
        .schema(&books)
        .invariant("each event came in once", async move |done: &Done| {
            let kept = "select from trunkline.inbox, (select $1::uuid as job) j where provider = 'stripe' and j.job is not null";
            let kept = done.count(kept).await;
            ensure(kept == wanted || !done.succeeded(), || format!("{kept} of {wanted}"))
        })
        .run()
        .await;
}

/// Whether the tenant of the job `$1` is a customer who pays, or still a demo.
const PAYS: &str = "
    select from trunkline.jobs j join product.tenants t on t.tenant_id::text = j.args ->> 'tenant'
    join product.subscriptions s on s.tenant_id = t.tenant_id and s.status = 'active'
    where j.job_id = $1 and (t.status, s.plan) = ('active', 'starter')";
const TRIES: &str = "
    select from trunkline.jobs j join product.tenants t on t.tenant_id::text = j.args ->> 'tenant'
    join product.subscriptions s on s.tenant_id = t.tenant_id and s.status = 'active'
    where j.job_id = $1 and (t.status, s.plan) = ('trial', 'demo')";

#[tokio::test]
async fn a_demo_buys_a_plan_or_stays_a_demo_whatever_goes_wrong() {
    let outside = Outside::new().await;
    let stripe = outside.stripe.clone();
    let convert = || {
        let tenant = tenant(next());
        let subscription = CreateSubscription {
            payment_method: Some("pm_card_visa".to_owned()),
            ..CreateSubscription::new(tenant, "starter")
        };
        DemoConvert { tenant, subscription: Some(subscription) }
    };
    outside
        .matrix(only::<DemoConvert>().with::<CreateSubscription>(), convert)
        .named("demo_convert_and_buy")
        .schema(A_DEMO)
        .invariant("a customer who pays, or the demo that it was", async move |done: &Done| {
            let whose = done.job.args["tenant"].as_str().unwrap_or_default();
            let all = stripe.subscriptions().into_iter();
            let live = all
                .filter(|it| it.metadata["tenant_id"] == whose && it.status != "canceled")
                .count();
            let (pays, tries) = (done.count(PAYS).await, done.count(TRIES).await);
            let wanted = i64::from(done.succeeded());
            let there = (pays, tries, i64::try_from(live).unwrap_or_default());
            ensure(there == (wanted, 1 - wanted, wanted), || format!("{there:?}"))
        })
        .run()
        .await;
}
