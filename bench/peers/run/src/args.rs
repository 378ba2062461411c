//! The command line: `run [BENCH…] [--rounds N] [--scale PERCENT] [--peers NAME,…] [--setting NAME]
//! [--trunkline PATH] [--save FILE]`.

use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::roster::Bench;

/// What is asked for.
pub(crate) struct Args {
    /// What is measured; nothing: only the table of what was saved.
    pub(crate) benches: Vec<Bench>,
    pub(crate) rounds: usize,
    /// Per cent of the usual number of jobs.
    pub(crate) scale: usize,
    /// Only these; nothing: all.
    pub(crate) peers: Vec<String>,
    /// Only `default` or `fastest`; nothing: both.
    pub(crate) setting: Option<String>,
    /// Our own program.
    pub(crate) trunkline: PathBuf,
    /// Where figures are kept as lines of JSON, and added to those of earlier runs.
    pub(crate) save: Option<PathBuf>,
    /// Where the server's data is while it runs.
    pub(crate) home: PathBuf,
}

impl Args {
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> anyhow::Result<Args> {
        let target = PathBuf::from("../../target/release/trunkline");
        let mut args = Args {
            benches: Vec::new(),
            rounds: 3,
            scale: 100,
            peers: Vec::new(),
            setting: None,
            trunkline: target,
            save: None,
            home: std::env::temp_dir().join(format!("trunkline-peers-{}", std::process::id())),
        };
        while let Some(word) = words.next() {
            if let Some(bench) = Bench::named(&word) {
                args.benches.push(bench);
                continue;
            }
            if word == "all" {
                args.benches = Bench::ALL.to_vec();
                continue;
            }
            let value = words.next().with_context(|| format!("{word} needs a value"))?;
            match word.as_str() {
                "--rounds" => args.rounds = value.parse().context("--rounds")?,
                "--scale" => args.scale = value.parse().context("--scale")?,
                "--peers" => args.peers = value.split(',').map(str::to_owned).collect(),
                "--setting" => args.setting = Some(value),
                "--trunkline" => args.trunkline = value.into(),
                "--save" => args.save = Some(value.into()),
                "--home" => args.home = value.into(),
                _ => bail!("unknown: {word}"),
            }
        }
        Ok(args)
    }

    /// Whether somebody takes part.
    pub(crate) fn wants(&self, peer: &str, setting: Option<&str>) -> bool {
        let is_named = self.peers.is_empty() || self.peers.iter().any(|name| name == peer);
        let is_set = self.setting.as_deref().is_none_or(|it| setting.is_none_or(|set| set == it));
        is_named && is_set
    }
}
