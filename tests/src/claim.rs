//! The engine's own claim, as its source has it, to be looked at: how it goes about its rows, and how long it takes.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection, types::Uuid};

const SOURCE: &str = include_str!("../../engine/src/store/ready.rs");
const LOOPS: &str = include_str!("../../engine/src/store/loops.rs");

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
        let claim = between(SOURCE, "r#\"", "\"#");
        let prepare = format!(
            "prepare claim (int4, int2[], int2[], int8, int2[], int8[], int2[], int2[], uuid[], int4[]) as {claim}"
        );
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *conn).await.expect("a statement");
        Claim { settings: claim_settings(), worker }
    }

    fn call(&self, priority: i16, from: Uuid) -> String {
        let worker = self.worker;
        format!(
            "execute claim ({worker}, '{{1}}', '{{1}}', {ROOM}, '{{}}', '{{}}', '{{1}}', '{{{priority}}}',
                            '{{{from}}}', '{{32768}}')"
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

    /// How many it would get of parts of the queue, if so many may run at once. Nothing of it stays.
    pub async fn of_parts(
        &self,
        conn: &mut PgConnection,
        parts: &[(i16, Uuid, i32)],
        room: i64,
    ) -> usize {
        let worker = self.worker;
        let queues = vec!["1"; parts.len()].join(",");
        let priorities = parts.iter().map(|it| it.0.to_string()).collect::<Vec<_>>().join(",");
        let jobs = parts.iter().map(|it| it.1.to_string()).collect::<Vec<_>>().join(",");
        let ends = parts.iter().map(|it| it.2.to_string()).collect::<Vec<_>>().join(",");
        let call = format!(
            "execute claim ({worker}, '{{1}}', '{{1}}', {ROOM}, '{{1}}', '{{{room}}}', '{{{queues}}}', '{{{priorities}}}',
                            '{{{jobs}}}', '{{{ends}}}')"
        );
        let mut tx = conn.begin().await.expect("a transaction");
        let rows = sqlx::query(AssertSqlSafe(call)).fetch_all(&mut *tx).await.expect("a claim");
        tx.rollback().await.expect("nothing stays");
        rows.len()
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
pub fn buffers(plan: &str) -> u64 {
    let line = plan.lines().find_map(|line| line.trim().strip_prefix("Buffers: shared "));
    let words = line.expect("a count").split(' ');
    let counts = words.filter_map(|word| {
        word.strip_prefix("hit=").or_else(|| word.strip_prefix("read="))?.parse::<u64>().ok()
    });
    counts.sum()
}

/// How claims are planned.
pub fn claim_settings() -> String {
    between(LOOPS, "const BEGIN_PLANNED: &str = \"begin;", "\"").replace('\\', "")
}

/// What stands between two texts.
pub fn between(source: &'static str, from: &str, to: &str) -> &'static str {
    let found = source.split(from).nth(1).and_then(|rest| rest.split(to).next());
    found.expect("it is where it was")
}
