//! How the product stands, as gauges: what one job counted a minute ago, and what is switched for all; the same from every
//! worker. Of the fleet: take any, do not sum.

use std::time::Duration;

use domain::{
    switches,
    vitals::{self, Vitals},
};
use engine::Engine;
use metrics::gauge;
use tokio_util::sync::CancellationToken;

/// Demos that run.
pub const ACTIVE_DEMOS: &str = "demo_active_tenants";
/// Of the demos that ended in 30 days, the share that became customers.
pub const CONVERSION: &str = "demo_conversion_ratio";
/// How long demos last, on average.
pub const DURATION: &str = "demo_mean_duration_seconds";
/// Of the codes of a day, the share that was used.
pub const VERIFICATION: &str = "demo_verification_success_ratio";
/// Of the messages of a day, the share that was delivered.
pub const DELIVERY: &str = "sms_delivered_ratio";
/// Tenants that wait for a number.
pub const WAITING: &str = "number_waitlist_tenants";
/// The pool, by status.
pub const POOL: &str = "number_pool_numbers";
/// The share of the pool that tenants have.
pub const UTILISATION: &str = "number_pool_allocated_ratio";
/// Hours of use that Stripe is not told of until a person has looked.
pub const USAGE_LEFT: &str = "billing_usage_left_rows";
/// How old all of this is.
pub const AGE: &str = "product_vitals_age_seconds";

/// For how long each switch for the whole product has been on; zero: it is off.
pub const SWITCH_ON: &str = "product_switch_on_seconds";

/// All of them.
pub const NAMES: [&str; 11] = [
    ACTIVE_DEMOS,
    CONVERSION,
    DURATION,
    VERIFICATION,
    DELIVERY,
    WAITING,
    POOL,
    UTILISATION,
    USAGE_LEFT,
    AGE,
    SWITCH_ON,
];

/// How often the row is read. It is written once a minute.
const READ_EVERY: Duration = Duration::from_secs(15);

/// Shows them until the process closes. What cannot be read is shown as it was.
pub async fn show(engine: Engine, closing: CancellationToken) {
    let mut ticks = tokio::time::interval(READ_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            _ = ticks.tick() => {
                if let Err(error) = read(&engine).await {
                    tracing::debug!(%error, "how the product stands could not be read");
                }
            }
        }
    }
}

async fn read(engine: &Engine) -> Result<(), engine::Error> {
    let mut tx = engine.begin().await?;
    match vitals::last(&mut tx).await {
        Ok(Some((vitals, age_secs))) => set(&vitals, age_secs),
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "how the product stands could not be read"),
    }
    match switches::on_for(&mut tx).await {
        Ok(all) => {
            for (switch, on_for) in all {
                gauge!(SWITCH_ON, "switch" => switch.as_str()).set(on_for.as_secs_f64());
            }
        }
        Err(error) => tracing::debug!(%error, "the switches could not be read"),
    }
    Ok(())
}

/// Sets them.
#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a float, and counts of people are small"
)]
fn set(vitals: &Vitals, age_secs: f64) {
    gauge!(ACTIVE_DEMOS).set(vitals.active_demos as f64);
    gauge!(WAITING).set(vitals.waiting as f64);
    gauge!(USAGE_LEFT).set(vitals.usage_left as f64);
    gauge!(AGE).set(age_secs);
    let pool = [
        ("available", vitals.available),
        ("allocated", vitals.allocated),
        ("quarantined", vitals.quarantined),
        ("maintenance", vitals.maintenance),
    ];
    let total: i64 = pool.iter().map(|(_, count)| count).sum();
    for (status, count) in pool {
        gauge!(POOL, "status" => status).set(count as f64);
    }
    let ratios = [
        (UTILISATION, (total > 0).then(|| vitals.allocated as f64 / total as f64)),
        (CONVERSION, vitals.conversion_ratio),
        (DURATION, vitals.demo_secs_mean),
        (VERIFICATION, vitals.verification_ratio),
        (DELIVERY, vitals.delivery_ratio),
    ];
    for (name, ratio) in ratios {
        // Of nothing there is no share.
        gauge!(name).set(ratio.unwrap_or(f64::NAN));
    }
}
