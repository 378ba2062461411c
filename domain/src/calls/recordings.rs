//! What was recorded of a call. Only what is about it is kept, never the sound.

use chrono::{DateTime, Utc};

use super::{Applied, lock};
use crate::{Conn, Error, error::During, word::words};

words! {
    /// A recording's status, in Twilio's words ("Recording resource", Status).
    pub enum RecordingStatus ("recording status") {
        /// It is being recorded.
        InProgress = "in-progress",
        /// Held for a while.
        Paused = "paused",
        /// Nothing more is recorded.
        Stopped = "stopped",
        /// Being made ready.
        Processing = "processing",
        /// It can be had.
        Completed = "completed",
        /// There was nothing to record.
        Absent = "absent",
        /// It came to nothing.
        Failed = "failed",
        /// It was there.
        Deleted = "deleted",
    }
}

impl RecordingStatus {
    /// Its place in the order of news; only a higher one moves a recording.
    pub fn rank(self) -> i16 {
        match self {
            Self::InProgress | Self::Paused => 0,
            Self::Stopped => 1,
            Self::Processing => 2,
            Self::Completed | Self::Absent | Self::Failed => 3,
            Self::Deleted => 4,
        }
    }
}

/// What the provider says of a recording.
#[derive(Debug, Clone)]
pub struct News<'a> {
    /// The provider's name for it.
    pub sid: &'a str,
    /// Of which call.
    pub call_sid: &'a str,
    /// Where it stands.
    pub status: RecordingStatus,
    /// How long it is.
    pub duration_secs: Option<i32>,
    /// 1: both sides on one track; 2: a track for each.
    pub channels: Option<i16>,
    /// When it began.
    pub started_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub error_code: Option<i32>,
}

/// Applies news of a recording, forward only. Its tenant is that of the call, now or when there is news of that.
pub async fn apply(conn: &mut Conn, news: &News<'_>) -> Result<Applied, Error> {
    lock(conn, news.call_sid).await?;
    let done = sqlx::query!(
        "insert into product.call_recordings as r
             (recording_sid, call_sid, tenant_id, status, rank, duration_secs, channels, started_at, error_code)
         values ($1, $2, (select tenant_id from product.calls where call_sid = $2), $3, $4, $5, $6, $7, $8)
         on conflict (recording_sid) do update
         set status = case when excluded.rank > r.rank then excluded.status else r.status end,
             rank = greatest(r.rank, excluded.rank),
             duration_secs = coalesce(r.duration_secs, excluded.duration_secs),
             channels = coalesce(r.channels, excluded.channels),
             started_at = coalesce(r.started_at, excluded.started_at),
             error_code = coalesce(r.error_code, excluded.error_code),
             updated_at = trunkline.now()
         where excluded.rank > r.rank or r.duration_secs is null and excluded.duration_secs is not null",
        news.sid,
        news.call_sid,
        news.status.as_str(),
        news.status.rank(),
        news.duration_secs,
        news.channels,
        news.started_at,
        news.error_code,
    )
    .execute(conn)
    .await
    .during("recording: apply")?;
    Ok(if done.rows_affected() == 1 { Applied::Yes } else { Applied::Late })
}

/// Recordings that were there before their call get its tenant.
pub(super) async fn adopt(conn: &mut Conn, call_sid: &str) -> Result<(), Error> {
    sqlx::query!(
        "update product.call_recordings r set tenant_id = c.tenant_id
         from product.calls c
         where r.call_sid = $1 and c.call_sid = $1 and r.tenant_id is null and c.tenant_id is not null",
        call_sid
    )
    .execute(conn)
    .await
    .during("recording: adopt")?;
    Ok(())
}
