//! Permits that a run holds on purpose: through sleeps, waits, crashes and deploys, until it gives them back or ends.

use serde_json::Value;
use uuid::Uuid;

use super::{Context, Suspension};
use crate::{
    failure::Failure,
    gate::{permit_gate, scope_fault},
    store::{
        self,
        checkpoints::CheckpointRow,
        permits::{Asked, HoldRow},
    },
    workflow::App,
};

/// A permit that this run holds.
#[derive(Debug)]
#[must_use = "a permit is held until it is given back or the run ends"]
pub struct Held {
    gate: Uuid,
    key: String,
}

impl<A: App> Context<'_, A> {
    /// Holds one of `max` permits of a scope and key (empty: of the whole scope). Whoever asked first is given the next one;
    /// until then the run leaves its worker. The permit is kept while the run sleeps, waits, is parked or changes workers,
    /// and given back by [`Context::release`] or by the end of the run, whatever that is. Counts together with
    /// [`crate::Gates::at_once`] of the same scope and key.
    pub async fn hold(&self, scope: &str, key: &str, max: u32) -> Result<Held, Failure> {
        if let Some(why) = scope_fault(scope) {
            return Err(Failure::permanent(why));
        }
        let name = self.claim_key(&format!("hold:{scope}"))?;
        let held = Held { gate: permit_gate(scope, key), key: format!("{name}~released") };
        // What was given back later in the story is not asked for again.
        if self.remembered(&held.key, "wait").await.is_some() {
            return Ok(held);
        }
        self.boundary().await;
        let row = HoldRow {
            fence: self.job().fence(),
            gate_id: held.gate,
            scope: scope.to_owned(),
            max: i32::try_from(max.max(1)).unwrap_or(i32::MAX),
        };
        // Asked in every attempt, and not remembered: the row of the permit is the truth, also for a run that ended, lost its
        // permits, and is tried again.
        let asked = {
            let _active = self.active();
            self.engine().db().run(async |conn| store::permits::hold_ask(conn, &row).await).await
        };
        match asked {
            Ok(Asked::Granted) => Ok(held),
            Ok(Asked::Waits) => {
                let wakes = vec![store::permits::wake_of(held.gate)];
                let reason = format!("waiting for a permit of {scope}");
                self.suspend(Suspension::wait(None, wakes, reason)).await
            }
            Ok(Asked::Fenced) => self.suspend(Suspension::Lost).await,
            Err(error) if error.is_ours() => Err(Failure::permanent(error)),
            Err(_) => self.suspend(Suspension::Interrupted).await,
        }
    }

    /// Gives a permit back: whoever waits for it the longest has it next.
    pub async fn release(&self, held: Held) -> Result<(), Failure> {
        if self.remembered(&held.key, "wait").await.is_some() {
            return Ok(());
        }
        let row = CheckpointRow {
            fence: self.job().fence(),
            key: held.key.clone(),
            form: "wait",
            output: Value::Null,
            attempt: self.job().attempt(),
            started_at: None,
            takes_signal: None,
        };
        let freed = {
            let _active = self.active();
            self.engine()
                .db()
                .run(async |conn| store::permits::hold_release(conn, held.gate, &row).await)
                .await
        };
        match freed {
            Ok(Some(queues)) => {
                self.engine().wakeups().ring(queues);
                Ok(())
            }
            Ok(None) => self.suspend(Suspension::Lost).await,
            Err(error) if error.is_ours() => Err(Failure::permanent(error)),
            Err(_) => self.suspend(Suspension::Interrupted).await,
        }
    }
}
