//! The log: lines on stderr, for people or as JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::Env;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// A filter as `tracing_subscriber::EnvFilter` reads it.
    pub filter: String,
    /// How lines look.
    pub format: LogFormat,
}

impl LogConfig {
    /// Reads `TRUNKLINE_LOG` (default `info`) and `TRUNKLINE_LOG_FORMAT` (`text` or `json`).
    pub fn read(env: &Env<'_>) -> Self {
        let filter = env.var("TRUNKLINE_LOG").text().or(DEFAULT_FILTER.to_owned());
        if EnvFilter::try_new(&filter).is_err() {
            env.mistake("TRUNKLINE_LOG", format!("is no log filter: {filter:?}"));
        }
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        let format = env.var("TRUNKLINE_LOG_FORMAT").choice(&formats).or_default();
        Self { filter, format }
    }
}

/// sqlx logs every statement at info level when it is slow, with its text; that is for debugging.
const DEFAULT_FILTER: &str = "info,sqlx=warn";

/// Why telemetry could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("the log filter cannot be read")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// Somebody has installed a subscriber or a recorder before.
    #[error("telemetry was started twice")]
    Twice,
}

pub(super) fn install(config: &LogConfig) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&config.filter).map_err(TelemetryError::Filter)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match config.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    }
    .map_err(|_| TelemetryError::Twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_is_a_mistake_of_the_configuration() {
        let env = Env::new(|name| (name == "TRUNKLINE_LOG").then(|| "a=b=c".to_owned()));
        let _ = LogConfig::read(&env);
        assert!(env.finish(()).unwrap_err().to_string().contains("TRUNKLINE_LOG is no log filter"));
    }

    #[test]
    fn without_variables_the_log_is_text_at_info() {
        let config = LogConfig::read(&Env::new(|_| None));
        assert_eq!(config.format, LogFormat::Text);
        assert!(config.filter.starts_with("info"));
    }
}
