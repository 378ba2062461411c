//! What a workflow has done at Stripe, written down, with what it takes to write it back.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    apply::{Told, verdict, write},
    compare::differences,
    events::{self, Note, Source},
    facts::Facts,
    row::by_stripe_id,
};
use crate::{Conn, Error, SubscriptionId, TenantId, error::During};

/// What was agreed before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Of which subscription.
    pub subscription: SubscriptionId,
    /// The plan.
    pub plan: String,
    /// Calls in a day.
    pub daily_calls_max: i32,
    /// Seconds of talk in a period.
    pub talk_secs_max: i32,
    /// `price_…`.
    pub price: Option<String>,
    /// How many.
    pub quantity: i32,
    /// Ends with its period.
    pub cancel_at_period_end: bool,
}

/// Writes down what Stripe answered. Says what stood before. What is known to be older than what stands is left out.
pub async fn record(
    conn: &mut Conn,
    (facts, seen_at): (&Facts, DateTime<Utc>),
    kind: &str,
    run: Uuid,
) -> Result<Terms, Error> {
    let known = by_stripe_id(conn, std::slice::from_ref(&facts.stripe_id)).await?;
    let ours = known.into_iter().next().ok_or(Error::NotFound { what: "subscription" })?;
    let agreed = sqlx::query!(
        "select daily_calls_max, talk_secs_max from product.subscriptions where subscription_id = $1",
        ours.subscription.as_uuid()
    )
    .fetch_one(&mut *conn)
    .await
    .during("subscription: terms")?;
    let terms = Terms {
        subscription: ours.subscription,
        plan: ours.plan.clone(),
        daily_calls_max: agreed.daily_calls_max,
        talk_secs_max: agreed.talk_secs_max,
        price: ours.price.clone(),
        quantity: ours.quantity,
        cancel_at_period_end: ours.cancel_at_period_end,
    };
    let found = differences(&ours, facts, facts.livemode);
    if verdict(&ours, facts, seen_at, &found) == super::Applied::Written {
        let told = Told { facts, seen_at, source: Source::Workflow, run };
        write(conn, &ours, &told, kind).await?;
    }
    Ok(terms)
}

/// Writes back what was agreed before.
pub async fn restore(
    conn: &mut Conn,
    tenant: TenantId,
    terms: &Terms,
    run: Uuid,
) -> Result<(), Error> {
    crate::scope::require(conn, tenant).await?;
    sqlx::query!(
        "update product.subscriptions set plan = $2, daily_calls_max = $3, talk_secs_max = $4,
             stripe_price_id = $5, quantity = $6, cancel_at_period_end = $7, updated_at = trunkline.now()
         where subscription_id = $1",
        terms.subscription.as_uuid(),
        terms.plan,
        terms.daily_calls_max,
        terms.talk_secs_max,
        terms.price,
        terms.quantity,
        terms.cancel_at_period_end,
    )
    .execute(&mut *conn)
    .await
    .during("subscription: restore")?;
    let note = Note {
        tenant,
        subscription: Some(terms.subscription),
        stripe_object: None,
        source: Source::Workflow,
        kind: "restored",
        before: None,
        after: Some(serde_json::json!(terms)),
        run,
    };
    events::note(conn, note).await
}
