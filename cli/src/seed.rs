//! What a new database is given: fictional numbers for demos, where that is asked for.

use daemon::config::Env;
use domain::{numbers, scope};
use engine::Engine;

/// `TRUNKLINE_DEMO_NUMBERS`: so many fictional numbers are put into the pool, unless they are there already.
pub(crate) fn demo_numbers(env: &Env<'_>) -> u16 {
    env.var("TRUNKLINE_DEMO_NUMBERS").number(0..=10_000_u16).or(0)
}

/// Puts them there.
pub(crate) async fn seed(engine: &Engine, demo_numbers: u16) -> anyhow::Result<()> {
    if demo_numbers == 0 {
        return Ok(());
    }
    let mut tx = engine.begin().await?;
    scope::platform(&mut tx).await?;
    let added = numbers::pool_seed(&mut tx, demo_numbers).await?;
    tx.commit().await?;
    if added > 0 {
        tracing::info!("{added} fictional numbers were put into the pool");
    }
    Ok(())
}
