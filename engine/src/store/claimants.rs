//! Who has a job, for those who want to reach or replace them.

use sqlx::PgConnection;
use uuid::Uuid;

/// Who has a job, as far as its worker still lives.
#[derive(Debug)]
pub(crate) struct ClaimantRow {
    pub(crate) epoch: i32,
    pub(crate) claimed_at: chrono::DateTime<chrono::Utc>,
    pub(crate) address: Option<String>,
    pub(crate) draining: bool,
}

/// Who has this job. `None`: nobody, or a worker that has gone silent.
pub(crate) async fn claimant_get(
    conn: &mut PgConnection,
    job_id: Uuid,
) -> Result<Option<ClaimantRow>, sqlx::Error> {
    sqlx::query_as!(
        ClaimantRow,
        "select l.epoch, l.claimed_at, w.address, w.draining
         from trunkline.leases l
         join trunkline.workers w on w.worker_id = l.worker_id and w.expires_at > trunkline.now()
         where l.job_id = $1",
        job_id,
    )
    .fetch_optional(conn)
    .await
}

/// The queue of a job that is held under this claim.
pub(crate) async fn claimant_queue(
    conn: &mut PgConnection,
    job_id: Uuid,
    epoch: i32,
) -> Result<Option<i16>, sqlx::Error> {
    sqlx::query_scalar!(
        "select queue_id from trunkline.leases where job_id = $1 and epoch = $2",
        job_id,
        epoch,
    )
    .fetch_optional(conn)
    .await
}
