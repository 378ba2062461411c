//! A subscription ends, or becomes another one.

use engine::State;
use sandbox::stripe::{Mood, Spell};
use workflows::{
    cancel_subscription::{CancelSubscription, EndsAt},
    change_plan::{ChangePlan, Proration},
};

use super::shop::{Shop, tenant};

fn moods() -> [Spell<Mood>; 4] {
    [Mood::Accepts, Mood::LosesReply, Mood::Breaks, Mood::Conflict]
        .map(|mood| Spell { for_requests: Some(1), ..Spell::from(mood) })
}

fn pro() -> ChangePlan {
    ChangePlan { tenant: tenant(1), plan: "pro".to_owned(), proration: Proration::NextInvoice }
}

#[tokio::test]
async fn a_subscription_that_ends_with_its_period_is_in_force_until_then() {
    for spell in moods() {
        let shop = Shop::subscribed(1).await;
        let _worker = shop.worker().await;
        shop.stripe.set_mood(spell);
        shop.done(&CancelSubscription { tenant: tenant(1), at: EndsAt::PeriodEnd }).await;
        let live = shop.live();
        assert!(live.len() == 1 && live[0].cancel_at_period_end, "{live:?}");
        let ours =
            "select from product.subscriptions where status = 'active' and cancel_at_period_end";
        assert_eq!(shop.rows(ours).await, 1);
    }
}

#[tokio::test]
async fn a_subscription_that_ends_now_is_over_everywhere() {
    for spell in moods() {
        let shop = Shop::subscribed(1).await;
        let _worker = shop.worker().await;
        shop.stripe.set_mood(spell);
        shop.done(&CancelSubscription { tenant: tenant(1), at: EndsAt::Now }).await;
        assert!(shop.live().is_empty());
        let ours = "select from product.subscriptions where status = 'cancelled' and stripe_status = 'canceled'
                    and ends_at is not null";
        assert_eq!(shop.rows(ours).await, 1);
        let again = CancelSubscription { tenant: tenant(1), at: EndsAt::Now };
        assert_eq!(shop.run(&again).await.summary.state, State::Failed, "there is nothing to end");
    }
}

#[tokio::test]
async fn another_plan_brings_its_price_and_its_limits() {
    for spell in moods() {
        let shop = Shop::subscribed(1).await;
        let _worker = shop.worker().await;
        shop.stripe.set_mood(spell);
        shop.done(&pro()).await;
        assert_eq!(shop.live()[0].price, "price_pro");
        let ours =
            "select from product.subscriptions where plan = 'pro' and stripe_price_id = 'price_pro'
                    and daily_calls_max = 500 and status = 'active'";
        assert_eq!(shop.rows(ours).await, 1);
        assert_eq!(
            shop.rows("select from product.billing_events where kind = 'plan_changed'").await,
            1
        );
    }
}

#[tokio::test]
async fn the_rest_of_the_period_is_charged_at_once_where_that_is_asked_for() {
    let shop = Shop::subscribed(1).await;
    let _worker = shop.worker().await;
    shop.stripe.set_mood(Spell { for_requests: Some(1), ..Spell::from(Mood::LosesReply) });
    shop.done(&ChangePlan { proration: Proration::Now, ..pro() }).await;
    assert_eq!(shop.stripe.charges().len(), 1, "once, though the reply was lost");
}

/// Our write fails after Stripe's: the old price is back.
#[tokio::test]
async fn a_change_that_cannot_be_written_down_is_taken_back() {
    let shop = Shop::subscribed(1).await;
    let _worker = shop.worker().await;
    shop.arrange(
        "alter table product.subscriptions add constraint none_is_pro check (plan <> 'pro')",
    )
    .await;
    let job = shop.run(&pro()).await;
    assert_eq!(job.summary.state, State::Failed);
    assert_eq!(shop.live()[0].price, "price_starter");
    let ours = "select from product.subscriptions where plan = 'starter' and stripe_price_id = 'price_starter'";
    assert_eq!(shop.rows(ours).await, 1);
}
