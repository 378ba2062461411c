//! Plans, and which tenant has which.

use std::time::Duration;

use crate::{Conn, Error, SubscriptionId, TenantId, error::During, scope};

/// The plan of a demo.
pub const DEMO_PLAN: &str = "demo";

/// What a plan allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its name.
    pub plan: String,
    /// Calls in a day.
    pub daily_calls_max: i32,
    /// Seconds of talk in a period that is paid for; in all, where none is.
    pub talk_secs_max: i32,
    /// How long it runs; none for those that run until they are cancelled.
    pub lifetime: Option<Duration>,
}

/// A plan by its name.
pub async fn plan_by_name(conn: &mut Conn, plan: &str) -> Result<Option<Plan>, Error> {
    let row = sqlx::query!(
        "select plan, daily_calls_max, talk_secs_max, lifetime_hours
         from product.subscription_plans where plan = $1",
        plan
    )
    .fetch_optional(conn)
    .await
    .during("plan: get")?;
    Ok(row.map(|r| Plan {
        plan: r.plan,
        daily_calls_max: r.daily_calls_max,
        talk_secs_max: r.talk_secs_max,
        lifetime: r
            .lifetime_hours
            .and_then(|hours| u64::try_from(hours).ok())
            .map(|hours| Duration::from_secs(hours * 3600)),
    }))
}

/// The plan that has this price at Stripe.
pub async fn plan_by_price(conn: &mut Conn, price: &str) -> Result<Option<Plan>, Error> {
    let row = sqlx::query!(
        "select plan, daily_calls_max, talk_secs_max
         from product.subscription_plans where stripe_price_id = $1",
        price
    )
    .fetch_optional(conn)
    .await
    .during("plan: by price")?;
    Ok(row.map(|r| Plan {
        plan: r.plan,
        daily_calls_max: r.daily_calls_max,
        talk_secs_max: r.talk_secs_max,
        lifetime: None,
    }))
}

/// What a plan that can be bought costs, by its price's name at Stripe.
pub async fn price_of(conn: &mut Conn, plan: &str) -> Result<Option<String>, Error> {
    let row = sqlx::query_scalar!(
        "select stripe_price_id from product.subscription_plans where plan = $1",
        plan
    );
    Ok(row.fetch_optional(conn).await.during("plan: price")?.flatten())
}

/// A plan that can be bought, as an operator sets it.
#[derive(Debug, Clone)]
pub struct PaidPlan<'a> {
    /// Its name.
    pub plan: &'a str,
    /// Calls in a day.
    pub daily_calls_max: i32,
    /// Seconds of talk in a period that is paid for; in all, where none is.
    pub talk_secs_max: i32,
    /// `price_…`.
    pub stripe_price: &'a str,
    /// The meter that its outbound messages are reported to; none: billed as a whole.
    pub meter_event: Option<&'a str>,
    /// The meter that its seconds of talk are reported to; none: billed as a whole.
    pub talk_meter_event: Option<&'a str>,
}

/// Makes a plan, or changes it. What was agreed with tenants stays as it was agreed; what they used before the plan had a meter
/// is not billed by it.
pub async fn put_plan(conn: &mut Conn, plan: PaidPlan<'_>) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.subscription_plans
             (plan, daily_calls_max, talk_secs_max, stripe_price_id, meter_event_name, talk_meter_event_name,
              metered_since, talk_metered_since)
         values ($1, $2, $3, $4, $5, $6, case when $5::text is not null then trunkline.now() end,
                 case when $6::text is not null then trunkline.now() end)
         on conflict (plan) do update set
             -- A meter that gets another name is the same meter.
             metered_since = case when subscription_plans.meter_event_name is null then excluded.metered_since
                                  when $5::text is not null then subscription_plans.metered_since end,
             talk_metered_since =
                 case when subscription_plans.talk_meter_event_name is null then excluded.talk_metered_since
                      when $6::text is not null then subscription_plans.talk_metered_since end,
             daily_calls_max = excluded.daily_calls_max, talk_secs_max = excluded.talk_secs_max,
             stripe_price_id = excluded.stripe_price_id, meter_event_name = excluded.meter_event_name,
             talk_meter_event_name = excluded.talk_meter_event_name",
        plan.plan,
        plan.daily_calls_max,
        plan.talk_secs_max,
        plan.stripe_price,
        plan.meter_event,
        plan.talk_meter_event,
    )
    .execute(conn)
    .await
    .during("plan: put")?;
    Ok(())
}

