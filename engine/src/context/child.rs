//! Children: jobs of their own that a run starts, and whose end it can wait for.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Context, Suspension, step::encoded};
use crate::{
    committer::Op,
    failure::Failure,
    job::{JobId, Parent},
    registry::stored,
    runner::Final,
    state::State,
    store::effects::IntentRow,
    trace,
    workflow::{App, Workflow},
};

/// A child that was started.
#[derive(Debug, Clone, Copy)]
pub struct Spawned {
    /// Its job.
    pub id: JobId,
}

/// What becomes of a child when the run that started it ends. Declared when it is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenParentEnds {
    /// If the parent succeeds, it goes on. If the parent fails or is cancelled, the child is undone, newest deed first and
    /// also if it has succeeded, and the parent waits for that.
    #[default]
    TakeBack,
    /// However the parent ends, a child that still lives is cancelled, which undoes what it did. Nobody waits for that; one
    /// that has succeeded stays.
    Cancel,
    /// It goes on.
    LeaveAlone,
}

/// What the ledger keeps of a child beside its id.
#[derive(Serialize, Deserialize)]
struct Terms {
    #[serde(default)]
    when_parent_ends: WhenParentEnds,
}

impl WhenParentEnds {
    /// As it was declared. Older entries say nothing.
    pub(crate) fn of(input: &Value) -> WhenParentEnds {
        Terms::deserialize(input)
            .map_or_else(|_| WhenParentEnds::default(), |it| it.when_parent_ends)
    }
}

/// How a child ended, as its parent is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChildEnd {
    /// One of the final states.
    pub state: State,
    /// What it ended with, if well.
    #[serde(default)]
    pub output: Value,
    /// What went wrong, if badly.
    #[serde(default)]
    pub error: Option<String>,
}

impl ChildEnd {
    /// What a parent is told.
    pub(crate) fn of(state: &Final) -> ChildEnd {
        let (state, output, error) = match state {
            Final::Succeeded(output) => (State::Succeeded, output.clone(), None),
            Final::Failed(text) => (State::Failed, Value::Null, Some(text.clone())),
            Final::Cancelled => (State::Cancelled, Value::Null, None),
        };
        ChildEnd { state, output, error }
    }

    /// Its output, or how it ended instead.
    pub(crate) fn into_result(self) -> Result<Value, ChildEnd> {
        if self.state == State::Succeeded { Ok(self.output) } else { Err(self) }
    }
}

impl<A: App> Context<'_, A> {
    /// Starts a child and goes on. It stands in this run's ledger: if the run is undone, so is the child.
    pub async fn spawn<W: Workflow<A>>(&self, child: W) -> Result<Spawned, Failure> {
        self.spawn_with(child, WhenParentEnds::TakeBack).await
    }

    /// Starts a child and goes on, and says what becomes of it when this run ends.
    pub async fn spawn_with<W: Workflow<A>>(
        &self,
        child: W,
        when_parent_ends: WhenParentEnds,
    ) -> Result<Spawned, Failure> {
        let key = self.claim_key(W::KIND)?;
        match self.spawned(&key, W::KIND) {
            Some(Ok(child)) => return Ok(child),
            Some(Err(why)) => {
                let why = format!("{key} {why}");
                return self.suspend(Suspension::diverged(Some(&key), why)).await;
            }
            None => {}
        }
        self.boundary().await;
        let mut job = child.job();
        job.tenant = self.job().tenant();
        job.traceparent = trace::here().or_else(|| self.job().traceparent().map(ToOwned::to_owned));
        job.parent = Some(Parent { id: self.job_id(), step: key.clone() });
        let mut row = self.engine().row_of(&job).map_err(Failure::permanent)?;
        let _sending = trace::send(&job, &mut row);
        let seq = self.inner().lock().memo.next_seq();
        let intent = IntentRow {
            fence: self.job().fence(),
            key,
            seq,
            form: "child",
            name: W::KIND.to_owned(),
            input: encoded(&Terms { when_parent_ends })?, // the child's own row holds its arguments
            output: Some(encoded(&job.id)?),
            attempt: 1,
        };
        self.commit(Op::Spawn(Box::new((intent, row)))).await?;
        if when_parent_ends == WhenParentEnds::Cancel {
            self.inner().lock().to_cancel.push(job.id);
        }
        Ok(Spawned { id: job.id })
    }

    /// Children that are to be cancelled now that the run has succeeded.
    pub(crate) fn to_cancel(&self) -> Vec<JobId> {
        std::mem::take(&mut self.inner().lock().to_cancel)
    }

    /// Starts a child and waits for its end. A child that failed is a permanent failure here, which the body may handle.
    pub async fn child<W: Workflow<A>>(&self, child: W) -> Result<W::Output, Failure> {
        let spawned = self.spawn(child).await?;
        match self.end_of(W::KIND, spawned.id).await?.into_result() {
            Ok(output) => self.decoded(&output).await,
            Err(end) => Err(Failure::permanent(format!(
                "{} {} {}: {}",
                W::KIND,
                spawned.id,
                end.state,
                end.error.unwrap_or_default()
            ))),
        }
    }

    fn spawned(&self, key: &str, kind: &str) -> Option<Result<Spawned, String>> {
        let inner = self.inner().lock();
        if let Some(lent) = inner.memo.lent(key, "child") {
            return Some(
                stored(&lent).map(|id| Spawned { id }).map_err(|_| "has no child".to_owned()),
            );
        }
        let effect = inner.memo.effect(key)?;
        if effect.form != "child" || effect.name != kind {
            return Some(Err(format!("was the {} {}", effect.form, effect.name)));
        }
        let id = effect.output.as_ref().map(stored::<JobId>);
        Some(match id {
            Some(Ok(id)) => Ok(Spawned { id }),
            Some(Err(_)) | None => Err("has no child".to_owned()),
        })
    }
}
