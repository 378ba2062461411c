//! A child process that prints one line of JSON when it is ready.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// Starting a Postgres on two busy cores takes seconds; more than this is a hang.
const READY_WITHIN: Duration = Duration::from_mins(1);

/// Longer than the longest grace of any of our processes.
const ENDS_WITHIN: Duration = Duration::from_mins(1);

/// A child. Dropped, it is killed.
pub(super) struct Process {
    child: Child,
    id: u32,
    ready: Value,
    log: PathBuf,
}

impl Process {
    /// Starts the binary under test and waits for its line. What it says on stderr goes to a file.
    pub(super) async fn start(
        arguments: &[&str],
        variables: impl Iterator<Item = (String, String)>,
        log: &Path,
    ) -> Process {
        let mut command = Command::new(super::binary());
        command
            .args(arguments)
            .env_remove("DATABASE_URL")
            .env_remove("DATABASE_DIRECT_URL")
            .env("TRUNKLINE_LOG", "warn")
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(log).expect("a file"))
            .kill_on_drop(true);
        let mut child = command.spawn().expect("a process");
        let id = child.id().expect("a process id");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        timeout(READY_WITHIN, stdout.read_line(&mut line))
            .await
            .expect("it gets ready")
            .expect("a line");
        child.stdout = Some(stdout.into_inner());
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| {
            let said = std::fs::read_to_string(log).unwrap_or_default();
            panic!("{arguments:?} did not get ready: {line:?} {said}")
        });
        Process { child, id, ready, log: log.to_owned() }
    }

    pub(super) fn ready(&self) -> &Value {
        &self.ready
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.id).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("a signal");
    }

    /// Waits until it has ended.
    pub(super) async fn ended(&mut self) -> ExitStatus {
        let ended = timeout(ENDS_WITHIN, self.child.wait()).await;
        let Ok(status) = ended else {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            panic!("it does not end: {said}");
        };
        status.expect("a status")
    }

    /// Kills it without waiting.
    pub(super) fn kill(&mut self) {
        self.child.start_kill().ok();
    }
}
