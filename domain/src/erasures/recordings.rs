//! Recordings, which a provider keeps: they are deleted there, one by one, and noted here.

use serde::{Deserialize, Serialize};

use super::Whom;
use crate::{Conn, Error, error::During};

/// Recordings that a provider may still have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The provider's names for them, in their order.
    pub sids: Vec<String>,
}

/// Recordings of somebody's calls, after one of them in the order of their names; of calls that are over.
pub async fn kept(
    conn: &mut Conn,
    whom: Whom<'_>,
    after: &str,
    rows_max: i64,
) -> Result<Kept, Error> {
    let sids = sqlx::query_scalar!(
        "select r.recording_sid from product.call_recordings r join product.calls c using (call_sid)
         where ($1::uuid is null or r.tenant_id = $1) and ($2::text is null or c.from_phone = $2 or c.to_phone = $2)
           and r.status not in ('deleted', 'absent') and c.ended_at is not null and r.recording_sid > $3
         order by r.recording_sid limit $4",
        whom.tenant(),
        whom.phone(),
        after,
        rows_max,
    )
    .fetch_all(conn)
    .await
    .during("erasure: recordings")?;
    Ok(Kept { sids })
}

/// The provider has them no more.
pub async fn mark_gone(conn: &mut Conn, sids: &[String]) -> Result<u64, Error> {
    let done = sqlx::query!(
        "update product.call_recordings
         set status = 'deleted', rank = product.recording_rank('deleted'), updated_at = trunkline.now()
         where recording_sid = any ($1) and status <> 'deleted'",
        sids,
    )
    .execute(conn)
    .await
    .during("erasure: recordings gone")?;
    Ok(done.rows_affected())
}
