//! A person, and what is told of them.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

/// Somebody with a phone, an e-mail and an address of their own. The same number is the same person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guest(pub(crate) u16);

impl Guest {
    pub(crate) fn phone(self) -> String {
        format!("+43664{:07}", 1_000_000 + u32::from(self.0))
    }

    pub(crate) fn email(self) -> String {
        format!("guest{}@example.com", self.0)
    }

    pub(crate) fn ip(self) -> Ipv4Addr {
        let [high, low] = self.0.to_be_bytes();
        Ipv4Addr::new(198, 18, high, low)
    }

    /// The form with seven fields.
    pub(crate) fn form(self) -> Value {
        Guest::form_with(&self.phone(), &self.email())
    }

    /// The form with another phone or e-mail.
    pub(crate) fn form_with(phone: &str, email: &str) -> Value {
        json!({
            "companyName": "Bäckerei Groß & Söhne",
            "contactEmail": email,
            "contactPhone": phone,
            "firstName": "Zoë",
            "lastName": "O'Neill",
            "industry": "bakery",
            "useCase": "orders by phone",
        })
    }
}
