//! What providers posted, as operators look at it, and a delivery applied again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    audit::{Action, record},
    look::PAGE_MAX,
    operator::Operator,
};
use crate::{
    engine::Engine,
    error::Error,
    job::{JobId, NewJob},
    sealed,
    state::State,
    store::{
        self,
        inbox::{InboxPlace, InboxWhich, KeptRow},
    },
    time::interval,
    tx::Tx,
};

/// A place in the list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxCursor {
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// Whose it is.
    pub provider: String,
    /// Its natural key.
    pub key: String,
}

/// Which deliveries; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct InboxFilter {
    /// Of this provider.
    pub provider: Option<String>,
    /// About this object.
    pub object: Option<String>,
    /// Whose job is there.
    pub state: Option<State>,
    /// After this place of the list.
    pub older_than: Option<InboxCursor>,
}

/// A delivery with what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct Kept {
    /// Whose post it is.
    pub provider: String,
    /// The same for every delivery of one event.
    pub key: String,
    /// What it is about.
    pub object: String,
    /// When it came first.
    pub received_at: DateTime<Utc>,
    /// How often it came, whichever way.
    pub deliveries: u32,
    /// What is kept of it. What is sealed shows as `sealed`.
    pub payload: Value,
    /// The job that applies it.
    pub job: Option<JobId>,
    /// Where that job stands; none when its retention is over.
    pub state: Option<State>,
}

/// So many deliveries of a provider whose jobs stand in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InboxCount {
    /// Whose.
    pub provider: String,
    /// Where the jobs stand; none when their retention is over.
    pub state: Option<State>,
    /// Events.
    pub events: i64,
    /// Deliveries of them.
    pub deliveries: i64,
}

impl Engine {
    /// What providers posted, newest first, at most [`PAGE_MAX`].
    pub async fn inbox(&self, filter: &InboxFilter, limit: usize) -> Result<Vec<Kept>, Error> {
        let older_than = filter.older_than.clone().map(|place| InboxPlace {
            received_at: place.received_at,
            provider: place.provider,
            dedupe_key: place.key,
        });
        let which = InboxWhich {
            provider: filter.provider.clone(),
            dedupe_key: None,
            object_key: filter.object.clone(),
            state: filter.state.map(|state| state.as_str().to_owned()),
            older_than,
        };
        let rows_max = i64::try_from(limit.clamp(1, PAGE_MAX)).unwrap_or(1);
        let rows =
            self.read(async |conn| store::inbox::inbox_list(conn, &which, rows_max).await).await?;
        Ok(rows.into_iter().map(kept).collect())
    }

    /// One delivery by its natural key.
    pub async fn inbox_entry(&self, provider: &str, key: &str) -> Result<Option<Kept>, Error> {
        let which = InboxWhich {
            provider: Some(provider.to_owned()),
            dedupe_key: Some(key.to_owned()),
            ..InboxWhich::default()
        };
        let rows = self.read(async |conn| store::inbox::inbox_list(conn, &which, 1).await).await?;
        Ok(rows.into_iter().next().map(kept))
    }

    /// What came within so long, counted by provider and by where its jobs stand.
    pub async fn inbox_counts(&self, within: Duration) -> Result<Vec<InboxCount>, Error> {
        let within = interval(within);
        let rows = self.read(async |conn| store::inbox::inbox_count(conn, within).await).await?;
        let count = |row: store::inbox::CountRow| InboxCount {
            provider: row.provider,
            state: row.state.and_then(|word| word.parse().ok()),
            events: row.events,
            deliveries: row.deliveries,
        };
        Ok(rows.into_iter().map(count).collect())
    }
}

impl Tx {
    /// Which of these natural keys have come already.
    pub async fn inbox_known(
        &mut self,
        provider: &str,
        keys: &[String],
    ) -> Result<Vec<String>, Error> {
        Ok(store::inbox::inbox_known(self, provider, keys).await?)
    }

    /// What is kept of a delivery, with what is sealed in it: for making its job anew.
    pub async fn inbox_payload(
        &mut self,
        provider: &str,
        key: &str,
    ) -> Result<Option<Value>, Error> {
        let which = InboxWhich {
            provider: Some(provider.to_owned()),
            dedupe_key: Some(key.to_owned()),
            ..InboxWhich::default()
        };
        let rows = store::inbox::inbox_list(self, &which, 1).await?;
        Ok(rows.into_iter().next().map(|row| row.payload))
    }

    /// Has a delivery applied again by another job. False: the last one still lives, or there is no such delivery.
    pub async fn inbox_again(
        &mut self,
        provider: &str,
        key: &str,
        job: NewJob,
        operator: &Operator,
    ) -> Result<bool, Error> {
        operator.check()?;
        let id = job.id;
        if !store::inbox::inbox_again(self, provider, key, id.as_uuid()).await? {
            return Ok(false);
        }
        self.enqueue(job).await?;
        let details = json!({ "provider": provider, "key": key });
        record(self, operator, Action::WebhookReplayed, id, &details).await?;
        Ok(true)
    }
}

fn kept(row: KeptRow) -> Kept {
    Kept {
        provider: row.provider,
        key: row.dedupe_key,
        object: row.object_key,
        received_at: row.received_at,
        deliveries: row.deliveries.unsigned_abs(),
        payload: sealed::redact(&row.payload),
        job: row.job_id.map(JobId::from),
        state: row.state.and_then(|word| word.parse().ok()),
    }
}
