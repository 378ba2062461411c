//! Runs that sleep cost rows: no memory, no slot, no lease and no connection of the worker that began them.

use std::time::{Duration, Instant};

use tests::{
    fleet::{Dev, within},
    seed::{is_full, say},
};

const PATIENCE: Duration = Duration::from_mins(9);

/// What a worker may have grown by when all of them sleep, in KiB: buffers that the first batches have widened.
const GROWN_MAX: i64 = 64 * 1024;

/// Timers of a day, in bulk: what is measured is their sleep, not their enqueue.
const ENQUEUE: &str = "
    with made as (
        insert into trunkline.jobs (job_id, retention, kind_id, queue_id, args)
        select (left(replace(trunkline.uuid_floor(trunkline.now())::text, '-', ''), 12)
                || substr(md5(number::text || random()::text), 1, 20))::uuid,
               0, k.kind_id, q.queue_id, '{\"ms\": 86400000}'
        from generate_series(1, $1) as number, trunkline.kinds k, trunkline.queues q
        where k.name = 'timer' and q.name = 'try'
        returning job_id, kind_id, queue_id
    )
    insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
    select job_id, 0, queue_id, kind_id, 0, 0, 0, 0, 0 from made";

const ASLEEP: &str = "select from trunkline.waits where state = 'waiting' and reason = 'sleeping'";

const CONNECTIONS: &str = "select from pg_stat_activity where datname = current_database()";

/// The most memory that a process ever had, in KiB.
fn most_memory(pid: u32) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

async fn asleep(dev: &Dev, count: i32) {
    sqlx::query(ENQUEUE).bind(count).execute(dev.rows()).await.unwrap();
}

#[tokio::test]
async fn runs_that_sleep_cost_rows_and_nothing_else() {
    let count = if is_full() { 100_000 } else { 1000 };
    let dev = Dev::start(&[]).await;
    let worker = dev.worker(64, &[]).await;
    // The first ones fill pools and caches.
    asleep(&dev, 200).await;
    within(PATIENCE, "the first sleep", async || (dev.count(ASLEEP).await == 200).then_some(()))
        .await;
    let (before, connected) = (most_memory(worker.pid()), dev.count(CONNECTIONS).await);
    let began = Instant::now();
    asleep(&dev, count).await;
    let all = i64::from(count) + 200;
    within(PATIENCE, "all sleep", async || (dev.count(ASLEEP).await == all).then_some(())).await;
    let (took, after) = (began.elapsed(), most_memory(worker.pid()));
    let leases = dev.count("select from trunkline.leases").await;
    let checkpoints = dev.count("select from trunkline.checkpoints where form = 'deadline'").await;
    let connections = dev.count(CONNECTIONS).await;
    say(&format!(
        "{count} runs asleep after {took:?}: the worker's most memory {before} KiB before, {after} KiB after; \
         {all} rows in waits, {checkpoints} checkpoints, {leases} leases, {connected} connections before, {connections} after",
    ));
    assert_eq!((leases, checkpoints), (0, all));
    assert!(after - before < GROWN_MAX, "grown by {} KiB", after - before);
    assert!(connections <= connected + 12, "{connected} connections have become {connections}");
    drop(worker);
    dev.stop().await;
}
