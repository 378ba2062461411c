//! A claim costs the same whatever waits and whatever has finished.

use sqlx::{Connection, types::Uuid};
use tests::Claim;

use crate::toy::Rig;

const MANY: &str = "
    insert into trunkline.jobs (job_id, retention, kind_id, queue_id, args)
        select gen_random_uuid(), 1, 1, 1, '[]' from generate_series(1, 200000);
    insert into trunkline.outcomes (job_id, retention, state, epoch, attempt)
        select job_id, 1, 'succeeded', 1, 0 from trunkline.jobs limit 100000;
    insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
        select job_id, now() + interval '1 day', 'scheduled', 'later', 0, 1, 1, 0, 0, 0, 1, 0 from trunkline.jobs j
        where not exists (select from trunkline.outcomes o where o.job_id = j.job_id);
    insert into trunkline.waits (job_id, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course, lane, blocked)
        select gen_random_uuid(), 'waiting', 'before its gates', 0, 1, 1, 0, 0, 0, 1, 0, md5((n % 1000)::text)::uuid, true
        from generate_series(1, 100000) n;
    insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
        select job_id, 0, 1, 1, 0, 0, 0, 1, 0 from trunkline.outcomes limit 50000;";

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

const POSTED: &str = "
    insert into trunkline.inbox (provider, dedupe_key, object_key, payload, job_id)
        select 'acme', 'evt-' || n, 'o', '{}', job_id
        from (select job_id, row_number() over () as n from trunkline.jobs limit 1000 offset 99500) t;";

#[tokio::test]
async fn looks_at_what_was_posted_do_not_walk_over_all_that_is_ready() {
    let rig = Rig::new().await;
    let mut connection = rig.db.superuser().await;
    let mut tx = connection.begin().await.unwrap();
    for statement in [MANY, POSTED] {
        sqlx::raw_sql(statement).execute(&mut *tx).await.unwrap();
    }
    let inbox = include_str!("../../../engine/src/store/inbox.rs");
    let looks = [
        (
            "fn inbox_list",
            "r#\"",
            "\"#",
            "text, text, text, text, timestamptz, text, text, int8",
            "null, null, null, null, null, null, null, 100",
        ),
        ("fn inbox_count", "r#\"", "\"#", "interval", "'1 day'"),
        (
            "fn inbox_again",
            "query!(\n        \"",
            "\",",
            "text, text, uuid",
            "'acme', 'evt-1', gen_random_uuid()",
        ),
    ];
    for (number, (place, begin, end, takes, with)) in looks.into_iter().enumerate() {
        let (_, source) = inbox.split_once(place).unwrap();
        let look = tests::between(source, begin, end);
        let prepare = format!("prepare inbox_{number} ({takes}) as {look}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(prepare)).execute(&mut *tx).await.unwrap();
        let explain = format!(
            "explain (analyze, costs off, timing off, summary off) execute inbox_{number} ({with})"
        );
        let plan: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(explain)).fetch_all(&mut *tx).await.unwrap();
        let plan = plan.join("\n");
        for table in ["ready", "leases", "waits"] {
            assert!(!plan.contains(&format!("Seq Scan on {table}")), "{place}: {plan}");
        }
        assert!(plan.contains("ready_claim_order"), "{place}: {plan}");
    }
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn a_look_at_lanes_costs_the_lanes_it_looks_at_and_not_what_stands_in_them() {
    let rig = Rig::new().await;
    let mut connection = rig.db.superuser().await;
    let mut tx = connection.begin().await.unwrap();
    sqlx::raw_sql(MANY).execute(&mut *tx).await.unwrap();
    let lanes = include_str!("../../../engine/src/store/lanes.rs");
    let settings = sqlx::AssertSqlSafe(tests::claim_settings());
    sqlx::raw_sql(settings).execute(&mut *tx).await.unwrap();
    let look = tests::between(lanes, "r#\"", "\"#");
    let prepare = format!("prepare look (int2[], int2[], uuid, uuid, int8, int8) as {look}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(prepare)).execute(&mut *tx).await.unwrap();
    let explain = "explain (analyze, costs off, timing off, summary off) execute look (
        '{1}', '{1}', '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 16, 512)";
    let plan: Vec<String> = sqlx::query_scalar(explain).fetch_all(&mut *tx).await.unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("waits_lanes") && !plan.contains("Seq Scan on waits"), "{plan}");
    // Sixteen lanes of a hundred jobs each, and 32 of each are asked for.
    assert!(plan.contains("(actual rows=32 loops=16)"), "{plan}");
    let most = plan.split("(actual rows=").skip(1).filter_map(|rest| rest.split(' ').next());
    let most = most.filter_map(|rows| rows.parse::<u32>().ok()).max();
    assert_eq!(most, Some(512), "{plan}");
    tx.rollback().await.unwrap();
}
