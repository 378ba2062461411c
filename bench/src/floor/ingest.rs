//! Webhooks coming in: a row in `inbox`, one in `jobs` and one in `ready`.

use serde_json::json;
use sqlx::PgConnection;

use super::{Ids, id};

const ONE: &str = "
    with kept as (
        insert into trunkline.inbox as i (provider, dedupe_key, object_key, payload, job_id)
        values ('twilio', $5, $6, $4, $1)
        on conflict (provider, dedupe_key) do update set deliveries = i.deliveries + 1
        returning job_id
    ), added as (
        insert into trunkline.jobs (job_id, retention, kind_id, queue_id, priority, args)
        select job_id, 0, $2, $3, 0, $4 from kept returning job_id
    )
    insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
    select job_id, 0, $3, $2, 0, 0, 0, 0, 0 from added";

/// Keeps so many, a commit each.
pub(crate) async fn keep(conn: &mut PgConnection, ids: Ids, count: usize) -> anyhow::Result<()> {
    for _ in 0..count {
        let job = id();
        let sid = format!("SM{}", job.simple());
        let payload = json!({
            "event": "message_status", "message": null, "sid": sid, "status": "delivered", "error_code": null,
        });
        sqlx::query(ONE)
            .bind(job)
            .bind(ids.kind_id)
            .bind(ids.queue_id)
            .bind(payload)
            .bind(format!("{sid}:delivered"))
            .bind(sid)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}
