//! A new job that is like a finished one.

use crate::{
    error::{Error, Refusal},
    job::{Enqueued, Hold, JobId, NewJob, Retention, Unique},
    store::dead::OriginRow,
    tx::Tx,
};

/// Enqueues a job with the same kind, queue, arguments, tenant, priority and gates. Its unique key is taken again while
/// the job is live, unless the old job holds it beyond its own end.
pub(super) async fn enqueue_like(
    tx: &mut Tx,
    origin: JobId,
    row: OriginRow,
) -> Result<JobId, Error> {
    let unique = row.unique_key.clone().map(|key| Unique { key, hold: Hold::WhileLive });
    let job = NewJob { unique, ..like(row) };
    match tx.enqueue(job.clone()).await? {
        Enqueued::New(id) => Ok(id),
        Enqueued::Duplicate(holder) if holder == origin => {
            Ok(tx.enqueue(NewJob { unique: None, ..job }).await?.id())
        }
        Enqueued::Duplicate(holder) => Err(Refusal::KeyTaken { by: holder }.into()),
    }
}

/// The same work under a new id, with no key.
pub(super) fn like(row: OriginRow) -> NewJob {
    NewJob {
        priority: row.priority,
        retention: Retention::from_code(row.retention),
        tenant: row.tenant_id,
        // Gates that cannot be read were written by another version: the kind's own count then.
        gates: row.gates.and_then(|gates| serde_json::from_value(gates).ok()),
        ..NewJob::of_kind(&row.kind, &row.queue, row.args)
    }
}