/// What is agreed for one demo.
#[derive(Debug, Clone, Copy)]
pub struct DemoTerms {
    /// From now on.
    pub lifetime: Duration,
    /// Calls in a day; none for what the plan says.
    pub daily_calls_max: Option<i32>,
}

/// Opens a tenant's demo subscription; the limits are copied, so that a later change of the plan leaves it alone. A tenant
/// that has an active subscription keeps it, and its id is the answer.
pub async fn open_demo(
    conn: &mut Conn,
    tenant: TenantId,
    terms: DemoTerms,
) -> Result<SubscriptionId, Error> {
    let doing = "subscription: open";
    sqlx::query!(
        "insert into product.subscriptions
             (subscription_id, tenant_id, plan, daily_calls_max, talk_secs_max, ends_at)
         select $1, $2, plan, coalesce($3, daily_calls_max), talk_secs_max,
                trunkline.now() + make_interval(secs => $4)
         from product.subscription_plans where plan = $5
         on conflict (tenant_id) where status = 'active' do nothing",
        SubscriptionId::mint().as_uuid(),
        tenant.as_uuid(),
        terms.daily_calls_max,
        terms.lifetime.as_secs_f64(),
        DEMO_PLAN,
    )
    .execute(&mut *conn)
    .await
    .during(doing)?;
    let row = sqlx::query!(
        "select subscription_id from product.subscriptions where tenant_id = $1 and status = 'active'",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during(doing)?;
    row.map(|r| r.subscription_id.into()).ok_or(Error::NotFound { what: "plan" })
}

/// Ends a tenant's demo subscription, or lets it go on: it became a customer, or did not after all. Twice is once.
pub async fn set_demo_ended(conn: &mut Conn, tenant: TenantId, ended: bool) -> Result<(), Error> {
    scope::require(conn, tenant).await?;
    sqlx::query!(
        "update product.subscriptions set status = case when $3 then 'cancelled' else 'active' end
         where tenant_id = $1 and plan = $2",
        tenant.as_uuid(),
        DEMO_PLAN,
        ended,
    )
    .execute(conn)
    .await
    .during("subscription: end demo")?;
    Ok(())
}

/// Lets a tenant's demo subscription end this long from now.
pub async fn prolong_demo(
    conn: &mut Conn,
    tenant: TenantId,
    lifetime: Duration,
) -> Result<(), Error> {
    sqlx::query!(
        "update product.subscriptions set ends_at = trunkline.now() + make_interval(secs => $3)
         where tenant_id = $1 and plan = $2 and status = 'active'",
        tenant.as_uuid(),
        DEMO_PLAN,
        lifetime.as_secs_f64(),
    )
    .execute(conn)
    .await
    .during("subscription: prolong demo")?;
    Ok(())
}

/// Takes a tenant's demo subscription back. Twice is once.
pub async fn delete_demo(conn: &mut Conn, tenant: TenantId) -> Result<(), Error> {
    scope::require(conn, tenant).await?;
    sqlx::query!(
        "delete from product.subscriptions where tenant_id = $1 and plan = $2",
        tenant.as_uuid(),
        DEMO_PLAN,
    )
    .execute(conn)
    .await
    .during("subscription: delete")?;
    Ok(())
}

/// What a subscription says about messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagingTerms {
    /// Conversations in a month in which we write; none for no limit.
    pub conversations_monthly_max: Option<i32>,
}

/// What a tenant's subscription says about messages; none without one that is in force.
pub async fn messaging_terms(
    conn: &mut Conn,
    tenant: TenantId,
) -> Result<Option<MessagingTerms>, Error> {
    sqlx::query_as!(
        MessagingTerms,
        "select p.conversations_monthly_max
         from product.subscriptions_in_force s join product.subscription_plans p using (plan)
         where s.tenant_id = $1",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("subscription: messaging terms")
}
