//! One flush: all operations of a batch, grouped by kind, in one statement or one transaction.

use std::collections::{BTreeSet, HashSet};

use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{CommitError, Finish, Op};
use crate::{
    job::JobId,
    store::{
        self, Fence,
        db::{BEGIN_OWN, DbError},
        held::Held,
        leases::FinishRow,
    },
    wakeups::Wakeups,
};

type Verdicts = Vec<Result<(), CommitError>>;

/// What has to be seen to once the flush has committed.
#[derive(Default)]
struct After {
    queues: BTreeSet<i16>,
    look: Vec<Uuid>,
}

/// Writes the batch. `words`: in a transaction that begins with them, even where a statement alone would do. `again`: an
/// earlier try may have been committed without our hearing of it.
pub(super) async fn flush(
    held: &mut Held,
    wakeups: &Wakeups,
    ops: &[Op],
    words: Option<&'static str>,
    again: bool,
) -> Result<Verdicts, DbError> {
    let kinds: HashSet<_> = ops.iter().map(std::mem::discriminant).collect();
    let single = words.is_none() && kinds.len() == 1 && !ops.iter().any(takes_several_statements);
    let (verdicts, mut after) = held
        .run(async |conn| {
            if single {
                return write(conn, ops, again).await;
            }
            let mut tx = conn.begin_with(words.unwrap_or(BEGIN_OWN)).await?;
            let written = write(&mut tx, ops, again).await?;
            tx.commit().await?;
            Ok(written)
        })
        .await?;
    if !after.look.is_empty() {
        let woken =
            held.run(async |conn| store::signals::signals_wake(conn, &after.look).await).await;
        // If this fails, the sweep will wake them.
        after.queues.extend(woken.unwrap_or_default());
    }
    wakeups.ring(after.queues);
    Ok(verdicts)
}

fn takes_several_statements(op: &Op) -> bool {
    match op {
        Op::Spawn(_) | Op::Receive(_) => true,
        // What comes together is there together, though plain jobs and others are two statements.
        Op::Enqueue(rows) => rows.len() > 1,
        Op::Finish(finish) => {
            !finish.row.is_plain()
                || finish.unique_key.is_some()
                || finish.tells.is_some()
                || finish.may_have_signals
                || finish.may_have_progress
        }
        Op::Turn(..)
        | Op::Begin(_)
        | Op::Checkpoint(_)
        | Op::Settle(_)
        | Op::Fail(_)
        | Op::Progress(_)
        | Op::Release(_)
        | Op::Suspend(_)
        | Op::Look(_) => false,
    }
}

async fn write(
    conn: &mut PgConnection,
    ops: &[Op],
    again: bool,
) -> Result<(Verdicts, After), sqlx::Error> {
    let mut batch =
        Batch { ops, again, verdicts: vec![Ok(()); ops.len()], after: After::default() };
    batch.begin(conn).await?;
    batch.spawn(conn).await?;
    batch.checkpoint(conn).await?;
    batch.settle(conn).await?;
    batch.fail(conn).await?;
    batch.progress(conn).await?;
    batch.turn(conn).await?;
    batch.release(conn).await?;
    batch.suspend(conn).await?;
    batch.finish(conn).await?;
    batch.enqueue(conn).await?;
    batch.receive(conn).await?;
    for op in ops {
        if let Op::Look(jobs) = op {
            batch.after.look.extend(jobs);
        }
    }
    Ok((batch.verdicts, batch.after))
}

struct Batch<'a> {
    ops: &'a [Op],
    again: bool,
    verdicts: Verdicts,
    after: After,
}

