//! Cancelling, in three ways, wherever a job stands.
//!
//! A job that rests is moved in the caller's transaction. About one that runs a request is written down there, which its
//! worker reads with its next heartbeat; after the commit, [`enforce`] looks whether the job has come to rest meanwhile.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    audit::{Action, record},
    operator::Operator,
};
use crate::{
    committer::flush::child_signal,
    context::ChildEnd,
    engine::Engine,
    error::{Error, Refusal},
    job::JobId,
    state::{Course, State},
    store::{self, cancel::Request},
    tx::Tx,
};

/// A job moves between tables; a look that falls between two of them is repeated.
const LOOKS_MAX: u32 = 10;

/// How a job is cancelled. Its children follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelMode {
    /// Stops at the next boundary. What it did stands, and it can be tried again from there.
    Graceful,
    /// Stops at the next boundary and takes back what it did.
    #[default]
    Undo,
    /// Ends now: its worker's lease goes, nothing is taken back, its ledger stays as evidence. Refused while it is being
    /// undone, unless forced.
    Terminate,
}

impl CancelMode {
    /// All of them.
    pub const ALL: [CancelMode; 3] =
        [CancelMode::Graceful, CancelMode::Undo, CancelMode::Terminate];

    /// The word in the database and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            CancelMode::Graceful => "graceful",
            CancelMode::Undo => "undo",
            CancelMode::Terminate => "terminate",
        }
    }

    /// The CHECK admits no other words.
    pub(crate) fn of(word: &str) -> CancelMode {
        CancelMode::ALL.into_iter().find(|mode| mode.as_str() == word).unwrap_or_default()
    }
}

impl Tx {
    /// Cancels a job: at once if it has not begun, else as the mode says.
    pub async fn cancel(
        &mut self,
        id: JobId,
        mode: CancelMode,
        operator: &Operator,
    ) -> Result<(), Error> {
        self.cancel_as(id, mode, false, operator).await
    }

    /// Ends a job at once even if it is just being undone: what is not taken back yet stays, and somebody has to see to it
    /// by hand. Needs a reason.
    pub async fn terminate_by_force(
        &mut self,
        id: JobId,
        operator: &Operator,
    ) -> Result<(), Error> {
        operator.check_reason()?;
        self.cancel_as(id, CancelMode::Terminate, true, operator).await
    }

    async fn cancel_as(
        &mut self,
        id: JobId,
        mode: CancelMode,
        forced: bool,
        operator: &Operator,
    ) -> Result<(), Error> {
        operator.check()?;
        match cancel_in(self, id, mode, forced).await? {
            Asked::Done => {}
            Asked::Over => return Err(self.cannot(id, "cancelled").await?),
            Asked::Shielded => return Err(Refusal::Shielded.into()),
        }
        let details = json!({ "mode": mode, "forced": forced });
        record(self, operator, Action::Cancelled, id, &details).await
    }
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It is cancelled, or will be.
    Done,
    /// It is finished, or was never there.
    Over,
    /// It is being undone, and that is not to be stopped.
    Shielded,
}

/// Cancels wherever the job stands.
pub(crate) async fn cancel_in(
    tx: &mut Tx,
    id: JobId,
    mode: CancelMode,
    forced: bool,
) -> Result<Asked, Error> {
    let job = id.as_uuid();
    if store::cancel::concerns_of(tx, job).await?.is_none() {
        return Ok(Asked::Over);
    }
    for _ in 0..LOOKS_MAX {
        if store::cancel::cancel_unstarted(tx, job).await? {
            see_to_others(tx, id, "unstarted").await?;
            return Ok(Asked::Done);
        }
        match store::cancel::stand_of(tx, job).await? {
            Some(stand) if Course::from_code(stand.course).is_undoing() && !forced => {
                // It goes on with that; parked, it waits for its person.
                let is_undo = mode == CancelMode::Undo;
                return Ok(if is_undo { Asked::Done } else { Asked::Shielded });
            }
            Some(stand) if stand.running => {
                store::cancel::cancel_ask(tx, job, mode.as_str(), forced).await?;
                tx.wake_mut().cancelled(job);
                return Ok(Asked::Done);
            }
            Some(_) => {
                let is_moved = match mode {
                    CancelMode::Terminate => terminate(tx, id, forced).await?,
                    CancelMode::Graceful | CancelMode::Undo => wake_to_end(tx, job, mode).await?,
                };
                if is_moved {
                    return Ok(Asked::Done);
                }
            }
            None if store::outcomes::outcome_get(tx, job).await?.is_some() => {
                return Ok(Asked::Over);
            }
            None => {}
        }
    }
    Err(Error::TimedOut)
}

