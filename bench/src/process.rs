//! A process of its own: this very program with other arguments, as its users start it.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::host::Host;

/// A `trunkline dev` unpacks and starts a Postgres.
const WITHIN: Duration = Duration::from_mins(1);

/// One that is running. Ends with this value, if not before.
pub(crate) struct Process {
    child: Child,
    ready: Value,
}

/// This program.
pub(crate) fn program() -> anyhow::Result<Command> {
    Ok(Command::new(std::env::current_exe().context("this program has no path")?))
}

/// What every part of the product is told, for a database of benchmarks.
pub(crate) fn variables(host: &Host) -> BTreeMap<String, String> {
    let url = host.url().expose_secret();
    [
        ("DATABASE_URL", url),
        ("DATABASE_DIRECT_URL", url),
        ("TRUNKLINE_LISTEN", "127.0.0.1:0"),
        ("TRUNKLINE_PEPPER", "a pepper that nobody else's hashes have"),
        ("TRUNKLINE_SEAL_KEYS", "bench:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Accounts at providers, above all, are not: a whole worker would act in their name.
fn is_passed_on(name: &str) -> bool {
    ["HOME", "PATH", "TMPDIR", "XDG_CACHE_HOME", "TRUNKLINE_PG_BIN", "TRUNKLINE_PG_FETCH"]
        .contains(&name)
}

impl Process {
    /// Starts it, and waits until it says in a line that it is ready.
    pub(crate) async fn start(
        arguments: &[&str],
        variables: &BTreeMap<String, String>,
    ) -> anyhow::Result<Process> {
        let mut child = program()?
            .args(arguments)
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| is_passed_on(name)))
            .envs(variables)
            .env("TRUNKLINE_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().context("it has no stdout")?);
        let mut line = String::new();
        timeout(WITHIN, stdout.read_line(&mut line)).await.context("it does not get ready")??;
        child.stdout = Some(stdout.into_inner());
        let ready = serde_json::from_str(&line).context("no line of JSON")?;
        Ok(Process { child, ready })
    }

    /// What it said when it was ready.
    pub(crate) fn ready(&self) -> &Value {
        &self.ready
    }

    /// Where it listens.
    pub(crate) fn listen(&self) -> anyhow::Result<&str> {
        self.ready["listen"].as_str().context("it does not say where it listens")
    }

    /// The most memory that it has had in hand at once, in bytes (Linux: `VmHWM`).
    pub(crate) fn peak_memory(&self) -> anyhow::Result<u64> {
        let id = self.child.id().context("it has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|rest| rest.trim().strip_suffix("kB")).context("no VmHWM")?;
        Ok(kib.trim().parse::<u64>()? * 1024)
    }

    /// As `kill -9` does.
    pub(crate) async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().context("it has ended")?.to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().await?;
        ensure!(asked.success(), "it cannot be told to stop");
        timeout(WITHIN, self.child.wait()).await.context("it does not stop")??;
        Ok(())
    }
}
