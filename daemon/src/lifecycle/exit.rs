//! Why a process ended, and the code that says so.

use std::{fmt, process::ExitCode};

/// Why a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExitReason {
    /// It was asked to stop, and everything it held was finished.
    Drained,
    /// It was asked to stop, and something had to be cut: a second signal came, or the grace time was over.
    Aborted {
        /// The tasks that were still running.
        cut: Vec<&'static str>,
    },
    /// A task that should run for ever ended, failed or panicked.
    TaskEnded {
        /// Which.
        task: &'static str,
        /// What it said.
        why: String,
    },
}

impl ExitReason {
    /// The process's exit code: 0, 1 when something broke, 2 when something was cut.
    pub fn code(&self) -> u8 {
        match self {
            Self::Drained => 0,
            Self::TaskEnded { .. } => 1,
            Self::Aborted { .. } => 2,
        }
    }
}

impl From<ExitReason> for ExitCode {
    fn from(reason: ExitReason) -> Self {
        reason.code().into()
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drained => write!(f, "stopped; everything was finished"),
            Self::Aborted { cut } => write!(f, "stopped at once; cut: {}", cut.join(", ")),
            Self::TaskEnded { task, why } => write!(f, "task {task} {why}"),
        }
    }
}
