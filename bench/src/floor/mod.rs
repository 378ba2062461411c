//! Plain SQL for the same rows of the same tables, with nothing around it: what a worker could reach at best.

mod drain; // claim and finish
mod ended; // what the history keeps
mod enqueue; // one by one, and in bulk
mod ingest; // webhooks
mod notify; // insert, notify, claim
mod steps; // checkpoints of many workflows in one commit

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

pub(crate) use self::{
    drain::drain,
    ended::ended,
    enqueue::{bulk, one_by_one},
    ingest::keep,
    notify::Pair,
    steps::steps,
};

/// What the rows need of the tables of names.
#[derive(Debug, Clone, Copy, FromRow)]
pub(crate) struct Ids {
    pub(crate) queue_id: i16,
    pub(crate) kind_id: i16,
}

/// The ids of a queue and a kind that an engine has registered.
pub(crate) async fn ids(conn: &mut PgConnection, queue: &str, kind: &str) -> anyhow::Result<Ids> {
    Ok(sqlx::query_as(
        "select queue_id, kind_id from trunkline.queues q, trunkline.kinds k where q.name = $1 and k.name = $2",
    )
    .bind(queue)
    .bind(kind)
    .fetch_one(conn)
    .await?)
}

/// An id that sorts by time, as the engine makes them.
fn id() -> Uuid {
    engine::JobId::mint().as_uuid()
}
