//! What providers posted: kept once, however often it is delivered, with the job that is made of it.

use serde_json::Value;

use crate::{
    committer::{CommitError, Op},
    engine::Engine,
    error::Error,
    job::{JobId, NewJob},
    json, store,
    tx::{PAYLOAD_BYTES_MAX, Tx},
};

/// Whether a webhook was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The first time; the job given with it is enqueued.
    First,
    /// A repeat; the first one's job, where it made one.
    Repeat(Option<JobId>),
}

/// What a provider posted, and under which names it is kept.
#[derive(Debug, Clone)]
pub struct InboxEntry {
    /// Whose post it is.
    pub provider: &'static str,
    /// The same for every delivery of one event.
    pub dedupe_key: String,
    /// What the event is about (a message, a call): events of one object are handled in order.
    pub object_key: String,
    /// What came. Must not hold what may not be kept in the clear.
    pub payload: Value,
}

impl InboxEntry {
    fn check(&self) -> Result<(), Error> {
        json::check(&self.payload, PAYLOAD_BYTES_MAX).map(drop).map_err(Error::BadJson)
    }
}

impl Tx {
    /// Keeps a webhook and enqueues its job, both once, however often it is delivered.
    pub async fn receive(&mut self, entry: &InboxEntry, job: NewJob) -> Result<Delivery, Error> {
        entry.check()?;
        let id = job.id.as_uuid();
        let holders = store::inbox::inbox_keep(self, &[(entry, id)]).await?;
        let holder = holders.into_iter().next().flatten();
        if holder != Some(id) {
            return Ok(Delivery::Repeat(holder.map(JobId::from)));
        }
        self.enqueue(job).await?;
        Ok(Delivery::First)
    }
}

impl Engine {
    /// Keeps a webhook and enqueues its job, both once, where nothing else is to commit with them: webhooks that come at the
    /// same time share a commit. Acknowledged means committed.
    pub async fn receive(&self, entry: InboxEntry, job: NewJob) -> Result<Delivery, Error> {
        if job.unique.is_some() || job.deed.is_some() {
            let mut tx = self.begin().await?;
            let delivery = tx.receive(&entry, job).await?;
            tx.commit().await?;
            return Ok(delivery);
        }
        entry.check()?;
        let mut row = self.row_of(&job)?;
        let _sending = crate::trace::send(&job, &mut row);
        match self.committer().commit(Op::Receive(Box::new((entry, row)))).await {
            Ok(()) => Ok(Delivery::First),
            Err(CommitError::Repeated(first)) => Ok(Delivery::Repeat(first.map(JobId::from))),
            Err(error) => Err(error.into()),
        }
    }
}
