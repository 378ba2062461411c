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
