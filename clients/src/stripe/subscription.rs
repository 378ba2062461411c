//! Who pays for what, and until when. Source: <https://docs.stripe.com/api/subscriptions>.
//!
//! Since version 2025-03-31 the current period stands on each item; before, on the subscription. Both are read.

mod form; // what is sent
mod wire; // what comes back

use std::{collections::BTreeMap, fmt, str::FromStr};

pub use self::form::{Collection, NewSubscription, PlanChange, Proration};
pub(super) use self::wire::WireSubscription;

/// Where a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubscriptionStatus {
    /// Paid, as far as anything was due.
    Active,
    /// Over, for good.
    Canceled,
    /// The first payment is not done yet; a day is left for it.
    Incomplete,
    /// The first payment was never done. Over, for good.
    IncompleteExpired,
    /// A renewal was not paid; Stripe tries again.
    PastDue,
    /// The trial ended without a way to pay.
    Paused,
    /// Nothing is due yet.
    Trialing,
    /// A renewal was not paid, and Stripe has stopped trying.
    Unpaid,
}

/// A status word that this version does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a status of a subscription")]
pub struct UnknownStatus;

impl SubscriptionStatus {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Active,
        Self::Canceled,
        Self::Incomplete,
        Self::IncompleteExpired,
        Self::PastDue,
        Self::Paused,
        Self::Trialing,
        Self::Unpaid,
    ];

    /// Stripe's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Canceled => "canceled",
            Self::Incomplete => "incomplete",
            Self::IncompleteExpired => "incomplete_expired",
            Self::PastDue => "past_due",
            Self::Paused => "paused",
            Self::Trialing => "trialing",
            Self::Unpaid => "unpaid",
        }
    }

    /// Over for good: Stripe never moves it again.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Canceled | Self::IncompleteExpired)
    }
}

impl FromStr for SubscriptionStatus {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == word).ok_or(UnknownStatus)
    }
}

impl fmt::Display for SubscriptionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A subscription that Stripe knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// `sub_…`.
    pub id: String,
    /// Whose, `cus_…`.
    pub customer: String,
    /// `None`: a word that this version does not know.
    pub status: Option<SubscriptionStatus>,
    /// Real money, or a test.
    pub livemode: bool,
    /// When it was made, Unix seconds.
    pub created: i64,
    /// Ends with the period that runs.
    pub cancel_at_period_end: bool,
    /// When its trial ends or ended, Unix seconds.
    pub trial_end: Option<i64>,
    /// When the period that runs began, Unix seconds; the earliest of its items.
    pub current_period_start: Option<i64>,
    /// When it ends; the latest of its items.
    pub current_period_end: Option<i64>,
    /// What is paid for. Ours have one.
    pub items: Vec<Item>,
    /// The newest invoice, `in_…`.
    pub latest_invoice: Option<String>,
    /// What we gave it.
    pub metadata: BTreeMap<String, String>,
}

/// One line of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// `si_…`.
    pub id: String,
    /// `price_…`, or a plan's name of old.
    pub price: String,
    /// How many.
    pub quantity: i64,
}
