//! How the database is: who keeps deleted rows from being cleared away, how many there are, how far ahead pieces of the
//! history are made. Each number is about the database, so the same whoever reads it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde::Serialize;

use crate::{
    engine::Engine,
    error::Error,
    store::{self, vitals::VitalsRow},
};

/// However often it is asked for, a process reads it no more often than this.
const FRESH_FOR: Duration = Duration::from_secs(5);

/// A transaction that is open for longer slows claiming down.
pub const HELD_LONG: Duration = Duration::from_mins(1);

/// How the database is.
#[derive(Debug, Clone, Serialize)]
pub struct Vitals {
    /// When it was read, by the database's clock.
    pub taken_at: DateTime<Utc>,
    /// Who has had the oldest snapshot open, at that moment.
    pub oldest: Option<Holder>,
    /// Deleted rows that still lie in the hot tables, by table. The database's own estimate.
    pub dead_rows: BTreeMap<String, u64>,
    /// For how long pieces of the history are made ahead, in seconds, by class. Below zero: rows go to the DEFAULT ones.
    pub partitions_ahead_secs: BTreeMap<String, f64>,
    /// Rows in DEFAULT partitions, each counted up to a thousand. They are never dropped; there should be none.
    pub default_rows: u64,
    /// The share of the queue of notifications that is in use, 0 to 1.
    pub notify_queue_used: f64,
    /// Transactions since the database was last frozen; it stops at two thousand million.
    pub transaction_age: u64,
}

/// Who keeps deleted rows from being cleared away.
#[derive(Debug, Clone, Serialize)]
pub struct Holder {
    /// `session`, `prepared transaction` or `replication slot`.
    pub kind: String,
    /// The server's process.
    pub pid: Option<i32>,
    /// What it calls itself: the application's name, the transaction's or the slot's.
    pub name: String,
    /// `active`, `idle in transaction`; none where we may not see it (a session of another role).
    pub state: Option<String>,
    /// For how long; where we may not see when it began, since this process saw it first.
    pub held_secs: f64,
}

/// What a process remembers of its looks.
#[derive(Debug, Default)]
pub(crate) struct Chart(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    last: Option<(Instant, Vitals)>,
    held: Option<Held>,
}

/// The oldest snapshot, and when it was seen first.
#[derive(Debug)]
struct Held {
    pid: Option<i32>,
    xid: Option<String>,
    since: Instant,
}

impl Chart {
    fn fresh(&self) -> Option<Vitals> {
        let inner = self.0.lock();
        let (read, vitals) = inner.last.as_ref()?;
        (read.elapsed() < FRESH_FOR).then(|| vitals.clone())
    }

    fn keep(&self, row: VitalsRow) -> Vitals {
        let mut inner = self.0.lock();
        let (pid, xid) = (row.holder_pid, row.holder_xid.clone());
        let seen_for = match &inner.held {
            Some(held) if held.pid == pid && held.xid == xid => held.since.elapsed(),
            Some(_) | None => {
                inner.held = row.holder.is_some().then(|| Held { pid, xid, since: Instant::now() });
                Duration::ZERO
            }
        };
        let vitals = vitals(row, seen_for);
        inner.last = Some((Instant::now(), vitals.clone()));
        vitals
    }
}

fn vitals(row: VitalsRow, seen_for: Duration) -> Vitals {
    let numbers = |value: &serde_json::Value| -> BTreeMap<String, f64> {
        let members = value.as_object().into_iter().flatten();
        members.filter_map(|(name, number)| Some((name.clone(), number.as_f64()?))).collect()
    };
    let whole = |value: &serde_json::Value| -> BTreeMap<String, u64> {
        let members = value.as_object().into_iter().flatten();
        members.filter_map(|(name, number)| Some((name.clone(), number.as_u64()?))).collect()
    };
    Vitals {
        taken_at: row.taken_at,
        oldest: row.holder.map(|kind| Holder {
            kind,
            pid: row.holder_pid,
            name: row.holder_name.unwrap_or_default(),
            state: row.holder_state,
            held_secs: row.held_secs.unwrap_or(seen_for.as_secs_f64()).max(0.0),
        }),
        dead_rows: whole(&row.dead_rows),
        partitions_ahead_secs: numbers(&row.ahead_secs),
        default_rows: row.default_rows.unsigned_abs(),
        notify_queue_used: row.notify_used,
        transaction_age: row.transaction_age.unsigned_abs(),
    }
}

impl Engine {
    /// How the database is. Read at most every five seconds, however often it is asked for.
    pub async fn vitals(&self) -> Result<Vitals, Error> {
        if let Some(vitals) = self.chart().fresh() {
            return Ok(vitals);
        }
        let row = self.read(async |conn| store::vitals::vitals(conn).await).await?;
        Ok(self.chart().keep(row))
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.kind, self.name)?;
        if let Some(pid) = self.pid {
            write!(f, ", process {pid} of the server")?;
        }
        if let Some(state) = &self.state {
            write!(f, ", {state}")?;
        }
        write!(f, ", for {:.0} s", self.held_secs)
    }
}
