//! Dead letters: jobs that failed. Kept, counted, and tried again when somebody has seen to the cause.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::look::PAGE_MAX;
use crate::{Connection, engine::Engine, error::Error, job::JobId, store};

/// Which dead letters to list.
#[derive(Debug, Clone, Default)]
pub struct DeadFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// Only those that took back what they did, or only those that did not.
    pub undone: Option<bool>,
    /// Made before this one: the last of the page before.
    pub older_than: Option<JobId>,
}

/// A job that failed.
#[derive(Debug, Clone, Serialize)]
pub struct DeadLetter {
    /// Which.
    pub id: JobId,
    /// Which workflow.
    pub kind: String,
    /// Where it waited.
    pub queue: String,
    /// Whose work it is.
    pub tenant_id: Option<Uuid>,
    /// Failed tries of the whole body.
    pub attempt: i16,
    /// Whether what it did was taken back: then it can be tried again from scratch only.
    pub undone: bool,
    /// What went wrong.
    pub error: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it failed.
    pub finished_at: DateTime<Utc>,
}

/// How many jobs of a kind failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadCount {
    /// Which workflow.
    pub kind: String,
    /// Whether what they did was taken back.
    pub undone: bool,
    /// How many.
    pub jobs: i64,
}

/// Dead letters of one kind that say the same, but for what differs each time.
#[derive(Debug, Clone, Serialize)]
pub struct DeadGroup {
    /// Which workflow.
    pub kind: String,
    /// What they say; a word with a digit in it is `#`. Empty where nothing was kept.
    pub error: String,
    /// Whether what they did was taken back.
    pub undone: bool,
    /// How many of those that were looked at.
    pub jobs: i64,
    /// When the first of them failed.
    pub first_at: DateTime<Utc>,
    /// When the last did.
    pub last_at: DateTime<Utc>,
    /// The one that was made last.
    pub newest: JobId,
}

/// Dead letters that are looked at to group them: some dozen milliseconds.
pub const GROUPED_MAX: i64 = 1_000;

/// Groups that are shown. Who has more of them has another problem.
const GROUPS_MAX: i64 = 100;

impl Engine {
    /// The newest [`GROUPED_MAX`] dead letters in groups, the largest first.
    pub async fn dead_groups(&self) -> Result<Vec<DeadGroup>, Error> {
        let look = async |conn: &mut Connection| {
            store::alike::dead_alike(conn, GROUPED_MAX, GROUPS_MAX).await
        };
        let group = |row: store::alike::AlikeRow| DeadGroup {
            kind: row.kind,
            error: row.error,
            undone: row.undone,
            jobs: row.jobs,
            first_at: row.first_at,
            last_at: row.last_at,
            newest: row.newest.into(),
        };
        Ok(self.read(look).await?.into_iter().map(group).collect())
    }

    /// Jobs that failed, newest first. At most [`PAGE_MAX`], and one more that tells whether there is another page.
    pub async fn dead_letters(
        &self,
        filter: &DeadFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, Error> {
        let rows_max = i64::try_from(limit.clamp(1, PAGE_MAX + 1)).unwrap_or(1);
        let (kind, undone) = (filter.kind.as_deref(), filter.undone);
        let older_than = filter.older_than.map(JobId::as_uuid);
        let rows = self
            .read(async |conn| {
                store::dead::dead_list(conn, kind, undone, older_than, rows_max).await
            })
            .await?;
        let letters = rows.into_iter().map(|row| DeadLetter {
            id: row.job_id.into(),
            kind: row.kind,
            queue: row.queue,
            tenant_id: row.tenant_id,
            attempt: row.attempt,
            undone: row.undone,
            error: row.error,
            created_at: row.created_at,
            finished_at: row.finished_at,
        });
        Ok(letters.collect())
    }

    /// How many jobs failed, by kind. Reads dead letters only, however many jobs have ended well.
    pub async fn dead_letter_count(&self) -> Result<Vec<DeadCount>, Error> {
        let rows = self.read(async |conn| store::dead::dead_count(conn).await).await?;
        let counts = rows.into_iter().map(|row| DeadCount {
            kind: row.kind,
            undone: row.undone,
            jobs: row.jobs,
        });
        Ok(counts.collect())
    }
}
