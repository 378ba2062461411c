//! A subscription on its way: a place is kept for it before Stripe is asked, and given up if it comes to nothing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    apply::make_room,
    events::{self, Note, Source},
    facts::Facts,
};
use crate::{Conn, Error, SubscriptionId, TenantId, error::During};

/// What is to be opened.
#[derive(Debug, Clone)]
pub struct Opening<'a> {
    /// Our name for it.
    pub subscription: SubscriptionId,
    /// For whom.
    pub tenant: TenantId,
    /// Which plan.
    pub plan: &'a str,
    /// How many.
    pub quantity: i32,
    /// The job that opens it.
    pub run: Uuid,
}

/// A place that is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Opened {
    /// Who pays, if Stripe knows the tenant already.
    pub customer: Option<String>,
    /// What the plan costs, `price_…`.
    pub price: String,
}

/// Keeps a place for a subscription. Refused for demos, for plans that cannot be bought, and while another one is paid or
/// on its way.
pub async fn open(conn: &mut Conn, new: Opening<'_>) -> Result<Opened, Error> {
    let doing = "subscription: open";
    let payer = sqlx::query!(
        r#"select status, stripe_customer_id,
                  exists (select from product.subscriptions s where s.tenant_id = t.tenant_id and s.plan <> 'demo'
                            and s.status in ('active', 'lapsed')) as "pays!"
           from product.tenants t where tenant_id = $1 for update"#,
        new.tenant.as_uuid()
    )
    .fetch_optional(&mut *conn)
    .await
    .during(doing)?
    .ok_or(Error::NotFound { what: "tenant" })?;
    if payer.status != "active" {
        return Err(Error::IllegalMove { what: "tenant", from: "not active", to: "billed" });
    }
    if payer.pays {
        return Err(Error::IllegalMove { what: "subscription", from: "there", to: "opened" });
    }
    let plan = sqlx::query!(
        "select stripe_price_id, daily_calls_max, talk_secs_max
         from product.subscription_plans where plan = $1",
        new.plan
    )
    .fetch_optional(&mut *conn)
    .await
    .during(doing)?
    .ok_or(Error::NotFound { what: "plan" })?;
    let price = plan.stripe_price_id.ok_or(Error::NotFound { what: "price of this plan" })?;
    sqlx::query!(
        "insert into product.subscriptions
             (subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max, status, quantity, opened_by)
         values ($1, $2, $3, $4, $5, 'pending', $6, $7)",
        new.subscription.as_uuid(),
        new.tenant.as_uuid(),
        new.plan,
        plan.daily_calls_max,
        plan.talk_secs_max,
        new.quantity,
        new.run,
    )
    .execute(conn)
    .await
    .during(doing)?;
    Ok(Opened { customer: payer.stripe_customer_id, price })
}

/// Gives the place up. What was in force is over by now; this leaves the record of why.
pub async fn discard(
    conn: &mut Conn,
    tenant: TenantId,
    subscription: SubscriptionId,
    run: Uuid,
) -> Result<(), Error> {
    crate::scope::require(conn, tenant).await?;
    sqlx::query!(
        "delete from product.subscriptions where subscription_id = $1 and status = 'pending'",
        subscription.as_uuid()
    )
    .execute(&mut *conn)
    .await
    .during("subscription: discard")?;
    let note = Note {
        tenant,
        subscription: Some(subscription),
        stripe_object: None,
        source: Source::Workflow,
        kind: "compensating_cancel",
        before: None,
        after: None,
        run,
    };
    events::note(conn, note).await
}

/// What activating has changed beside the subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Activated {
    /// The demo that made room.
    pub demo: Option<SubscriptionId>,
    /// The tenant had no customer before.
    pub customer_is_new: bool,
}

/// A subscription that Stripe has made comes into force.
pub async fn activate(
    conn: &mut Conn,
    subscription: SubscriptionId,
    tenant: TenantId,
    (facts, seen_at): (&Facts, DateTime<Utc>),
    run: Uuid,
) -> Result<Activated, Error> {
    let room = make_room(conn, tenant).await?;
    if !room.is_free {
        return Err(Error::IllegalMove { what: "subscription", from: "second", to: "active" });
    }
    let named = sqlx::query!(
        "update product.tenants set stripe_customer_id = $2, updated_at = trunkline.now()
         where tenant_id = $1 and stripe_customer_id is null",
        tenant.as_uuid(),
        facts.customer,
    )
    .execute(&mut *conn)
    .await
    .during("subscription: payer")?;
    let written = sqlx::query!(
        "update product.subscriptions set
             status = $2, stripe_subscription_id = $3, stripe_customer_id = $4, stripe_price_id = $5,
             stripe_status = $6, quantity = $7, livemode = $8, cancel_at_period_end = $9,
             current_period_start = $10, current_period_end = $11, trial_end = $12, stripe_seen_at = $13,
             updated_at = trunkline.now()
         where subscription_id = $1 and status = 'pending'",
        subscription.as_uuid(),
        facts.status.standing().as_str(),
        facts.stripe_id,
        facts.customer,
        facts.price,
        facts.status.as_str(),
        facts.quantity,
        facts.livemode,
        facts.cancel_at_period_end,
        facts.period_start,
        facts.period_end,
        facts.trial_end,
        seen_at,
    )
    .execute(&mut *conn)
    .await
    .during("subscription: activate")?;
    if written.rows_affected() == 0 {
        return Err(Error::NotFound { what: "place for this subscription" });
    }
    let note = Note {
        tenant,
        subscription: Some(subscription),
        stripe_object: Some(&facts.stripe_id),
        source: Source::Workflow,
        kind: "activated",
        before: None,
        after: Some(json!(facts)),
        run,
    };
    events::note(conn, note).await?;
    Ok(Activated { demo: room.demo, customer_is_new: named.rows_affected() == 1 })
}

/// Takes it out of force again. The demo that made room is back.
pub async fn deactivate(
    conn: &mut Conn,
    subscription: SubscriptionId,
    tenant: TenantId,
    activated: &Activated,
) -> Result<(), Error> {
    crate::scope::require(conn, tenant).await?;
    let doing = "subscription: deactivate";
    sqlx::query!(
        "update product.subscriptions set status = 'cancelled', ends_at = trunkline.now(),
             updated_at = trunkline.now() where subscription_id = $1 and status <> 'cancelled'",
        subscription.as_uuid()
    )
    .execute(&mut *conn)
    .await
    .during(doing)?;
    if activated.customer_is_new {
        sqlx::query!(
            "update product.tenants set stripe_customer_id = null, updated_at = trunkline.now()
             where tenant_id = $1",
            tenant.as_uuid()
        )
        .execute(&mut *conn)
        .await
        .during(doing)?;
    }
    if let Some(demo) = activated.demo {
        sqlx::query!(
            "update product.subscriptions set status = 'active', updated_at = trunkline.now()
             where subscription_id = $1",
            demo.as_uuid()
        )
        .execute(conn)
        .await
        .during(doing)?;
    }
    Ok(())
}
