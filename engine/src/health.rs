//! What somebody on call asks of the database in one look: how the server is, what has failed, what waits for a person,
//! which scopes are left alone, and how far the record of operators' deeds is chained.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    Connection,
    depths::DEPTH_MAX,
    engine::Engine,
    error::Error,
    gate::{Breaker, breaker_gate},
    store::{self, health::HealthRow, workers::SeenWorker},
    workers::{LIST_MAX, WorkerView},
};

/// One look.
#[derive(Debug, Clone)]
pub struct Health {
    /// The database's server.
    pub server: Server,
    /// Jobs that failed and are kept; at most [`DEPTH_MAX`] are counted.
    pub dead: u32,
    /// Of these, how many were made in the last 24 hours.
    pub dead_of_day: u32,
    /// Runs that wait for a person, by [`crate::Cause`]; at most [`DEPTH_MAX`] are counted.
    pub parked: BTreeMap<String, u32>,
    /// The breakers that were asked for, in that order.
    pub breakers: Vec<BreakerView>,
    /// How far the record of what operators did is chained.
    pub chain: ChainEnd,
    /// All workers, as [`Engine::workers`] has them.
    pub workers: Vec<WorkerView>,
}

/// The database's server, as it says itself.
#[derive(Debug, Clone, Serialize)]
pub struct Server {
    /// Its version: `17.2`.
    pub version: String,
    /// Whether it follows another one. Such a server takes no writes.
    pub in_recovery: bool,
    /// Servers that follow it.
    pub replicas: u32,
    /// Connections of clients, ours and others', in all databases.
    pub connections: u32,
    /// How many there may be; some of them are kept for superusers.
    pub connections_max: u32,
    /// Whose snapshot is the oldest, if any is held.
    pub oldest_transaction: Option<Oldest>,
}

/// Whose snapshot is the oldest: what was deleted since stays where it is.
#[derive(Debug, Clone, Serialize)]
pub struct Oldest {
    /// `session`, `prepared transaction` or `replication slot`.
    pub kind: String,
    /// The server's process.
    pub pid: Option<i32>,
    /// The application's name, the transaction's or the slot's.
    pub name: String,
    /// `active`, `idle in transaction`; none where we may not see it.
    pub state: Option<String>,
    /// For how long, in seconds; none where we may not see when it began.
    pub held_secs: Option<f64>,
}

/// How a breaker stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakerView {
    /// Of which scope: a provider, as a rule.
    pub scope: String,
    /// `closed`, `open`, `half-open`, `coming back`.
    pub phase: &'static str,
    /// When that changes by itself.
    pub until: Option<DateTime<Utc>>,
}

/// How far a record is chained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChainEnd {
    /// The last link; none: there is no row yet.
    pub link: Option<i64>,
    /// When it was made.
    pub chained_at: Option<DateTime<Utc>>,
    /// Rows that wait for their link, counted up to [`DEPTH_MAX`].
    pub waiting: u32,
}

impl Engine {
    /// How the database is and what waits for a person, with the breakers of these scopes: one statement, bounded.
    pub async fn health(&self, scopes: &[&str]) -> Result<Health, Error> {
        let ids: Vec<_> = scopes.iter().map(|scope| breaker_gate(scope)).collect();
        let look = async |conn: &mut Connection| {
            store::health::health(conn, &ids, i64::from(DEPTH_MAX), LIST_MAX).await
        };
        Ok(health(self.read(look).await?, scopes))
    }

    /// How long the database takes to answer the smallest question.
    pub async fn latency(&self) -> Result<Duration, Error> {
        let ask = async |conn: &mut Connection| {
            let began = Instant::now();
            store::clock::now(conn).await?;
            Ok(began.elapsed())
        };
        self.read(ask).await
    }
}

fn health(row: HealthRow, scopes: &[&str]) -> Health {
    let count = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let parked = row.parked.as_ref().and_then(serde_json::Value::as_object);
    let parked = parked.into_iter().flatten();
    let parked = parked.map(|(cause, runs)| (cause.clone(), count(runs.as_i64().unwrap_or(0))));
    let breaker = |scope: &&str| {
        let found = row.breakers.as_ref().map(|all| &all[breaker_gate(scope).to_string()]);
        let found = found.and_then(|it| serde_json::from_value::<Breaker>(it.clone()).ok());
        let (phase, until) =
            found.and_then(|breaker| breaker.says(row.now)).unwrap_or(("closed", None));
        BreakerView { scope: (*scope).to_owned(), phase, until }
    };
    let seen = row.workers.as_ref().and_then(serde_json::Value::as_array);
    let seen = seen.into_iter().flatten();
    let seen = seen.filter_map(|worker| SeenWorker::deserialize(worker).ok());
    Health {
        workers: seen.map(WorkerView::from).collect(),
        breakers: scopes.iter().map(breaker).collect(),
        parked: parked.collect(),
        dead: count(row.dead),
        dead_of_day: count(row.dead_of_day),
        chain: ChainEnd {
            link: row.link,
            chained_at: row.chained_at,
            waiting: count(row.unchained),
        },
        server: Server {
            version: row.server_version,
            in_recovery: row.in_recovery,
            replicas: count(row.replicas),
            connections: count(row.connections),
            connections_max: row.connections_max.unsigned_abs(),
            oldest_transaction: row.holder.map(|kind| Oldest {
                kind,
                pid: row.holder_pid,
                name: row.holder_name.unwrap_or_default(),
                state: row.holder_state,
                held_secs: row.held_secs,
            }),
        },
    }
}
