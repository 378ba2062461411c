//! The peer's tables, seen from outside, on a connection that no peer knows of.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio_postgres::{Client, NoTls};

/// How often the end of a backlog is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// A backlog that is not gone by then will not go.
const PATIENCE: Duration = Duration::from_mins(3);

pub(crate) struct Watch(Client);

impl Watch {
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Watch> {
        let (client, connection) =
            tokio_postgres::connect(url, NoTls).await.context("no server")?;
        // An end of the connection shows in the next statement.
        drop(tokio::spawn(connection));
        Ok(Watch(client))
    }

    /// Bytes of write-ahead log since the server was made.
    pub(crate) async fn wal_bytes(&self) -> anyhow::Result<f64> {
        let sql = "select (pg_current_wal_insert_lsn() - '0/0')::float8";
        Ok(self.0.query_one(sql, &[]).await?.get(0))
    }

    /// What a database that has lived for a while knows of its tables.
    pub(crate) async fn analyze(&self) -> anyhow::Result<()> {
        Ok(self.0.batch_execute("analyze").await?)
    }

    pub(crate) async fn is_true(&self, sql: &str) -> anyhow::Result<bool> {
        Ok(self.0.query_one(sql, &[]).await?.get(0))
    }

    /// Waits until it is not true any more, and says when that was seen.
    pub(crate) async fn no_longer(&self, sql: &str) -> anyhow::Result<Instant> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if !self.is_true(sql).await? {
                return Ok(Instant::now());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        bail!("after {} s there are still jobs", PATIENCE.as_secs())
    }
}
