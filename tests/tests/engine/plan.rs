//! A claim costs the same whatever waits and whatever has finished.

use sqlx::{AssertSqlSafe, Connection, PgConnection, types::Uuid};

use crate::toy::Rig;

const MANY: &str = "
    insert into trunkline.jobs (job_id, retention, kind_id, queue_id, args)
        select gen_random_uuid(), 1, 1, 1, '[]' from generate_series(1, 200000);
    insert into trunkline.outcomes (job_id, retention, state, epoch, attempt)
        select job_id, 1, 'succeeded', 1, 0 from trunkline.jobs limit 100000;
    insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
        select job_id, now() + interval '1 day', 'scheduled', 'later', 0, 1, 1, 0, 0, 0, 1, 0 from trunkline.jobs j
        where not exists (select from trunkline.outcomes o where o.job_id = j.job_id);
    insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
        select job_id, 0, 1, 1, 0, 0, 0, 1, 0 from trunkline.outcomes limit 50000;";

/// The engine's own claim, ready to be looked at.
pub(crate) struct Claim {
    settings: String,
    worker: i32,
}

impl Claim {
    /// Prepares it on this connection, for a worker of its own.
    pub(crate) async fn of(conn: &mut PgConnection) -> Claim {
        let worker: i32 = sqlx::query_scalar(
            "insert into trunkline.workers (name, pool, version, expires_at) values ('w', 'w', '0', now() + interval '1 hour')
             returning worker_id",
        )
        .fetch_one(&mut *conn)
        .await
        .unwrap();
        let source = include_str!("../../../engine/src/store/ready.rs");
        let between = |from: &str, to: &str| {
            source.split(from).nth(1).and_then(|rest| rest.split(to).next()).unwrap()
        };
        let settings = between("const PLAN: &str = \"begin;", "\"").replace('\\', "");
        let claim = between("r#\"", "\"#");
        let prepare = format!(
            "prepare claim (int4, int2[], int2[], int8, int2[], int8[], int2[], uuid[]) as {claim}"
        );
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *conn).await.unwrap();
        Claim { settings, worker }
    }

    /// How it goes about 16 jobs of queue 1 and kind 1, from a mark on. Nothing of it stays.
    pub(crate) async fn plan(&self, conn: &mut PgConnection, priority: i16, from: Uuid) -> String {
        let mut tx = conn.begin().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(self.settings.clone())).execute(&mut *tx).await.unwrap();
        let explain = format!(
            "explain (analyze, buffers, costs off, timing off, summary off)
             execute claim ({}, '{{1}}', '{{1}}', 16, '{{}}', '{{}}', '{{{priority}}}', '{{{from}}}')",
            self.worker
        );
        let plan: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(explain)).fetch_all(&mut *tx).await.unwrap();
        tx.rollback().await.unwrap();
        plan.join("\n")
    }

    /// Pages that it touches to find its jobs, in memory or not: those of the look into `ready`.
    pub(crate) async fn pages(&self, conn: &mut PgConnection, priority: i16, from: Uuid) -> u64 {
        let plan = self.plan(conn, priority, from).await;
        let look = plan.split("Scan using ready_claim_order").nth(1).unwrap();
        let buffers =
            look.lines().find_map(|line| line.trim().strip_prefix("Buffers: shared ")).unwrap();
        let count = |word: &str| -> u64 { word.parse().unwrap() };
        let of = |kind: &str| {
            buffers.split(' ').find_map(|word| word.strip_prefix(kind)).map_or(0, count)
        };
        of("hit=") + of("read=")
    }
}

#[tokio::test]
async fn a_claim_among_a_hundred_thousand_looks_into_the_index_alone() {
    let rig = Rig::new().await;
    let mut connection = rig.db.superuser().await;
    let mut tx = connection.begin().await.unwrap();
    sqlx::raw_sql(MANY).execute(&mut *tx).await.unwrap();
    let claim = Claim::of(&mut tx).await;
    let plan = claim.plan(&mut tx, i16::MIN, Uuid::nil()).await;
    assert!(plan.contains("ready_claim_order"), "{plan}");
    assert!(
        !plan.contains("Seq Scan on ready")
            && !plan.contains("on waits")
            && !plan.contains("on outcomes"),
        "{plan}"
    );
    assert!(!plan.contains("Sort Key: ready"), "{plan}");
    tx.rollback().await.unwrap();
}
