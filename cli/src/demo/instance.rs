//! The dev instance that a demo talks to: the one that runs here, or one that lives as long as the demo.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::dev::{Ready, ready_file};

pub(crate) struct Instance {
    ready: Ready,
    child: Option<Child>,
}

impl Instance {
    /// Finds a running instance, or starts an ephemeral one.
    pub(crate) fn find_or_start(home: &Path, runs: u32) -> anyhow::Result<Instance> {
        match running(home) {
            Some(ready) => Ok(Instance { ready, child: None }),
            None => start(home, runs),
        }
    }

    pub(crate) fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Stops the instance if it is ours.
    pub(crate) fn stop(self) {
        let Some(mut child) = self.child else { return };
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = child.wait();
    }
}

/// The instance that runs here, if one does.
pub(crate) fn running(home: &Path) -> Option<Ready> {
    let line = std::fs::read(ready_file(home)).ok()?;
    let ready: Ready = serde_json::from_slice(&line).ok()?;
    let pid = Pid::from_raw(i32::try_from(ready.pids.trunkline).ok()?)?;
    test_kill_process(pid).is_ok().then_some(ready)
}

fn start(home: &Path, runs: u32) -> anyhow::Result<Instance> {
    eprintln!("no `trunkline dev` is running here: starting one for this demo");
    let mut child = Command::new(std::env::current_exe()?)
        .args(["dev", "--ephemeral", "--json", "--port", "0", "--home"])
        .arg(home)
        .env("TRUNKLINE_LOG", "warn")
        // Each run keeps its number.
        .env("TRUNKLINE_DEMO_NUMBERS", (runs + 20).to_string())
        .stdout(Stdio::piped())
        .spawn()
        .context("`trunkline dev` could not be started")?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    let Ok(ready) = serde_json::from_str(&line) else {
        let _ = child.kill();
        let _ = child.wait();
        bail!("`trunkline dev` did not get ready; its words are above")
    };
    Ok(Instance { ready, child: Some(child) })
}
