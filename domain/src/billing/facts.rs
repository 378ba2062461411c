//! What Stripe says about a subscription.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::row::Standing;
use crate::{SubscriptionId, TenantId, word::words};

words! {
    /// Stripe's word for where a subscription stands.
    pub enum StripeStatus ("status of a subscription") {
        /// Paid, as far as anything was due.
        Active = "active",
        /// Over.
        Canceled = "canceled",
        /// The first payment is missing.
        Incomplete = "incomplete",
        /// The first payment was never done.
        IncompleteExpired = "incomplete_expired",
        /// A renewal was not paid; Stripe tries again.
        PastDue = "past_due",
        /// The trial ended without a way to pay.
        Paused = "paused",
        /// Nothing is due yet.
        Trialing = "trialing",
        /// Stripe has stopped trying.
        Unpaid = "unpaid",
    }
}

impl StripeStatus {
    /// What it means for the tenant. While Stripe still tries to collect a renewal, nothing is taken away.
    pub fn standing(self) -> Standing {
        match self {
            Self::Active | Self::Trialing | Self::PastDue => Standing::Active,
            Self::Incomplete | Self::Paused | Self::Unpaid => Standing::Lapsed,
            Self::Canceled | Self::IncompleteExpired => Standing::Cancelled,
        }
    }
}

/// A subscription as Stripe tells it, as far as our books are concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// `sub_…`.
    #[serde(rename = "id")]
    pub stripe_id: String,
    /// `cus_…`.
    #[serde(rename = "cus")]
    pub customer: String,
    /// Where it stands.
    #[serde(rename = "st")]
    pub status: StripeStatus,
    /// `price_…` of its only line; none where it has several lines or none.
    #[serde(rename = "pr")]
    pub price: Option<String>,
    /// How many.
    #[serde(rename = "n")]
    pub quantity: i32,
    /// Real money, or a test.
    #[serde(rename = "live")]
    pub livemode: bool,
    /// Ends with the period that runs.
    #[serde(rename = "cape")]
    pub cancel_at_period_end: bool,
    /// The period that runs.
    #[serde(rename = "from")]
    pub period_start: Option<DateTime<Utc>>,
    /// Its end.
    #[serde(rename = "to")]
    pub period_end: Option<DateTime<Utc>>,
    /// When its trial ends or ended.
    #[serde(rename = "trial")]
    pub trial_end: Option<DateTime<Utc>>,
    /// When Stripe made it.
    #[serde(rename = "at")]
    pub created_at: DateTime<Utc>,
    /// The tenant that it was made for, by what we gave it.
    #[serde(rename = "ten")]
    pub tenant: Option<TenantId>,
    /// Our name for it, by what we gave it.
    #[serde(rename = "ours")]
    pub subscription: Option<SubscriptionId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_served_while_stripe_still_collects() {
        assert_eq!(StripeStatus::PastDue.standing(), Standing::Active);
        assert_eq!(StripeStatus::Unpaid.standing(), Standing::Lapsed);
        assert_eq!(StripeStatus::IncompleteExpired.standing(), Standing::Cancelled);
        for status in StripeStatus::ALL {
            let written = serde_json::to_string(status).unwrap();
            assert_eq!(written, format!("\"{status}\""));
        }
    }
}
