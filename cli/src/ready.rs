//! The one line on stdout that tells scripts a process is ready. Everything else goes to stderr.

use std::net::SocketAddr;

use serde::Serialize;

/// A process of its own is ready.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the name of the field is what scripts read")]
pub(crate) struct Ready {
    pub(crate) ready: bool,
    pub(crate) role: &'static str,
    pub(crate) pool: Option<&'static str>,
    pub(crate) listen: SocketAddr,
    pub(crate) pid: u32,
}

impl Ready {
    pub(crate) fn new(role: &'static str, pool: Option<&'static str>, listen: SocketAddr) -> Ready {
        Ready { ready: true, role, pool, listen, pid: std::process::id() }
    }
}

/// Prints it.
#[expect(clippy::print_stdout, reason = "this line is what stdout is for")]
pub(crate) fn print(line: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(line)?);
    Ok(())
}
