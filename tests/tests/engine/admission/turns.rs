//! Fairness: one tenant's many jobs do not keep the others waiting. Counted in completions, not in time.

use std::collections::HashMap;

use engine::Workflow;
use sqlx::types::Uuid;
use tests::WorkerOptions;

use super::finished;
use crate::toy::{Act, Rig, Script, operator};

/// Jain's index: 1 when all have equally many, 1/n when one has all.
fn jain(counts: &[f64]) -> f64 {
    let (sum, squares) =
        (counts.iter().sum::<f64>(), counts.iter().map(|count| count * count).sum::<f64>());
    sum * sum / (f64::from(u32::try_from(counts.len()).unwrap()) * squares)
}

/// Tenants of finished jobs, in the order in which these ended.
async fn order(rig: &Rig) -> Vec<Uuid> {
    let statement =
        "select j.tenant_id from trunkline.outcomes o join trunkline.jobs j using (job_id)
                     order by o.finished_at, o.job_id";
    sqlx::query_scalar(statement).fetch_all(rig.db.owner()).await.unwrap()
}

#[tokio::test]
async fn ten_tenants_get_equal_shares_though_one_has_many_times_more_jobs() {
    const EACH: usize = 30;
    let rig = Rig::new().await;
    let mut tx = rig.engine.begin().await.unwrap();
    tx.share_queue("toys", true, &operator()).await.unwrap();
    tx.commit().await.unwrap();
    let tenants: Vec<_> = (1..=10).map(Uuid::from_u128).collect();
    let mut tx = rig.engine.begin().await.unwrap();
    for (number, tenant) in tenants.iter().enumerate() {
        let jobs = if number == 0 { 20 * EACH } else { EACH };
        for _ in 0..jobs {
            tx.enqueue(Script(vec![Act::body("x")]).job().tenant(*tenant)).await.unwrap();
        }
    }
    tx.commit().await.unwrap();
    let few = || WorkerOptions { slots: 4, ..WorkerOptions::default() };
    let _workers = [rig.worker_with(few()).await, rig.worker_with(few()).await];
    tests::wait_until("all have ended", async || {
        tests::holds(finished(&rig).await == i64::try_from(29 * EACH).unwrap())
    })
    .await;
    let order = order(&rig).await;
    // As long as all have jobs: the share of each.
    let mut counts: HashMap<_, f64> = HashMap::new();
    for tenant in order.iter().take(10 * EACH * 9 / 10) {
        *counts.entry(*tenant).or_default() += 1.0;
    }
    let counts: Vec<_> = tenants.iter().map(|t| counts.get(t).copied().unwrap_or(0.0)).collect();
    let index = jain(&counts);
    println!("Jain index {index:.4} of {counts:?}");
    assert!(index > 0.98, "{index}: {counts:?}");
    for tenant in &tenants {
        let first = order.iter().position(|other| other == tenant).unwrap();
        assert!(first < 40, "the first of {tenant} came as number {first}");
    }
}
