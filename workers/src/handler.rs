//! The one handler of all kinds: an attempt of a job. It runs in a task of its own, because apalis drives all handlers of
//! a worker in one task, and one that computes (hashing a password) would hold up the others.

use std::sync::Arc;

use apalis_core::{error::BoxDynError, task::data::Data};
use engine::{App, Ending, LeasedJob, Pool};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

/// Runs a job once. A panic is this attempt's failure; dropping the future ends the attempt.
pub(crate) async fn attempt<A: App>(
    job: LeasedJob,
    pool: Data<Arc<Pool<A>>>,
) -> Result<Ending, BoxDynError> {
    let pool = Arc::clone(&pool);
    let span = tracing::info_span!(
        "attempt",
        job.id = %job.id(),
        job.kind = job.kind(),
        job.attempt = job.attempt(),
        job.epoch = job.epoch(),
        // The request that asked for it: a link, since the two need not overlap in time.
        traceparent = job.traceparent(),
    );
    let work = tokio::spawn(async move { pool.attempt(&job).await }.instrument(span));
    Ok(AbortOnDropHandle::new(work).await?)
}
