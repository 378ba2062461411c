//! The metrics recorder of this process, and the text that Prometheus reads.

use std::time::Duration;

use metrics::gauge;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use super::{TelemetryError, process, traces};

/// Always 1; its labels say which version and role this process is.
pub const BUILD_INFO: &str = "trunkline_build_info";

/// Of `workers/`: the one histogram with bounds of its own.
const FRAME_TIME: &str = "voice_frame_seconds";

/// Every metric that this crate emits. All are about this process, none about the fleet.
pub const NAMES: &[&str] = &[
    BUILD_INFO,
    process::CPU_SECONDS,
    process::RESIDENT_BYTES,
    process::OPEN_FDS,
    process::MAX_FDS,
    process::START_TIME,
    process::THREADS,
    traces::SPANS,
];

/// Upper bounds of everything named `*_seconds`: from a claim (1 ms) to a slow provider (1 min),
/// with the targets of the promises (10 ms, 100 ms, 1 s) as bounds, so that alerts on them are exact.
const SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// Upper bounds of what is measured of every frame of a call's audio, fifty times a second: a frame is 20 ms.
const FRAME_SECONDS: &[f64] = &[
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0,
];

/// Histograms keep raw samples until they are drained; without scrapes nobody else drains them.
const UPKEEP: Duration = Duration::from_secs(5);

/// The recorder's reading end. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    pub(super) fn install(
        role: &'static str,
        version: &'static str,
    ) -> Result<Self, TelemetryError> {
        let recorder = builder().build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| TelemetryError::Twice)?;
        metrics::describe_gauge!(BUILD_INFO, "Always 1; the labels say what runs here.");
        gauge!(BUILD_INFO, "version" => version, "role" => role).set(1.0);
        process::describe();
        Ok(Self(handle))
    }

    /// A recorder that is nobody's default: for tests, and for routers built before telemetry.
    pub fn detached() -> Self {
        Self(builder().build_recorder().handle())
    }

    /// All metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        process::observe();
        self.0.render()
    }

    /// Keeps the recorder small until `closing`; to be run as one of the process's tasks.
    pub async fn upkeep(self, closing: CancellationToken) {
        let mut tick = tokio::time::interval(UPKEEP);
        while closing.run_until_cancelled(tick.tick()).await.is_some() {
            self.0.run_upkeep();
        }
    }
}

fn builder() -> PrometheusBuilder {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Full(FRAME_TIME.to_owned()), FRAME_SECONDS)
        })
        .expect("no list of buckets is empty")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_buckets_with_the_targets_as_bounds() {
        let recorder = builder().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || metrics::histogram!("x_seconds").record(0.07));
        let text = handle.render();
        assert!(text.contains(r#"x_seconds_bucket{le="0.05"} 0"#), "{text}");
        assert!(text.contains(r#"x_seconds_bucket{le="0.1"} 1"#), "{text}");
    }

    #[tokio::test]
    async fn upkeep_ends_when_the_process_closes() {
        let closing = CancellationToken::new();
        closing.cancel();
        Metrics::detached().upkeep(closing).await;
    }
}
