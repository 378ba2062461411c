//! The engine's own claim, as its source has it, to be looked at: how it goes about its rows, and how long it takes.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection, types::Uuid};

const SOURCE: &str = include_str!("../../engine/src/store/ready.rs");

/// Jobs that one claim asks for.
const ROOM: u32 = 16;

/// A claim that is prepared on one connection, for a worker of its own, of queue 1 and kind 1.
pub struct Claim {
    settings: String,
    worker: i32,
}

impl Claim {
    /// Prepares it.
    pub async fn of(conn: &mut PgConnection) -> Claim {
        let worker: i32 = sqlx::query_scalar(
            "insert into trunkline.workers (name, pool, version, expires_at) values ('w', 'w', '0', now() + interval '1 hour')
             returning worker_id",
        )
        .fetch_one(&mut *conn)
        .await
        .expect("a worker");
        let between = |from: &str, to: &str| {
            let found = SOURCE.split(from).nth(1).and_then(|rest| rest.split(to).next());
            found.expect("the claim is where it was")
        };
        let settings = between("const PLAN: &str = \"begin;", "\"").replace('\\', "");
        let claim = between("r#\"", "\"#");
        let prepare = format!(
            "prepare claim (int4, int2[], int2[], int8, int2[], int8[], int2[], uuid[]) as {claim}"
        );
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *conn).await.expect("a statement");
        Claim { settings, worker }
    }

    fn call(&self, priority: i16, from: Uuid) -> String {
        let worker = self.worker;
        format!(
            "execute claim ({worker}, '{{1}}', '{{1}}', {ROOM}, '{{}}', '{{}}', '{{{priority}}}', '{{{from}}}')"
        )
    }

    /// How it goes, from a mark on. Nothing of it stays.
    pub async fn plan(&self, conn: &mut PgConnection, priority: i16, from: Uuid) -> String {
        let mut tx = conn.begin().await.expect("a transaction");
        let settings = AssertSqlSafe(self.settings.clone());
        sqlx::raw_sql(settings).execute(&mut *tx).await.expect("settings");
        let call = self.call(priority, from);
        let explain =
            format!("explain (analyze, buffers, costs off, timing off, summary off) {call}");
        let plan: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *tx).await.expect("a plan");
        tx.rollback().await.expect("nothing stays");
        plan.join("\n")
    }

    /// Pages that it touches to find its jobs, in memory or not: those of the look into `ready`.
    pub async fn pages(&self, conn: &mut PgConnection, priority: i16, from: Uuid) -> u64 {
        let plan = self.plan(conn, priority, from).await;
        let look = plan.split("Scan using ready_claim_order").nth(1).expect("the index");
        buffers(look)
    }

    /// Pages that all of it touches, from the beginning of the queue.
    pub async fn pages_of_all(&self, conn: &mut PgConnection) -> u64 {
        buffers(&self.plan(conn, i16::MIN, Uuid::nil()).await)
    }

    /// Claims for good. How long that took, and how many it got.
    pub async fn take(&self, conn: &mut PgConnection) -> (Duration, usize) {
        let began = Instant::now();
        let mut tx = conn.begin().await.expect("a transaction");
        let settings = AssertSqlSafe(self.settings.clone());
        sqlx::raw_sql(settings).execute(&mut *tx).await.expect("settings");
        let call = AssertSqlSafe(self.call(i16::MIN, Uuid::nil()));
        let rows = sqlx::query(call).fetch_all(&mut *tx).await.expect("a claim");
        tx.commit().await.expect("a commit");
        (began.elapsed(), rows.len())
    }
}

/// The first count of pages in a plan: that of the node it begins with.
fn buffers(plan: &str) -> u64 {
    let line = plan.lines().find_map(|line| line.trim().strip_prefix("Buffers: shared "));
    let words = line.expect("a count").split(' ');
    let counts = words.filter_map(|word| {
        word.strip_prefix("hit=").or_else(|| word.strip_prefix("read="))?.parse::<u64>().ok()
    });
    counts.sum()
}
