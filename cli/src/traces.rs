//! The spans of a process: made by the engine, the API and the clients, queued by the daemon, sent by a client.

use anyhow::Context;
use clients::otlp::Collector;
use daemon::{
    lifecycle::Lifecycle,
    telemetry::traces::{self, Delivery, TraceConfig},
};

use crate::VERSION;

/// Exports spans as a task of the process, where the configuration says to whom; else none are made.
pub(crate) fn start(
    life: &mut Lifecycle,
    config: Option<TraceConfig>,
    role: &'static str,
) -> anyhow::Result<()> {
    let Some(config) = config else { return Ok(()) };
    let collector = Collector::new(config.url.clone(), &config.headers, config.timeout)
        .context("spans cannot be exported")?;
    let exporter = traces::install(&config, role, VERSION);
    let send = move |batch| {
        let collector = collector.clone();
        async move {
            match collector.send(batch).await {
                Ok(answer) => Delivery::Taken(answer),
                Err(error) if error.is_transient() => Delivery::Later(error.to_string()),
                Err(error) => Delivery::Refused(error.to_string()),
            }
        }
    };
    life.support("spans", exporter.run(send, life.closing()));
    engine::trace::turn_on();
    Ok(())
}
