//! The API as a process of its own: this very program, as `trunkline api`.

use std::{process::Stdio, time::Duration};

use anyhow::Context;
use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::caller::listen_of;
use crate::host::Host;

/// What signatures are computed over; nothing listens there.
pub(super) const PUBLIC_BASE_URL: &str = "https://bench.example.com";
pub(super) const ACCOUNT: &str = "AC00000000000000000000000000000001";
pub(super) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

const READY_WITHIN: Duration = Duration::from_secs(30);

pub(super) struct Api {
    child: Child,
    address: String,
}

impl Api {
    pub(super) async fn start(host: &Host) -> anyhow::Result<Api> {
        let program = std::env::current_exe().context("this program has no path")?;
        let mut child = Command::new(program)
            .arg("api")
            .envs([
                ("DATABASE_URL", host.url().expose_secret()),
                ("DATABASE_DIRECT_URL", host.url().expose_secret()),
                ("PUBLIC_BASE_URL", PUBLIC_BASE_URL),
                ("TWILIO_ACCOUNT_SID", ACCOUNT),
                ("TWILIO_AUTH_TOKEN", TOKEN),
                ("TRUNKLINE_LISTEN", "127.0.0.1:0"),
                ("TRUNKLINE_LOG", "warn"),
                ("ADMIN_API_KEY", "a-key-that-nobody-uses"),
                ("TRUNKLINE_PEPPER", "a pepper that nobody else's hashes have"),
                ("TRUNKLINE_SEAL_KEYS", "bench:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the API did not start")?;
        let stdout = child.stdout.take().context("it has no stdout")?;
        let mut line = String::new();
        timeout(READY_WITHIN, BufReader::new(stdout).read_line(&mut line))
            .await
            .context("the API did not get ready")??;
        let address = listen_of(&line)?;
        Ok(Api { child, address })
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}