impl<'a> Batch<'a> {
    /// The operations of one kind, with their places in the batch.
    fn of<T>(&self, pick: impl Fn(&'a Op) -> Option<T>) -> (Vec<usize>, Vec<T>) {
        self.ops
            .iter()
            .enumerate()
            .filter_map(|(place, op)| pick(op).map(|row| (place, row)))
            .unzip()
    }

    /// Marks those that are not among the held ones (positions within `places`) as fenced.
    fn fence_but(&mut self, places: &[usize], held: &[usize]) {
        let held: HashSet<_> = held.iter().copied().collect();
        for (position, place) in places.iter().enumerate() {
            if !held.contains(&position) {
                self.verdicts[*place] = Err(CommitError::Fenced);
            }
        }
    }

    async fn begin(&mut self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (places, rows) =
            self.of(|op| if let Op::Begin(row) = op { Some(row.clone()) } else { None });
        if !rows.is_empty() {
            let held = store::effects::effects_begin(conn, &rows).await?;
            self.fence_but(&places, &held);
        }
        Ok(())
    }

    async fn spawn(&mut self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (places, pairs) =
            self.of(|op| if let Op::Spawn(pair) = op { Some((**pair).clone()) } else { None });
        if pairs.is_empty() {
            return Ok(());
        }
        let (intents, children): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let held = store::effects::effects_begin(conn, &intents).await?;
        let children: Vec<_> =
            held.iter().filter_map(|position| children.get(*position).cloned()).collect();
        store::jobs::jobs_insert(conn, &children).await?;
        self.after.queues.extend(children.iter().map(|child| child.queue_id));
        self.fence_but(&places, &held);
        Ok(())
    }

    async fn checkpoint(&mut self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (places, rows) =
            self.of(|op| if let Op::Checkpoint(row) = op { Some(row.clone()) } else { None });
        if !rows.is_empty() {
            let held = store::checkpoints::checkpoints_insert(conn, &rows).await?;
            self.fence_but(&places, &held);
        }
        Ok(())
    }

    async fn settle(&mut self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (places, rows) =
            self.of(|op| if let Op::Settle(row) = op { Some(row.clone()) } else { None });
        if !rows.is_empty() {
            let held = store::effects::effects_settle(conn, &rows).await?;
            self.fence_but(&places, &held);
        }
        Ok(())
    }

    async fn fail(&mut self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (_, rows) = self.of(|op| if let Op::Fail(row) = op { Some(row.clone()) } else { None });
        if rows.is_empty() {
            return Ok(());
        }
        store::failures::failures_insert(conn, &rows).await
    }

    async fn progress(&mut self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (_, rows) =
            self.of(|op| if let Op::Progress(row) = op { Some(row.clone()) } else { None });
        if rows.is_empty() {
            return Ok(());
        }
        store::progress::progress_write(conn, &rows).await
    }

    async fn turn(&mut self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (places, turns) = self
            .of(|op| if let Op::Turn(fence, course) = op { Some((*fence, *course)) } else { None });
        for (place, (fence, course)) in places.into_iter().zip(turns) {
            if !store::leases::lease_turn(conn, fence, course).await? {
                self.verdicts[place] = Err(CommitError::Fenced);
            }
        }
        Ok(())
    }

    async fn release(&mut self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (places, fences) =
            self.of(|op| if let Op::Release(fence) = op { Some(*fence) } else { None });
        if fences.is_empty() {
            return Ok(());
        }
        let (job_ids, epochs) = split(&fences);
        let moved = store::leases::leases_release(conn, &job_ids, &epochs).await?;
        self.fence_unmoved(&places, &fences, moved);
        Ok(())
    }

    async fn suspend(&mut self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (places, rows) =
            self.of(|op| if let Op::Suspend(row) = op { Some(row.clone()) } else { None });
        if rows.is_empty() {
            return Ok(());
        }
        let fences: Vec<_> = rows.iter().map(|row| row.fence).collect();
        let moved = store::leases::leases_suspend(conn, &rows).await?;
        self.after
            .look
            .extend(rows.iter().filter(|row| !row.wakes.is_empty()).map(|row| row.fence.job_id));
        self.fence_unmoved(&places, &fences, moved);
        Ok(())
    }

    /// A job that is not where a move would take it from was moved by somebody else, or by our own earlier try.
    fn fence_unmoved(&mut self, places: &[usize], fences: &[Fence], moved: Vec<Uuid>) {
        let moved: HashSet<_> = moved.into_iter().collect();
        for (place, fence) in places.iter().zip(fences) {
            // Either way the worker lets go of it, so after a lost reply the difference does not matter.
            if !moved.contains(&fence.job_id) && !self.again {
                self.verdicts[*place] = Err(CommitError::Fenced);
            }
        }
    }

    async fn finish(&mut self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (places, ends) =
            self.of(|op| if let Op::Finish(finish) = op { Some(finish.as_ref()) } else { None });
        if ends.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = ends.iter().map(|end| &end.row).collect();
        let done = finished(conn, &rows).await?;
        let written: HashSet<_> = if self.again {
            let (job_ids, epochs) = split(rows.iter().map(|row| &row.fence));
            store::outcomes::outcomes_written(conn, &job_ids, &epochs).await?.into_iter().collect()
        } else {
            HashSet::new()
        };
        for (place, row) in places.iter().zip(&rows) {
            if !done.contains(&row.fence.job_id) && !written.contains(&row.fence.job_id) {
                self.verdicts[*place] = Err(CommitError::Fenced);
            }
        }
        let ended: Vec<_> =
            ends.into_iter().filter(|end| done.contains(&end.row.fence.job_id)).collect();
        self.see_to_others(conn, &ended).await
    }

    /// Frees unique keys, drops signals nobody will take, tells parents.
    async fn see_to_others(
        &mut self,
        conn: &mut PgConnection,
        ended: &[&Finish],
    ) -> Result<(), sqlx::Error> {
        let (keys, holders): (Vec<_>, Vec<_>) = ended
            .iter()
            .filter_map(|end| end.unique_key.clone().map(|key| (key, end.row.fence.job_id)))
            .unzip();
        if !keys.is_empty() {
            store::uniques::uniques_free(conn, &keys, &holders).await?;
        }
        let untaken: Vec<_> = ended
            .iter()
            .filter(|end| end.may_have_signals)
            .map(|end| end.row.fence.job_id)
            .collect();
        if !untaken.is_empty() {
            store::signals::signals_drop(conn, &untaken).await?;
        }
        let silent: Vec<_> = ended
            .iter()
            .filter(|end| end.may_have_progress)
            .map(|end| end.row.fence.job_id)
            .collect();
        if !silent.is_empty() {
            store::progress::progress_drop(conn, &silent).await?;
        }
        for end in ended {
            if let Some((parent, payload)) = &end.tells {
                let child = JobId::from(end.row.fence.job_id);
                let name = child_signal(child);
                // A child that is undone later ends a second time: the epoch keeps the two messages apart.
                let dedupe_key = end.row.fence.epoch.to_string();
                let id = JobId::mint().as_uuid();
                store::signals::signal_insert(conn, id, *parent, &name, payload, Some(&dedupe_key))
                    .await?;
                self.after.look.push(*parent);
            }
        }
        Ok(())
    }

    async fn enqueue(&mut self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (_, groups) = self.of(|op| if let Op::Enqueue(rows) = op { Some(rows) } else { None });
        let rows: Vec<_> = groups.into_iter().flatten().cloned().collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.after.queues.extend(rows.iter().map(|row| row.queue_id));
        store::jobs::jobs_insert(conn, &rows).await
    }

    /// Keeps what came in, and makes jobs of what nobody had told before.
    async fn receive(&mut self, conn: &mut PgConnection) -> Result<(), sqlx::Error> {
        let (places, pairs) =
            self.of(|op| if let Op::Receive(pair) = op { Some(pair.as_ref()) } else { None });
        if pairs.is_empty() {
            return Ok(());
        }
        let entries: Vec<_> = pairs.iter().map(|(entry, job)| (entry, job.job_id)).collect();
        let holders = store::inbox::inbox_keep(conn, &entries).await?;
        let mut new = Vec::new();
        for ((place, (_, job)), holder) in places.into_iter().zip(pairs).zip(holders) {
            if holder == Some(job.job_id) {
                self.after.queues.insert(job.queue_id);
                new.push(job.clone());
            } else {
                self.verdicts[place] = Err(CommitError::Repeated(holder));
            }
        }
        store::jobs::jobs_insert(conn, &new).await
    }
}

/// Ends jobs, those that simply succeeded in a statement of their own.
async fn finished(
    conn: &mut PgConnection,
    rows: &[&FinishRow],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let (plain, mut others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.is_plain());
    let mut done = HashSet::new();
    if !plain.is_empty() {
        done.extend(store::leases::leases_succeed(conn, &plain).await?);
        others.extend(plain.into_iter().filter(|row| !done.contains(&row.fence.job_id)));
    }
    if !others.is_empty() {
        done.extend(store::leases::leases_finish(conn, &others).await?);
    }
    Ok(done)
}

fn split<'a>(fences: impl IntoIterator<Item = &'a Fence>) -> (Vec<Uuid>, Vec<i32>) {
    fences.into_iter().map(|fence| (fence.job_id, fence.epoch)).unzip()
}

/// The name under which a child tells its parent that it has ended.
pub(crate) fn child_signal(child: JobId) -> String {
    format!("child:{child}")
}
