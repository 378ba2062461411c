//! A claim costs the same however much is scheduled, blocked and finished: beside an empty database, in turns.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection};
use tests::{
    Claim, TestDb,
    fleet::Experiment,
    seed::{is_full, say, seed},
};

/// Claims of each database.
const CLAIMS: usize = 200;

/// Rows made by one statement.
const BATCH: usize = 50_000;

/// How many there are of each.
struct Depth {
    scheduled: usize,
    blocked: usize,
    finished: usize,
}

/// Jobs of the last days, with where they stand.
async fn fill(conn: &mut PgConnection, place: &str, rows: usize) {
    let mut left = rows;
    while left > 0 {
        let batch = left.min(BATCH);
        let statement = format!(
            "with ids as materialized (
                 select (left(trunkline.uuid_floor(now() - random() * interval '5 days')::text, 14)
                         || '7' || right(gen_random_uuid()::text, 21))::uuid as job_id
                 from generate_series(1, {batch})
             ), made as (
                 insert into trunkline.jobs (job_id, retention, kind_id, queue_id, args)
                 select job_id, 1, 1, 1, '{{\"customer\": 4711, \"text\": \"a job as they are\"}}' from ids
             )
             {place} from ids"
        );
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *conn).await.unwrap();
        left -= batch;
    }
}

const SCHEDULED: &str = "insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt,
                                                      crashes, retention, course)
    select job_id, now() + interval '1 day', 'scheduled', 'later', 0, 1, 1, 0, 0, 0, 1, 0";
const BLOCKED: &str = "insert into trunkline.waits (job_id, state, reason, epoch, queue_id, kind_id, priority, attempt,
                                                    crashes, retention, course, lane, blocked)
    select job_id, 'waiting', 'a limit', 0, 1, 1, 0, 0, 0, 1, 0, md5(left(job_id::text, 12))::uuid, true";
const FINISHED: &str = "insert into trunkline.outcomes (job_id, retention, state, epoch, attempt)
    select job_id, 1, 'succeeded', 1, 0";
const READY: &str = "insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
    select job_id, 0, 1, 1, 0, 0, 0, 1, 0";

/// A database with so much in it, and something to claim.
async fn database(depth: &Depth) -> (TestDb, PgConnection) {
    let db = TestDb::new().await;
    db.may_leave_jobs();
    let mut conn = db.superuser().await;
    let names = "insert into trunkline.kinds (name) values ('deep'); insert into trunkline.queues (name) values ('deep');
                 select trunkline.partitions_make(now() - interval '7 days', 0)";
    sqlx::raw_sql(names).execute(&mut conn).await.unwrap();
    fill(&mut conn, SCHEDULED, depth.scheduled).await;
    fill(&mut conn, BLOCKED, depth.blocked).await;
    fill(&mut conn, FINISHED, depth.finished).await;
    fill(&mut conn, READY, 16 * (CLAIMS + 100)).await;
    // As autovacuum would have by then; never the tables that the migration keeps it from.
    let analyze = "analyze trunkline.jobs; analyze trunkline.outcomes; analyze trunkline.waits";
    sqlx::raw_sql(analyze).execute(&mut conn).await.unwrap();
    (db, conn)
}

fn micros(times: &[Duration], percent: usize) -> u128 {
    let mut times: Vec<_> = times.iter().map(Duration::as_micros).collect();
    times.sort_unstable();
    times[(times.len() * percent).div_ceil(100).saturating_sub(1)]
}

#[tokio::test]
async fn a_claim_costs_the_same_beside_an_empty_database() {
    let depth = if is_full() {
        Depth { scheduled: 1_000_000, blocked: 1_000_000, finished: 10_000_000 }
    } else {
        Depth { scheduled: 50_000, blocked: 50_000, finished: 50_000 }
    };
    let (_empty_db, mut empty) = database(&Depth { scheduled: 0, blocked: 0, finished: 0 }).await;
    let (_deep_db, mut deep) = database(&depth).await;
    let claims = [Claim::of(&mut empty).await, Claim::of(&mut deep).await];
    let pages = [claims[0].pages_of_all(&mut empty).await, claims[1].pages_of_all(&mut deep).await];
    let mut times = [Vec::new(), Vec::new()];
    for turn in 0..CLAIMS {
        // In turns, and each first as often as the other.
        for which in [turn % 2, 1 - turn % 2] {
            let conn = if which == 0 { &mut empty } else { &mut deep };
            let (time, got) = claims[which].take(conn).await;
            assert_eq!(got, 16);
            times[which].push(time);
        }
    }
    let (p50, p99) =
        (times.each_ref().map(|t| micros(t, 50)), times.each_ref().map(|t| micros(t, 99)));
    let ratio = format!("{}.{:02}", p50[1] / p50[0], p50[1] * 100 / p50[0] % 100);
    say(&format!(
        "a claim of 16: empty p50 {} p99 {} µs, deep p50 {} p99 {} µs, ratio of p50 {ratio}; pages {} and {}",
        p50[0], p99[0], p50[1], p99[1], pages[0], pages[1]
    ));
    Experiment {
        promise: 8,
        experiment: format!(
            "claims with {} scheduled, {} blocked and {} finished jobs beside an empty database, in turns: p50 {ratio} \
             times as long",
            depth.scheduled, depth.blocked, depth.finished
        ),
        faults: 0,
        checked: CLAIMS as u64,
        violations: u64::from(pages[1] > 2 * pages[0]),
        recovery_ms: None,
        seed: seed(),
    }
    .record();
    // An index of millions has one level or two more than one of a thousand; that is all.
    assert!(pages[1] <= 2 * pages[0], "{} pages among many, {} among none", pages[1], pages[0]);
}
