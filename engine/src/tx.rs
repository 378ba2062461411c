//! A transaction of a caller's own: product records, jobs, signals and inbox rows that commit together.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{
    engine::Engine,
    error::Error,
    job::{Deed, Enqueued, Hold, JobId, NewJob},
    json,
    sealed::Sealed,
    store::{self, db::CALL_TIMEOUT},
    trace,
    wakeups::Wake,
};

/// A signal's payload above this belongs in a table of its own.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 256 * 1024;

/// Jobs inserted by one statement: beyond it a longer one is no faster, and holds its locks longer.
const ENQUEUE_ROWS_MAX: usize = 1000;

/// Jobs worth the five round trips of a COPY.
const COPY_ROWS_MIN: usize = 100;

/// An open transaction. Dereferences to the connection, for the functions of the product's own records.
/// Dropped without [`Tx::commit`], nothing of it has happened.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    engine: Engine,
    wake: Wake,
}

impl Tx {
    pub(crate) fn new(inner: Transaction<'static, Postgres>, engine: Engine) -> Tx {
        Tx { inner, engine, wake: Wake::default() }
    }

    /// Has the server stop statements of this transaction that take longer.
    pub async fn statements_within(&mut self, limit: Duration) -> Result<(), Error> {
        Ok(store::clock::statements_limit(&mut self.inner, limit).await?)
    }

    /// Enqueues a job that exists if and only if this transaction commits.
    pub async fn enqueue(&mut self, job: NewJob) -> Result<Enqueued, Error> {
        let mut row = self.engine.row_of(&job)?;
        let sending = trace::send(&job, &mut row);
        if let Some(unique) = &job.unique {
            let (hold, for_ever) = match unique.hold {
                Hold::WhileLive => (None, false),
                Hold::For(time) => (Some(crate::time::interval(time)), false),
                Hold::ForEver => (None, true),
            };
            let holder = store::uniques::unique_take(
                &mut self.inner,
                &unique.key,
                row.job_id,
                hold,
                for_ever,
            )
            .await?;
            if let Some(first) = holder {
                crate::metrics::deduplicated(&job.queue);
                sending.found(first.into());
                return Ok(Enqueued::Duplicate(first.into()));
            }
        }
        self.wake.queue(row.queue_id);
        let retention = row.retention;
        store::jobs::jobs_insert(&mut self.inner, &[row]).await?;
        if let Some(Deed { name, input, output }) = &job.deed {
            let id = job.id.as_uuid();
            store::effects::effect_born(&mut self.inner, id, retention, name, input, output)
                .await?;
        }
        Ok(Enqueued::New(job.id))
    }

    /// Enqueues many jobs at once, a thousand in a statement; all of them exist if and only if this transaction commits.
    /// Jobs with unique keys or deeds go through [`Tx::enqueue`] one by one.
    pub async fn enqueue_all(&mut self, jobs: Vec<NewJob>) -> Result<(), Error> {
        let (plain, special): (Vec<_>, Vec<_>) =
            jobs.into_iter().partition(|job| job.unique.is_none() && job.deed.is_none());
        for jobs in plain.chunks(ENQUEUE_ROWS_MAX) {
            let mut rows =
                jobs.iter().map(|job| self.engine.row_of(job)).collect::<Result<Vec<_>, _>>()?;
            let _sending = trace::send_all(jobs, &mut rows);
            for row in &rows {
                self.wake.queue(row.queue_id);
            }
            let copied = rows.len() >= COPY_ROWS_MIN
                && store::bulk::jobs_copy(&mut self.inner, &rows).await?;
            if !copied {
                store::jobs::jobs_insert(&mut self.inner, &rows).await?;
            }
        }
        for job in special {
            self.enqueue(job).await?;
        }
        Ok(())
    }

    /// Sends a signal to a job. Kept until the job takes it; a repeat with the same `dedupe_key` changes nothing.
    pub async fn signal<T: Serialize + Sync>(
        &mut self,
        job: JobId,
        name: &str,
        payload: &T,
        dedupe_key: Option<&str>,
    ) -> Result<(), Error> {
        let payload = serde_json::to_value(payload).map_err(Error::Encode)?;
        json::check(&payload, PAYLOAD_BYTES_MAX).map_err(Error::BadJson)?;
        let id = JobId::mint().as_uuid();
        store::signals::signal_insert(
            &mut self.inner,
            id,
            job.as_uuid(),
            name,
            &payload,
            dedupe_key,
        )
        .await?;
        if dedupe_key.is_some() {
            store::signals::signal_withdraw_repeat(&mut self.inner, id).await?;
        }
        self.wake.job(job.as_uuid());
        Ok(())
    }

    /// What time it is, by the clock that decides: the database's.
    pub async fn now(&mut self) -> Result<chrono::DateTime<chrono::Utc>, Error> {
        Ok(store::clock::now(&mut self.inner).await?)
    }

    /// Encrypts a value, so that it can be stored.
    pub fn seal<T: Serialize>(&self, value: &T) -> Result<Sealed<T>, Error> {
        self.engine.sealer().seal(value).map_err(Error::Seal)
    }

    /// Decrypts a stored value.
    pub fn open<T: DeserializeOwned>(&self, sealed: &Sealed<T>) -> Result<T, Error> {
        self.engine.sealer().open(sealed).map_err(Error::Open)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn wake_mut(&mut self) -> &mut Wake {
        &mut self.wake
    }

    /// Commits, then wakes whoever waits for what was written.
    pub async fn commit(self) -> Result<(), Error> {
        let Tx { inner, engine, wake } = self;
        match tokio::time::timeout(CALL_TIMEOUT, inner.commit()).await {
            Ok(committed) => committed?,
            Err(_) => return Err(Error::TimedOut),
        }
        engine.wake(wake);
        Ok(())
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}
