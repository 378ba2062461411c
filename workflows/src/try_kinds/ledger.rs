//! A job with one effect that can be counted from outside: a line in a file.

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
};

use engine::{Context, Effect, EffectCall, Failure, JobId, Probe, Registrar, Retention, Workflow};
use serde::{Deserialize, Serialize};

use crate::app::{Clients, Trunkline};

const KEY_CHARS_MAX: usize = 200;

/// Appends `key job_id attempt` to the file `TRUNKLINE_LEDGER`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ledger {
    /// The first word of the line.
    pub key: String,
}

impl Workflow<Trunkline> for Ledger {
    const KIND: &'static str = "ledger";
    const QUEUE: &'static str = super::QUEUE;
    const RETENTION: Retention = Retention::Brief;
    type Output = ();

    fn ledger(ledger: &mut Registrar<'_, Trunkline>) {
        ledger.effect::<Append>();
    }

    async fn run(&self, ctx: &Context<'_, Trunkline>) -> Result<(), Failure> {
        if self.key.is_empty()
            || self.key.len() > KEY_CHARS_MAX
            || self.key.contains(char::is_whitespace)
        {
            return Err(Failure::permanent("the key must be one word of at most 200 characters"));
        }
        ctx.effect(Append { key: self.key.clone() }).await
    }
}

/// One line. Whether it is there can be looked up, so a crash in between never writes it twice.
#[derive(Debug, Serialize, Deserialize)]
pub struct Append {
    key: String,
}

impl Effect<Trunkline> for Append {
    const NAME: &'static str = "append_line";
    type Output = ();

    async fn apply(&self, clients: &Clients, call: &EffectCall) -> Result<(), Failure> {
        let line = format!("{} {} {}\n", self.key, call.job, call.attempt);
        on_file(clients, move |path| {
            let mut file = OpenOptions::new().create(true).append(true).open(path)?;
            // One write, appended: lines of several processes do not mix.
            file.write_all(line.as_bytes())?;
            file.sync_data()
        })
        .await
        .map_err(|error| Failure::unknown(error.text()))
    }

    async fn probe(&self, clients: &Clients, call: &EffectCall) -> Result<Probe<()>, Failure> {
        let (key, job) = (self.key.clone(), call.job);
        let there = on_file(clients, move |path| is_there(path, &key, job)).await?;
        Ok(if there { Probe::Happened(()) } else { Probe::DidNotHappen })
    }
}

async fn on_file<T: Send + 'static>(
    clients: &Clients,
    work: impl FnOnce(&Path) -> std::io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let path: PathBuf =
        clients.ledger.clone().ok_or_else(|| Failure::permanent("TRUNKLINE_LEDGER is not set"))?;
    tokio::task::spawn_blocking(move || work(&path)).await?.map_err(Failure::from)
}

fn is_there(path: &Path, key: &str, job: JobId) -> std::io::Result<bool> {
    let start = format!("{key} {job} ");
    match std::fs::read_to_string(path) {
        Ok(lines) => Ok(lines.lines().any(|line| line.starts_with(&start))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
