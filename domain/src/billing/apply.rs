//! What Stripe says, written down: forward only.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    compare::{Kind, differences},
    events::{self, Note, Source},
    facts::Facts,
    row::{Billed, Standing, by_stripe_id},
};
use crate::{Conn, Error, SubscriptionId, TenantId, error::During, subscriptions};

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applied {
    /// Our books say it now.
    Written,
    /// They said it already.
    Same,
    /// They know something later.
    Late,
    /// A workflow of ours is just opening it, and will write it down with what it takes to undo it.
    BeingOpened,
    /// It is over in our books, and what is over does not come back.
    Over,
    /// Stripe had one of which we knew nothing; now we do.
    Made,
    /// It is of no tenant of ours, or of no plan.
    Stray,
    /// It concerns who pays, or for whom: a person has to look.
    Doubtful,
}

/// How facts come in.
pub(super) struct Told<'a> {
    pub(super) facts: &'a Facts,
    /// Before Stripe was asked, by the database's clock.
    pub(super) seen_at: DateTime<Utc>,
    pub(super) source: Source,
    pub(super) run: Uuid,
}

/// Writes down what Stripe says of a subscription. `seen_at`: the database's clock before Stripe was asked.
pub async fn apply(
    conn: &mut Conn,
    facts: &Facts,
    seen_at: DateTime<Utc>,
    live_expected: bool,
    run: Uuid,
) -> Result<Applied, Error> {
    let told = Told { facts, seen_at, source: Source::Webhook, run };
    let known = by_stripe_id(conn, std::slice::from_ref(&facts.stripe_id)).await?;
    let Some(ours) = known.into_iter().next() else {
        return missing(conn, &told, live_expected).await;
    };
    let found = differences(&ours, facts, live_expected);
    let verdict = verdict(&ours, facts, seen_at, &found);
    if verdict == Applied::Written {
        return write(conn, &ours, &told, "updated").await;
    }
    Ok(verdict)
}

/// What to do about a subscription that we know. Pure.
pub(super) fn verdict(
    ours: &Billed,
    facts: &Facts,
    seen_at: DateTime<Utc>,
    found: &[Kind],
) -> Applied {
    if ours.seen_at.is_some_and(|at| at > seen_at) {
        return Applied::Late;
    }
    if found.iter().any(|kind| !kind.is_safe()) {
        return Applied::Doubtful;
    }
    if found.is_empty() {
        return Applied::Same;
    }
    let was_over = ours.status.is_some_and(|status| status.standing() == Standing::Cancelled);
    if was_over && facts.status.standing() != Standing::Cancelled {
        return Applied::Over;
    }
    Applied::Written
}

/// Writes what Stripe says over what stands. One that would be the second in force stays where it is.
pub(super) async fn write(
    conn: &mut Conn,
    ours: &Billed,
    told: &Told<'_>,
    kind: &str,
) -> Result<Applied, Error> {
    let facts = told.facts;
    let standing = facts.status.standing();
    if standing == Standing::Active
        && ours.standing != Standing::Active
        && !make_room(conn, ours.tenant).await?.is_free
    {
        return Ok(Applied::Doubtful);
    }
    let plan = match &facts.price {
        Some(price) => subscriptions::plan_by_price(conn, price).await?,
        None => None,
    };
    let plan = plan.filter(|plan| plan.plan != ours.plan);
    sqlx::query!(
        "update product.subscriptions set
             status = $2, stripe_status = $3, stripe_price_id = coalesce($4, stripe_price_id), quantity = $5,
             livemode = $6, cancel_at_period_end = $7, current_period_start = $8, current_period_end = $9,
             trial_end = $10, stripe_seen_at = $11, updated_at = trunkline.now(), stripe_customer_id = $12,
             plan = coalesce($13, plan), daily_calls_max = coalesce($14, daily_calls_max),
             talk_secs_max = coalesce($15, talk_secs_max),
             -- What was used before it had the meter was paid for as a whole. Meters that both have go on.
             metered_from = case when exists (
                 select from product.subscription_plans old, product.subscription_plans new
                 where old.plan = subscriptions.plan and new.plan = $13
                   and (new.meter_event_name <> coalesce(old.meter_event_name, '')
                        or new.talk_meter_event_name <> coalesce(old.talk_meter_event_name, '')))
                 then trunkline.now() else metered_from end,
             ends_at = case when $2 = 'cancelled' then coalesce(ends_at, trunkline.now()) end
         where subscription_id = $1",
        ours.subscription.as_uuid(),
        standing.as_str(),
        facts.status.as_str(),
        facts.price,
        facts.quantity,
        facts.livemode,
        facts.cancel_at_period_end,
        facts.period_start,
        facts.period_end,
        facts.trial_end,
        told.seen_at,
        facts.customer,
        plan.as_ref().map(|plan| plan.plan.clone()),
        plan.as_ref().map(|plan| plan.daily_calls_max),
        plan.as_ref().map(|plan| plan.talk_secs_max),
    )
    .execute(&mut *conn)
    .await
    .during("subscription: write")?;
    events::note(
        conn,
        Note {
            tenant: ours.tenant,
            subscription: Some(ours.subscription),
            stripe_object: Some(&facts.stripe_id),
            source: told.source,
            kind,
            before: Some(ours.told()),
            after: Some(json!(facts)),
            run: told.run,
        },
    )
    .await?;
    Ok(Applied::Written)
}

