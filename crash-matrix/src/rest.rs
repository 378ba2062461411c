//! When nothing moves by itself any more, and what would move it.

use std::time::Duration;

use crate::{TestDb, holds, wait_until};

/// Jobs of these kinds that are in a worker's hands or about to be, whose time has come, or that wait for a signal which is
/// there.
macro_rules! busy {
    () => {
        "select from (
            select kind_id from trunkline.ready union all select kind_id from trunkline.leases union all
            select kind_id from trunkline.waits where due <= trunkline.now() and not blocked and state <> 'parked' union all
            select w.kind_id from trunkline.waits w join trunkline.signals s on s.job_id = w.job_id and s.name = any (w.wakes)
        ) t join trunkline.kinds k using (kind_id) where k.name = any ($1)"
    };
}

const AT_REST: &str = concat!("select not exists (", busy!(), ")");

/// One statement, so that nobody who goes on between two of them is missed by both.
const STILL: &str = concat!(
    "select not exists (",
    busy!(),
    ") and not exists (
        select from trunkline.waits w join trunkline.kinds k using (kind_id)
        where k.name = any ($1) and (w.blocked or w.state = 'scheduled' or w.state = 'waiting' and w.due is not null))"
);

/// How long a job of one of these kinds still pauses between two attempts, so that the clock can be moved over it.
pub async fn pause_of(db: &TestDb, kinds: &[impl AsRef<str>]) -> Option<Duration> {
    until(db, kinds, "scheduled").await
}

/// How long until the clock wakes a job of one of these kinds that waits on purpose. (One before its gates is due when its
/// time is over.)
pub async fn sleep_of(db: &TestDb, kinds: &[impl AsRef<str>]) -> Option<Duration> {
    until(db, kinds, "waiting").await
}

async fn until(db: &TestDb, kinds: &[impl AsRef<str>], state: &str) -> Option<Duration> {
    let statement = "select extract(epoch from min(w.due) - trunkline.now())::float8
                     from trunkline.waits w join trunkline.kinds k using (kind_id)
                     where w.state = $2 and not w.blocked and k.name = any ($1)";
    let pause: Option<f64> = sqlx::query_scalar(statement)
        .bind(names(kinds))
        .bind(state)
        .fetch_one(db.owner())
        .await
        .ok()
        .flatten();
    Duration::try_from_secs_f64(pause?).ok().filter(|pause| !pause.is_zero())
}

/// Whether no job of these kinds is in a worker's hands or about to be, and none waits for a signal that is there.
pub async fn is_at_rest(db: &TestDb, kinds: &[impl AsRef<str>]) -> bool {
    says(db, AT_REST, kinds).await
}

/// Whether no job of these kinds goes on by itself, now or later.
pub(crate) async fn is_still(db: &TestDb, kinds: &[impl AsRef<str>]) -> bool {
    says(db, STILL, kinds).await
}

/// Whether a statement says yes. A database that is away says nothing.
async fn says(db: &TestDb, statement: &'static str, kinds: &[impl AsRef<str>]) -> bool {
    let answer: Result<bool, _> =
        sqlx::query_scalar(statement).bind(names(kinds)).fetch_one(db.owner()).await;
    answer.unwrap_or(false)
}

/// Whether a job of these kinds stands before its gates: it goes on by itself when they let it.
pub(crate) async fn is_gated(db: &TestDb, kinds: &[impl AsRef<str>]) -> bool {
    let statement =
        "select exists (select from trunkline.waits w join trunkline.kinds k using (kind_id)
                                    where w.blocked and k.name = any ($1))";
    let is_gated: Result<bool, _> =
        sqlx::query_scalar(statement).bind(names(kinds)).fetch_one(db.owner()).await;
    is_gated.unwrap_or(true)
}

/// Waits until nothing of these kinds moves.
pub async fn at_rest(db: &TestDb, kinds: &[impl AsRef<str>]) {
    wait_until("everything is at rest", async || holds(is_at_rest(db, kinds).await)).await;
}

fn names(kinds: &[impl AsRef<str>]) -> Vec<String> {
    kinds.iter().map(|kind| kind.as_ref().to_owned()).collect()
}
