//! Logs on stderr, panics among them, the metrics that `/metrics` shows, and spans on their way to a collector.
//! Stdout belongs to the one line that tells scripts a process is ready.

mod logs;
mod metrics;
mod panics;
mod process;
pub mod traces; // spans, on their way out

pub use self::{
    logs::{LogConfig, LogFormat, TelemetryError},
    metrics::{BUILD_INFO, Metrics, NAMES},
};

/// Starts logs, the panic hook and the metrics recorder of this process; once, at the beginning of `main`.
///
/// `role` is what this process is (`api`, `worker`, `dev`); `version` is the binary's.
pub fn install(
    config: &LogConfig,
    role: &'static str,
    version: &'static str,
) -> Result<Metrics, TelemetryError> {
    logs::install(config)?;
    panics::install();
    Metrics::install(role, version)
}