/// Stripe has one of which we know nothing. One of a tenant of ours is written down; anything else is for a person, or
/// nobody's.
pub(super) async fn missing(
    conn: &mut Conn,
    told: &Told<'_>,
    live_expected: bool,
) -> Result<Applied, Error> {
    let facts = told.facts;
    if facts.status.standing() == Standing::Cancelled {
        return Ok(Applied::Stray);
    }
    let Some(tenant) = facts.tenant else { return Ok(Applied::Stray) };
    let payer = sqlx::query!(
        "select status, stripe_customer_id from product.tenants where tenant_id = $1 for update",
        tenant.as_uuid()
    )
    .fetch_optional(&mut *conn)
    .await
    .during("subscription: payer")?;
    let Some(payer) = payer else { return Ok(Applied::Stray) };
    let Some(price) = &facts.price else { return Ok(Applied::Doubtful) };
    let Some(plan) = subscriptions::plan_by_price(conn, price).await? else {
        return Ok(Applied::Doubtful);
    };
    let is_customer = matches!(payer.status.as_str(), "active" | "suspended")
        && payer.stripe_customer_id.as_ref().is_none_or(|id| *id == facts.customer);
    if !is_customer || facts.livemode != live_expected {
        return Ok(Applied::Doubtful);
    }
    if is_being_opened(conn, tenant).await? {
        return Ok(Applied::BeingOpened);
    }
    if facts.status.standing() == Standing::Active && !make_room(conn, tenant).await?.is_free {
        return Ok(Applied::Doubtful);
    }
    make(conn, tenant, &plan, told).await?;
    Ok(Applied::Made)
}

async fn is_being_opened(conn: &mut Conn, tenant: TenantId) -> Result<bool, Error> {
    let row = sqlx::query_scalar!(
        r#"select exists (select from product.subscriptions
                          where tenant_id = $1 and status = 'pending') as "is!""#,
        tenant.as_uuid()
    );
    row.fetch_one(conn).await.during("subscription: pending")
}

async fn make(
    conn: &mut Conn,
    tenant: TenantId,
    plan: &subscriptions::Plan,
    told: &Told<'_>,
) -> Result<(), Error> {
    let (facts, subscription) = (told.facts, SubscriptionId::mint());
    sqlx::query!(
        "with payer as (
             update product.tenants set stripe_customer_id = $5, updated_at = trunkline.now()
             where tenant_id = $2 and stripe_customer_id is null
         )
         insert into product.subscriptions
             (subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max, status, stripe_subscription_id,
              stripe_customer_id, stripe_price_id, stripe_status, quantity, livemode, cancel_at_period_end,
              current_period_start, current_period_end, trial_end, stripe_seen_at, opened_by)
         values ($1, $2, $3, $16, $17, $4, $6, $5, $7, $8, $9, $10, $11, $12, $13, $14, $15, $18)",
        subscription.as_uuid(),
        tenant.as_uuid(),
        plan.plan,
        facts.status.standing().as_str(),
        facts.customer,
        facts.stripe_id,
        facts.price,
        facts.status.as_str(),
        facts.quantity,
        facts.livemode,
        facts.cancel_at_period_end,
        facts.period_start,
        facts.period_end,
        facts.trial_end,
        told.seen_at,
        plan.daily_calls_max,
        plan.talk_secs_max,
        told.run,
    )
    .execute(&mut *conn)
    .await
    .during("subscription: make")?;
    let note = Note {
        tenant,
        subscription: Some(subscription),
        stripe_object: Some(&facts.stripe_id),
        source: told.source,
        kind: Kind::MissingLocally.as_str(),
        before: None,
        after: Some(json!(facts)),
        run: told.run,
    };
    events::note(conn, note).await
}

/// Where a tenant's next subscription goes.
pub(super) struct Room {
    /// No other one that is paid is in force.
    pub(super) is_free: bool,
    /// The demo that has made room.
    pub(super) demo: Option<SubscriptionId>,
}

/// A tenant's demo makes room for what is paid.
pub(super) async fn make_room(conn: &mut Conn, tenant: TenantId) -> Result<Room, Error> {
    let demo = sqlx::query_scalar!(
        "update product.subscriptions set status = 'cancelled', updated_at = trunkline.now()
         where tenant_id = $1 and status = 'active' and plan = 'demo' returning subscription_id",
        tenant.as_uuid()
    )
    .fetch_optional(&mut *conn)
    .await
    .during("subscription: make room")?;
    let taken = sqlx::query_scalar!(
        r#"select exists (select from product.subscriptions
                          where tenant_id = $1 and status = 'active') as "is!""#,
        tenant.as_uuid()
    );
    let taken = taken.fetch_one(conn).await.during("subscription: room")?;
    Ok(Room { is_free: !taken, demo: demo.map(SubscriptionId::from) })
}
