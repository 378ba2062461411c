//! What the engine itself says of its claims, as it would say it to Prometheus: every value, not a sum.

use std::sync::{Arc, LazyLock};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use parking_lot::Mutex;

use crate::series::Series;

static CLAIMS: LazyLock<Arc<Claims>> = LazyLock::new(Arc::default);

/// Seconds that claims took.
#[derive(Default)]
struct Claims(Mutex<Vec<f64>>);

impl HistogramFn for Claims {
    fn record(&self, seconds: f64) {
        self.0.lock().push(seconds);
    }
}

/// Listens to one histogram and to nothing else, so that what is measured is not the listening.
struct Ear;

impl Recorder for Ear {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        if key.name() == engine::metrics::CLAIM_TIME {
            Histogram::from_arc(Arc::clone(&CLAIMS))
        } else {
            Histogram::noop()
        }
    }
}

/// Begins to listen, or goes on.
pub(crate) fn listen() {
    // Refused if somebody listens already: that is us.
    let _ = metrics::set_global_recorder(Ear);
    drop(taken());
}

/// Claims since this was last asked, in milliseconds each.
pub(crate) fn taken() -> Series {
    std::mem::take(&mut *CLAIMS.0.lock()).into_iter().map(|seconds| seconds * 1000.0).collect()
}

/// How many there are by now.
pub(crate) fn count() -> usize {
    CLAIMS.0.lock().len()
}
