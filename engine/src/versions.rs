//! Whether a thing is still what somebody has looked at: a version that is another one as soon as anybody has changed it.
//! What changes by itself, such as ages, counts and how far a run is, has no part in it.

use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    Connection,
    engine::Engine,
    error::Error,
    job::JobId,
    store::{self, versions},
    tx::Tx,
};

/// Bytes of a version: two of one thing that meet by chance are not to be expected in the age of the universe.
const BYTES: usize = 16;

/// Another one where the parts of a version become others, so that one of before is not taken for one of after.
const FORM: &[u8] = b"1\n";

/// A thing that operators change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing<'a> {
    /// A queue, by its name.
    Queue(&'a str),
    /// A schedule, by its name.
    Schedule(&'a str),
    /// A worker, by its number.
    Worker(i32),
    /// An operation on many jobs.
    Operation(JobId),
    /// A job.
    Job(JobId),
}

/// What a thing is, in a few bytes. Shows as hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version([u8; BYTES]);

impl Version {
    /// The version of what has these parts. Equal parts have equal versions.
    pub fn of(noun: &str, parts: &Value) -> Version {
        let mut digest = Sha256::new().chain_update(FORM).chain_update(noun).chain_update([0]);
        digest.update(parts.to_string());
        let digest: [u8; 32] = digest.finalize().into();
        let mut bytes = [0; BYTES];
        bytes.copy_from_slice(&digest[..BYTES]);
        Version(bytes)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Engine {
    /// The version of a thing now; `None`: it is not there. Ask before the thing itself: whoever changes it in between then
    /// makes the version too old, and not the thing.
    pub async fn version(&self, thing: Thing<'_>) -> Result<Option<Version>, Error> {
        self.read(async |conn| read(conn, thing).await).await
    }
}

impl Tx {
    /// Locks a thing until the transaction ends, against everybody else who decides about it, and says its version; `None`:
    /// it is not there. What a worker does with its own jobs goes on.
    pub async fn hold(&mut self, thing: Thing<'_>) -> Result<Option<Version>, Error> {
        match thing {
            Thing::Queue(name) => versions::queue_hold(self, name).await?,
            Thing::Schedule(name) => {
                store::schedules::schedule_get(self, name).await?;
            }
            Thing::Worker(id) => versions::worker_hold(self, id).await?,
            Thing::Operation(id) => {
                store::operations::operation_lock(self, id.as_uuid()).await?;
            }
            Thing::Job(id) => versions::job_hold(self, id.as_uuid()).await?,
        }
        // A statement of its own: it sees what was committed while the lock was waited for.
        Ok(read(self, thing).await?)
    }
}

async fn read(conn: &mut Connection, thing: Thing<'_>) -> Result<Option<Version>, sqlx::Error> {
    let (noun, parts) = match thing {
        Thing::Queue(name) => ("queue", versions::queue_version(conn, name).await?),
        Thing::Schedule(name) => ("schedule", versions::schedule_version(conn, name).await?),
        Thing::Worker(id) => ("worker", versions::worker_version(conn, id).await?),
        Thing::Operation(id) => {
            ("operation", versions::operation_version(conn, id.as_uuid()).await?)
        }
        Thing::Job(id) => ("job", versions::job_version(conn, id.as_uuid()).await?),
    };
    Ok(parts.map(|parts| Version::of(noun, &parts)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_parts_have_equal_versions_and_others_have_others() {
        let one = Version::of("queue", &json!(["a", 1, null]));
        assert_eq!(one, Version::of("queue", &json!(["a", 1, null])));
        assert_ne!(one, Version::of("queue", &json!(["a", 2, null])));
        assert_ne!(one, Version::of("worker", &json!(["a", 1, null])));
        assert_eq!(one.to_string().len(), 2 * BYTES);
    }
}
