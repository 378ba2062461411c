//! A subscription as we keep it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::facts::StripeStatus;
use crate::{Conn, Error, SubscriptionId, TenantId, error::During, word::words};

words! {
    /// What a subscription means for its tenant.
    pub enum Standing ("standing of a subscription") {
        /// On its way: a workflow is opening it.
        Pending = "pending",
        /// In force.
        Active = "active",
        /// Unpaid, paused or incomplete: there, but not in force.
        Lapsed = "lapsed",
        /// Over.
        Cancelled = "cancelled",
    }
}

/// A subscription that Stripe knows, in our books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Billed {
    /// Our name for it.
    pub subscription: SubscriptionId,
    /// Whose.
    pub tenant: TenantId,
    /// The plan.
    pub plan: String,
    /// What it means.
    pub standing: Standing,
    /// `sub_…`.
    pub stripe_id: String,
    /// `cus_…`, of the tenant.
    pub customer: Option<String>,
    /// `price_…`.
    pub price: Option<String>,
    /// Stripe's word.
    pub status: Option<StripeStatus>,
    /// How many.
    pub quantity: i32,
    /// Real money, or a test.
    pub livemode: Option<bool>,
    /// Ends with the period that runs.
    pub cancel_at_period_end: bool,
    /// The end of the period that runs.
    pub period_end: Option<DateTime<Utc>>,
    /// When its trial ends or ended.
    pub trial_end: Option<DateTime<Utc>>,
    /// Before Stripe was asked for what stands here.
    pub seen_at: Option<DateTime<Utc>>,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
}

impl Billed {
    /// For the record of what was changed.
    pub(super) fn told(&self) -> Value {
        json!({
            "plan": self.plan, "status": self.status.map(StripeStatus::as_str),
            "price": self.price, "quantity": self.quantity, "customer": self.customer,
            "cancel_at_period_end": self.cancel_at_period_end, "period_end": self.period_end,
            "trial_end": self.trial_end,
        })
    }
}

pub(super) struct BilledRow {
    pub(super) subscription_id: uuid::Uuid,
    pub(super) tenant_id: uuid::Uuid,
    pub(super) plan: String,
    pub(super) status: String,
    pub(super) stripe_subscription_id: String,
    pub(super) customer: Option<String>,
    pub(super) stripe_price_id: Option<String>,
    pub(super) stripe_status: Option<String>,
    pub(super) quantity: i32,
    pub(super) livemode: Option<bool>,
    pub(super) cancel_at_period_end: bool,
    pub(super) current_period_end: Option<DateTime<Utc>>,
    pub(super) trial_end: Option<DateTime<Utc>>,
    pub(super) stripe_seen_at: Option<DateTime<Utc>>,
    pub(super) updated_at: DateTime<Utc>,
}

impl TryFrom<BilledRow> for Billed {
    type Error = Error;

    fn try_from(row: BilledRow) -> Result<Self, Error> {
        Ok(Self {
            subscription: row.subscription_id.into(),
            tenant: row.tenant_id.into(),
            plan: row.plan,
            standing: row.status.parse()?,
            stripe_id: row.stripe_subscription_id,
            customer: row.customer,
            price: row.stripe_price_id,
            status: row.stripe_status.map(|word| word.parse()).transpose()?,
            quantity: row.quantity,
            livemode: row.livemode,
            cancel_at_period_end: row.cancel_at_period_end,
            period_end: row.current_period_end,
            trial_end: row.trial_end,
            seen_at: row.stripe_seen_at,
            updated_at: row.updated_at,
        })
    }
}

/// The subscriptions with these names at Stripe, locked until the transaction ends.
pub async fn by_stripe_id(conn: &mut Conn, ids: &[String]) -> Result<Vec<Billed>, Error> {
    let rows = sqlx::query_as!(
        BilledRow,
        r#"select s.subscription_id, s.tenant_id, s.plan, s.status,
                  s.stripe_subscription_id as "stripe_subscription_id!", t.stripe_customer_id as customer,
                  s.stripe_price_id, s.stripe_status, s.quantity, s.livemode, s.cancel_at_period_end,
                  s.current_period_end, s.trial_end, s.stripe_seen_at, s.updated_at
           from product.subscriptions s join product.tenants t using (tenant_id)
           where s.stripe_subscription_id = any ($1)
           order by s.stripe_subscription_id for update of s"#,
        ids
    )
    .fetch_all(conn)
    .await
    .during("subscription: by stripe id")?;
    rows.into_iter().map(Billed::try_from).collect()
}

/// A tenant's subscription that is not over, as far as Stripe is concerned; locked.
pub async fn current(conn: &mut Conn, tenant: TenantId) -> Result<Option<Billed>, Error> {
    let row = sqlx::query_as!(
        BilledRow,
        r#"select s.subscription_id, s.tenant_id, s.plan, s.status,
                  s.stripe_subscription_id as "stripe_subscription_id!", t.stripe_customer_id as customer,
                  s.stripe_price_id, s.stripe_status, s.quantity, s.livemode, s.cancel_at_period_end,
                  s.current_period_end, s.trial_end, s.stripe_seen_at, s.updated_at
           from product.subscriptions s join product.tenants t using (tenant_id)
           where s.tenant_id = $1 and s.stripe_subscription_id is not null and s.status in ('active', 'lapsed')
           order by s.status, s.created_at desc limit 1 for update of s"#,
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("subscription: current")?;
    row.map(Billed::try_from).transpose()
}
