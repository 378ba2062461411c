//! The API as a process of its own.

use crate::{
    host::Host,
    process::{self, Process},
};

/// What signatures are computed over; nothing listens there.
pub(super) const PUBLIC_BASE_URL: &str = "https://bench.example.com";
pub(super) const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

pub(super) async fn start(host: &Host) -> anyhow::Result<Process> {
    let mut variables = process::variables(host);
    for (name, value) in [
        ("PUBLIC_BASE_URL", PUBLIC_BASE_URL),
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TOKEN),
        ("ADMIN_API_KEY", "a-key-that-nobody-uses"),
    ] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    Process::start(&["api"], &variables).await
}
