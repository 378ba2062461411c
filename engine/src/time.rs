//! Durations as Postgres counts them.

use std::time::Duration;

use sqlx::postgres::types::PgInterval;

/// Nothing in the engine waits longer: ten years, far inside what an interval and a timestamp can hold.
const INTERVAL_MAX: Duration = Duration::from_hours(87600);

/// A duration as an interval, to the microsecond.
pub(crate) fn interval(duration: Duration) -> PgInterval {
    let micros = duration.min(INTERVAL_MAX).as_micros();
    PgInterval { months: 0, days: 0, microseconds: i64::try_from(micros).unwrap_or(i64::MAX) }
}
