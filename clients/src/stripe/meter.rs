//! What was used, for plans that bill by use. Source: <https://docs.stripe.com/api/billing/meter-event>.

/// So much was used by a customer. Stripe counts an identifier once within 24 hours at least, and refuses repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterEvent {
    /// The meter's event name.
    pub event_name: String,
    /// By whom, `cus_…`.
    pub customer: String,
    /// How much.
    pub value: i64,
    /// When, Unix seconds; at most 35 days ago.
    pub timestamp: i64,
    /// What tells repeats apart, at most 100 characters.
    pub identifier: String,
}

impl MeterEvent {
    pub(super) fn form(&self) -> Vec<(String, String)> {
        vec![
            ("event_name".to_owned(), self.event_name.clone()),
            ("payload[stripe_customer_id]".to_owned(), self.customer.clone()),
            ("payload[value]".to_owned(), self.value.to_string()),
            ("timestamp".to_owned(), self.timestamp.to_string()),
            ("identifier".to_owned(), self.identifier.clone()),
        ]
    }
}
