//! What a plan costs, by its id. Source: <https://docs.stripe.com/api/prices>.

use serde::Deserialize;

/// A price that Stripe knows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Price {
    /// `price_…`.
    pub id: String,
    /// Can be bought.
    #[serde(default)]
    pub active: bool,
    /// Real money, or a test.
    #[serde(default)]
    pub livemode: bool,
    /// In the currency's smallest unit, for one.
    #[serde(rename = "unit_amount")]
    pub unit_amount_cents: Option<i64>,
    /// Such as `eur`.
    pub currency: Option<String>,
}
