//! What is asked once and must be the same after a crash.

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use super::{Context, step::encoded};
use crate::{failure::Failure, workflow::App};

impl<A: App> Context<'_, A> {
    /// The database's time when the run first came here.
    pub async fn now(&self) -> Result<DateTime<Utc>, Failure> {
        let now = self.clock();
        self.recorded("record:now", now).await
    }

    /// A number drawn when the run first came here.
    pub async fn random(&self) -> Result<u64, Failure> {
        self.recorded("record:random", rand::random()).await
    }

    /// A random id drawn when the run first came here.
    pub async fn uuid(&self) -> Result<Uuid, Failure> {
        self.recorded("record:uuid", uuid::Builder::from_random_bytes(rand::random()).into_uuid())
            .await
    }

    async fn recorded<T>(&self, name: &str, value: T) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
    {
        let key = self.claim_key(name)?;
        if let Some(stored) = self.remembered(&key, "record").await {
            return self.decoded(&stored).await;
        }
        self.boundary().await;
        self.keep(key, "record", encoded(&value)?, None).await?;
        Ok(value)
    }
}
