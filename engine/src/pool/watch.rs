//! Keeping an eye on the database: its gauges, and who keeps it from clearing away.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Pool, claim::jittered, housekeeping::stop_or};
use crate::{
    depths::Depths,
    vitals::{HELD_LONG, Vitals},
    workflow::App,
};

/// How often the gauges are read.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How often the same is said.
const SAY_EVERY: Duration = Duration::from_mins(1);

/// Watches until the pool drains.
pub(super) async fn watch<A: App>(pool: Arc<Pool<A>>) {
    let mut said: Option<Instant> = None;
    let mut before = Depths::default();
    while !pool.stop.is_cancelled() {
        crate::metrics::slots(&pool.config.name, pool.in_hand(), pool.config.slots);
        pool.pace.tell(&pool.engine).await;
        match pool.engine.vitals().await {
            Ok(vitals) => {
                crate::metrics::vitals(&vitals);
                if said.is_none_or(|said| said.elapsed() >= SAY_EVERY) && say(&vitals) {
                    said = Some(Instant::now());
                }
            }
            Err(error) => tracing::debug!(%error, "the database's gauges could not be read"),
        }
        match pool.engine.depths().await {
            Ok(depths) => {
                crate::metrics::depths(&depths, &before);
                before = depths;
            }
            Err(error) => tracing::debug!(%error, "the queues could not be counted"),
        }
        match pool.engine.schedule_lags().await {
            Ok(lags) => crate::metrics::lags(&lags),
            Err(error) => tracing::debug!(%error, "the schedules could not be looked at"),
        }
        stop_or(&pool, jittered(LOOK_EVERY)).await;
    }
}

/// Says what a person should look into. False: nothing.
fn say(vitals: &Vitals) -> bool {
    let held = vitals.oldest.as_ref().filter(|held| held.held_secs >= HELD_LONG.as_secs_f64());
    if let Some(holder) = held {
        let dead = vitals.dead_rows.values().sum::<u64>();
        tracing::warn!(
            "a snapshot is held open by {holder}: {dead} deleted rows cannot be cleared away, and claiming gets slower"
        );
    }
    if vitals.default_rows > 0 {
        tracing::warn!(
            "{} rows lie in DEFAULT partitions: they are never dropped, and keep pieces from being made",
            vitals.default_rows
        );
    }
    held.is_some() || vitals.default_rows > 0
}
