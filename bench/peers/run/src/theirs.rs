//! A peer's program: a binary beside this one, or a script of `node/`.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::{args::Args, line::Line, roster::Run, server::Host};

/// Nobody takes longer with what the roster gives them.
const PATIENCE: Duration = Duration::from_mins(4);

const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../node");

pub(crate) async fn run(_: &Args, host: &Host, run: &Run) -> anyhow::Result<Vec<Line>> {
    let mut command = command(run.program)?;
    let url = host.create().await?;
    let jobs = run.jobs.to_string();
    command.args([run.what, "--url", &url, "--jobs", &jobs, "--setting", run.setting]);
    let output = command.stderr(Stdio::inherit()).kill_on_drop(true).output();
    let output = tokio::time::timeout(PATIENCE, output).await.context("it took too long")??;
    ensure!(output.status.success(), "{}", output.status);
    let printed = String::from_utf8(output.stdout)?;
    // A library may print something of its own.
    let lines = printed.lines().filter(|line| line.starts_with('{'));
    Ok(lines.map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn command(program: &str) -> anyhow::Result<Command> {
    if program.ends_with(".mjs") {
        ensure!(Path::new(NODE).join("node_modules").exists(), "npm ci in bench/peers/node");
        let mut command = Command::new("node");
        command.arg(Path::new(NODE).join(program));
        return Ok(command);
    }
    let path = std::env::current_exe()?.with_file_name(program);
    ensure!(path.exists(), "no {}: cargo build --release --workspace", path.display());
    Ok(Command::new(path))
}
