//! Children in a ledger: each undoes itself, or is left as was declared when it was started.

use super::{Entry, World, mark, mark_undone};
use crate::{
    committer::flush::child_signal,
    context::{Suspension, WhenParentEnds, is_past_pivot},
    failure::Failure,
    job::JobId,
    leased::LeasedJob,
    registry::stored,
    store::{self, effects::StoredEffect},
    workflow::App,
};

/// A child that still lives is cancelled; one that succeeded is opened again and taken back; then its end is awaited.
pub(super) async fn undo<A: App>(
    world: &World<'_, A>,
    job: &LeasedJob,
    effect: &StoredEffect,
) -> Result<Entry, Failure> {
    let child: JobId = match &effect.output {
        Some(output) => stored(output)?,
        None => return Ok(Entry::Undone),
    };
    match WhenParentEnds::of(&effect.input) {
        WhenParentEnds::TakeBack => {}
        WhenParentEnds::Cancel => {
            world.engine.let_go(child).await?;
            return mark(world, job, &effect.key, "skipped").await;
        }
        WhenParentEnds::LeaveAlone => return mark(world, job, &effect.key, "skipped").await,
    }
    let ended = child_signal(child);
    // First forget what the child said of its first end, then look: a second end is said after this look.
    let (outcome, is_past_pivot) = world
        .engine
        .db()
        .run(async |conn| {
            store::signals::signals_drop_named(conn, job.fence(), &ended).await?;
            let outcome = store::outcomes::outcome_get(conn, child.as_uuid()).await?;
            Ok((outcome, is_past_pivot(conn, child).await?))
        })
        .await?;
    let over = match outcome {
        // A child that was stopped with its deeds kept is taken back like one that succeeded.
        Some(outcome) => outcome.undone || outcome.state != "succeeded" && !outcome.kept,
        None => false,
    };
    if over {
        return mark_undone(world, job, &effect.key).await;
    }
    if is_past_pivot {
        return Err(Failure::permanent(format!("the child {child} is past its pivot")));
    }
    world.engine.take_back(child).await?;
    Ok(Entry::Left(Suspension::wait(
        None,
        vec![ended],
        format!("waiting for the undo of {}", effect.key),
    )))
}
