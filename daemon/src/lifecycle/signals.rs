//! The signals that ask a process to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM (orchestrators, service managers) and SIGINT (Ctrl-C); or nobody, in tests.
pub(super) enum Signals {
    Process { term: Signal, int: Signal },
    Nobody,
}

impl Signals {
    pub(super) fn of_process() -> io::Result<Self> {
        Ok(Self::Process {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
        })
    }

    /// The name of the next signal.
    pub(super) async fn next(&mut self) -> &'static str {
        match self {
            Self::Process { term, int } => tokio::select! {
                _ = term.recv() => "SIGTERM",
                _ = int.recv() => "SIGINT",
            },
            Self::Nobody => std::future::pending().await,
        }
    }
}
