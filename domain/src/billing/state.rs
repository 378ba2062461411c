//! How a tenant stands, and whether it has to pay before it is served.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{facts::StripeStatus, row::Standing};
use crate::{Conn, Error, SubscriptionId, TenantId, error::During, word::words};

words! {
    /// Why a tenant has to pay, or subscribe, before it is served.
    pub enum Due ("reason to pay") {
        /// It has never subscribed.
        NoSubscription = "no_subscription",
        /// The first payment is missing.
        FirstPayment = "first_payment_missing",
        /// Renewals were not paid, and Stripe has stopped trying.
        Unpaid = "unpaid",
        /// The trial is over, and there is no way to pay.
        Paused = "paused",
        /// What it had is over.
        Ended = "ended",
    }
}

/// How a tenant stands.
#[derive(Debug, Clone, Serialize)]
pub struct BillingState {
    /// Our name for its newest subscription that counts.
    pub subscription_id: Option<SubscriptionId>,
    /// Its plan.
    pub plan: Option<String>,
    /// `pending`, `active`, `lapsed` or `cancelled`.
    pub status: Option<String>,
    /// Stripe's word.
    pub stripe_status: Option<String>,
    /// `sub_…`.
    pub stripe_subscription_id: Option<String>,
    /// `cus_…`.
    pub stripe_customer_id: Option<String>,
    /// How many.
    pub quantity: Option<i32>,
    /// Ends with the period that runs.
    pub cancel_at_period_end: Option<bool>,
    /// The end of the period that runs.
    pub current_period_end: Option<DateTime<Utc>>,
    /// When its trial ends or ended.
    pub trial_end: Option<DateTime<Utc>>,
    /// When what has an end ends.
    pub ends_at: Option<DateTime<Utc>>,
    /// Whether its end has come.
    #[serde(skip)]
    pub is_past_end: bool,
}

impl BillingState {
    /// Why the tenant has to pay first, if it has to. Pure.
    pub fn due(&self) -> Option<Due> {
        let standing = self.status.as_deref().and_then(|word| word.parse().ok());
        let stripe = self.stripe_status.as_deref().and_then(|word| word.parse().ok());
        due(standing, stripe, self.is_past_end)
    }
}

fn due(standing: Option<Standing>, stripe: Option<StripeStatus>, is_past_end: bool) -> Option<Due> {
    match standing {
        None => Some(Due::NoSubscription),
        Some(Standing::Active) => is_past_end.then_some(Due::Ended),
        Some(Standing::Pending) => Some(Due::FirstPayment),
        Some(Standing::Cancelled) => Some(Due::Ended),
        Some(Standing::Lapsed) => Some(match stripe {
            Some(StripeStatus::Incomplete) => Due::FirstPayment,
            Some(StripeStatus::Paused) => Due::Paused,
            Some(_) | None => Due::Unpaid,
        }),
    }
}

/// How a tenant stands; none if there is no such tenant.
pub async fn state(conn: &mut Conn, tenant: TenantId) -> Result<Option<BillingState>, Error> {
    let row = sqlx::query!(
        r#"select s.subscription_id as "subscription_id?", s.plan as "plan?", s.status as "status?",
                  s.stripe_status, s.stripe_subscription_id, t.stripe_customer_id, s.quantity as "quantity?",
                  s.cancel_at_period_end as "cancel_at_period_end?", s.current_period_end, s.trial_end, s.ends_at,
                  coalesce(s.ends_at <= trunkline.now(), false) as "is_past_end!"
           from product.tenants t left join lateral (
               select * from product.subscriptions s where s.tenant_id = t.tenant_id
               order by array_position(array['active', 'lapsed', 'pending', 'cancelled'], s.status), s.created_at desc
               limit 1) s on true
           where t.tenant_id = $1"#,
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("billing: state")?;
    Ok(row.map(|r| BillingState {
        subscription_id: r.subscription_id.map(SubscriptionId::from),
        plan: r.plan,
        status: r.status,
        stripe_status: r.stripe_status,
        stripe_subscription_id: r.stripe_subscription_id,
        stripe_customer_id: r.stripe_customer_id,
        quantity: r.quantity,
        cancel_at_period_end: r.cancel_at_period_end,
        current_period_end: r.current_period_end,
        trial_end: r.trial_end,
        ends_at: r.ends_at,
        is_past_end: r.is_past_end,
    }))
}

/// The gate before whatever is served to payers only: why this tenant has to pay first, if it has to.
pub async fn billing_due(conn: &mut Conn, tenant: TenantId) -> Result<Option<Due>, Error> {
    let state = state(conn, tenant).await?.ok_or(Error::NotFound { what: "tenant" })?;
    Ok(state.due())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_in_force_is_served_and_everybody_else_hears_why_not() {
        assert_eq!(due(Some(Standing::Active), Some(StripeStatus::PastDue), false), None);
        assert_eq!(due(Some(Standing::Active), None, false), None);
        assert_eq!(due(Some(Standing::Active), None, true), Some(Due::Ended));
        assert_eq!(due(None, None, false), Some(Due::NoSubscription));
        assert_eq!(due(Some(Standing::Pending), None, false), Some(Due::FirstPayment));
        assert_eq!(due(Some(Standing::Cancelled), None, true), Some(Due::Ended));
        let lapsed = |status| due(Some(Standing::Lapsed), Some(status), false);
        assert_eq!(lapsed(StripeStatus::Incomplete), Some(Due::FirstPayment));
        assert_eq!(lapsed(StripeStatus::Unpaid), Some(Due::Unpaid));
        assert_eq!(lapsed(StripeStatus::Paused), Some(Due::Paused));
    }
}
