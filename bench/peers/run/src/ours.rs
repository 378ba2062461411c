//! `trunkline bench … --json` on the same server, its figures under the names that the peers use.

use std::process::Stdio;

use anyhow::{Context, ensure};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::process::Command;

use crate::{args::Args, line::Line, roster::Bench, server::Host};

/// Ours, theirs. What is not here has no counterpart.
const NAMES: &[(&str, &str, &str)] = &[
    ("drain", "jobs_per_s", "drain_per_s"),
    ("drain", "wal_bytes_per_job", "wal_bytes_per_job"),
    ("drain", "wal_bytes_per_five_steps", "wal_bytes_per_workflow"),
    ("enqueue", "per_s_1", "enqueue_per_s_1"),
    ("enqueue", "per_s_16", "enqueue_per_s_16"),
    ("enqueue", "bulk_per_s", "bulk_per_s"),
    ("pickup", "p50_ms", "pickup_p50_ms"),
    ("pickup", "p99_ms", "pickup_p99_ms"),
    ("steps", "workflows_per_s", "workflows_per_s"),
    ("steps", "latency_p50_ms", "workflow_p50_ms"),
];

/// A line of ours. The first one, about the server, has no figure.
#[derive(Deserialize)]
struct Figure {
    bench: String,
    metric: String,
    value: f64,
    unit: String,
}

pub(crate) async fn run(
    args: &Args,
    host: &Host,
    bench: Bench,
    scale: usize,
) -> anyhow::Result<Vec<Line>> {
    let urls = host.provision().await?;
    trunkline(args, &["migrate"], "DATABASE_OWNER_URL", urls.owner.expose_secret()).await?;
    let scale = scale.to_string();
    let words = ["bench", bench.as_str(), "--rounds", "1", "--scale", &scale, "--json"];
    let printed = trunkline(args, &words, "DATABASE_URL", urls.app.expose_secret()).await?;
    let version = trunkline(args, &["--version"], "DATABASE_URL", "").await?;
    let version = version.split_whitespace().last().unwrap_or_default().to_owned();
    let figures = printed.lines().filter_map(|line| serde_json::from_str::<Figure>(line).ok());
    let lines = figures.filter_map(|figure| named(figure, &version));
    Ok(lines.collect())
}

fn named(figure: Figure, version: &str) -> Option<Line> {
    let (_, _, metric) = NAMES
        .iter()
        .find(|(bench, metric, _)| *bench == figure.bench && *metric == figure.metric)?;
    Some(Line {
        peer: "trunkline".to_owned(),
        version: version.to_owned(),
        setting: "default".to_owned(),
        settings: "as it comes, 1,000 slots".to_owned(),
        keeps_history: true,
        metric: (*metric).to_owned(),
        value: figure.value,
        unit: figure.unit,
        jobs: 0,
        round: 0,
        server: String::new(),
    })
}

async fn trunkline(args: &Args, words: &[&str], name: &str, url: &str) -> anyhow::Result<String> {
    let output = Command::new(&args.trunkline)
        .args(words)
        .env(name, url)
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("no {}: cargo build --release", args.trunkline.display()))?;
    ensure!(output.status.success(), "trunkline {}: {}", words.join(" "), output.status);
    Ok(String::from_utf8(output.stdout)?)
}
