//! Who has passed which gate. Given out under the gate's lock; taken back by the statement that ends or suspends the job.

use sqlx::PgConnection;
use uuid::Uuid;

/// What is out of a gate.
#[derive(Debug)]
pub(crate) struct PermitsOut {
    pub(crate) gate_id: Uuid,
    pub(crate) running: i64,
    pub(crate) canaries: i64,
    pub(crate) has: Vec<Uuid>,
}

/// Counts the permits of locked gates, and says which of these jobs have one.
pub(crate) async fn permits_out(
    conn: &mut PgConnection,
    gate_ids: &[Uuid],
    job_ids: &[Uuid],
) -> Result<Vec<PermitsOut>, sqlx::Error> {
    sqlx::query_as!(
        PermitsOut,
        r#"select gate_id, count(*) filter (where granted_at is not null) as "running!",
                  count(*) filter (where form = 'canary') as "canaries!",
                  coalesce(array_agg(job_id) filter (where granted_at is not null and job_id = any ($2)), '{}') as "has!"
           from trunkline.permits where gate_id = any ($1) group by gate_id"#,
        gate_ids,
        job_ids,
    )
    .fetch_all(conn)
    .await
}