/// Has a worker end a job that stands still. False: it stands still no more.
async fn wake_to_end(tx: &mut Tx, job: uuid::Uuid, mode: CancelMode) -> Result<bool, Error> {
    let Some(queue) = store::cancel::cancel_resting(tx, job).await? else { return Ok(false) };
    store::cancel::cancel_ask(tx, job, mode.as_str(), false).await?;
    tx.wake_mut().queue(queue);
    Ok(true)
}

/// Ends a job that stands still, or, in a transaction of the engine's own, one that runs. Its children are asked to end,
/// too. False: it was not there, or a worker was just writing.
async fn terminate(tx: &mut Tx, id: JobId, forced: bool) -> Result<bool, Error> {
    let job = id.as_uuid();
    let children = store::cancel::cancel_children(tx, job).await?;
    for child in children {
        store::cancel::cancel_ask(tx, child, CancelMode::Terminate.as_str(), forced).await?;
        tx.wake_mut().cancelled(child);
    }
    // Last, so that the lease is locked for as short as can be.
    let Some(gone) = store::cancel::cancel_terminate(tx, job, forced).await? else {
        return Ok(false);
    };
    store::signals::signals_drop(tx, &[job]).await?;
    see_to_others(tx, id, &gone.epoch.to_string()).await?;
    Ok(true)
}

/// Frees its unique key and tells its parent.
async fn see_to_others(tx: &mut Tx, id: JobId, dedupe_key: &str) -> Result<(), Error> {
    let job = id.as_uuid();
    let Some(concerns) = store::cancel::concerns_of(tx, job).await? else { return Ok(()) };
    if let Some(key) = concerns.unique_key {
        store::uniques::uniques_free(tx, &[key], &[job]).await?;
    }
    if let Some(parent) = concerns.parent_id {
        let end = ChildEnd { state: State::Cancelled, output: Value::Null, error: None };
        tx.signal(JobId::from(parent), &child_signal(id), &end, Some(dedupe_key)).await?;
    }
    Ok(())
}

/// Looks, after the commit of a request or in a sweep, whether it can be acted upon now.
pub(crate) async fn enforce(engine: &Engine, job: uuid::Uuid) -> Result<(), Error> {
    let mut tx = engine.begin_own().await?;
    let Some(Request { mode, forced }) = store::cancel::cancel_request(&mut tx, job).await? else {
        return Ok(());
    };
    let done = match CancelMode::of(&mode) {
        CancelMode::Terminate => terminate(&mut tx, job.into(), forced).await?,
        CancelMode::Graceful | CancelMode::Undo => {
            let queue = store::cancel::cancel_resting(&mut tx, job).await?;
            queue.inspect(|queue| tx.wake_mut().queue(*queue)).is_some()
        }
    };
    if done { tx.commit().await } else { Ok(()) }
}

/// Whether a cancelled run ends with what it did: it is to stop gracefully, or was terminated in just this moment. Then its
/// children are asked to stop, too. False: it is to be undone.
pub(crate) async fn keeps_its_deeds(engine: &Engine, job: JobId) -> Result<bool, Error> {
    let mut tx = engine.begin_own().await?;
    let request = store::cancel::cancel_request(&mut tx, job.as_uuid()).await?;
    match request.map(|request| CancelMode::of(&request.mode)) {
        None | Some(CancelMode::Undo) => return Ok(false),
        Some(CancelMode::Graceful | CancelMode::Terminate) => {}
    }
    for child in store::cancel::cancel_children(&mut tx, job.as_uuid()).await? {
        // One that is over, or is being undone, needs nothing.
        cancel_in(&mut tx, child.into(), CancelMode::Graceful, false).await?;
    }
    tx.commit().await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mode_is_read_back_from_its_word_and_undo_is_the_default() {
        for mode in CancelMode::ALL {
            assert_eq!(CancelMode::of(mode.as_str()), mode);
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.as_str());
        }
        assert_eq!(CancelMode::default(), CancelMode::Undo);
    }
}
