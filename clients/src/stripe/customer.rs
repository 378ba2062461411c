//! Who pays. Source: <https://docs.stripe.com/api/customers>.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;

/// A customer to be.
#[derive(Clone, Default)]
pub struct NewCustomer {
    /// What the invoice is made out to.
    pub name: Option<String>,
    /// Where invoices go.
    pub email: Option<String>,
    /// A payment method (`pm_…`) that pays what comes.
    pub payment_method: Option<String>,
    /// What comes back with the customer: our ids.
    pub metadata: BTreeMap<String, String>,
}

/// A customer that Stripe knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// `cus_…`.
    pub id: String,
    /// Gone: only the id is left of it.
    pub deleted: bool,
    /// Real money, or a test.
    pub livemode: bool,
    /// When it was made, Unix seconds.
    pub created: i64,
    /// What we gave it.
    pub metadata: BTreeMap<String, String>,
}

impl NewCustomer {
    pub(super) fn form(&self) -> Vec<(String, String)> {
        let mut form: Vec<(String, String)> = Vec::new();
        let mut put = |name: &str, value: &Option<String>| {
            form.extend(value.iter().map(|value| (name.to_owned(), value.clone())));
        };
        put("name", &self.name);
        put("email", &self.email);
        put("payment_method", &self.payment_method);
        put("invoice_settings[default_payment_method]", &self.payment_method);
        form.extend(metadata(&self.metadata));
        form
    }
}

impl fmt::Debug for NewCustomer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCustomer").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

/// Metadata as the fields of Stripe's form.
pub(super) fn metadata(
    metadata: &BTreeMap<String, String>,
) -> impl Iterator<Item = (String, String)> {
    metadata.iter().map(|(name, value)| (format!("metadata[{name}]"), value.clone()))
}

/// A customer as Stripe writes it. Only the id is required: one that was made must not look like one that was not.
#[derive(Deserialize)]
pub(super) struct WireCustomer {
    id: String,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    livemode: bool,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    metadata: Option<BTreeMap<String, String>>,
}

impl From<WireCustomer> for Customer {
    fn from(wire: WireCustomer) -> Self {
        let WireCustomer { id, deleted, livemode, created, metadata } = wire;
        Self { id, deleted, livemode, created, metadata: metadata.unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_names_what_is_given_and_debug_shows_nobody() {
        let new = NewCustomer {
            name: Some("Huber".to_owned()),
            email: Some("anna@example.com".to_owned()),
            metadata: BTreeMap::from([("tenant_id".to_owned(), "7".to_owned())]),
            ..NewCustomer::default()
        };
        let form = new.form();
        assert_eq!(form.len(), 3);
        assert!(form.contains(&("metadata[tenant_id]".to_owned(), "7".to_owned())));
        let shown = format!("{new:?}");
        assert!(!shown.contains("Huber") && !shown.contains("anna"), "{shown}");
    }

    #[test]
    fn a_deleted_customer_is_read_from_its_stump() {
        let stump = r#"{"id":"cus_1","object":"customer","deleted":true}"#;
        let customer: Customer = serde_json::from_str::<WireCustomer>(stump).unwrap().into();
        assert!(customer.deleted && customer.metadata.is_empty());
    }
}
