//! Somebody holds a transaction open, so nothing that is deleted goes from the index: claiming goes on.

use std::time::{Duration, Instant};

use engine::{JobId, Start, State, Workflow};
use sqlx::{Connection, PgConnection};
use tests::{
    Claim, WorkerOptions, holds,
    seed::{is_full, say},
    wait_until,
};

use crate::toy::{Act, Rig, Script, counted};

/// Puts jobs into the queue as if they had been enqueued: their scripts are empty.
async fn fill(conn: &mut PgConnection, jobs: usize) {
    let ids: Vec<_> = (0..jobs).map(|_| JobId::mint().as_uuid()).collect();
    // The first kind is `script`.
    let insert = "
        with input as (select unnest($1::uuid[]) as job_id),
        added as (insert into trunkline.jobs (job_id, retention, kind_id, queue_id, args)
                  select job_id, 1, 1, 1, '[]' from input)
        insert into trunkline.ready (job_id, epoch, queue_id, kind_id, priority, attempt, crashes, retention, course)
        select job_id, 0, 1, 1, 0, 0, 0, 1, 0 from input";
    sqlx::query(insert).bind(&ids).execute(conn).await.unwrap();
}

/// A transaction that sees everything as it is now, for as long as it lasts.
async fn hold(rig: &Rig) -> PgConnection {
    let mut holder = rig.db.superuser().await;
    let begin = "set application_name = 'report'; begin isolation level repeatable read; select count(*) from trunkline.ready";
    sqlx::raw_sql(begin).execute(&mut holder).await.unwrap();
    holder
}

#[tokio::test]
async fn a_claim_from_its_mark_walks_over_no_dead_entry() {
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    let holder = hold(&rig).await;
    let mut conn = rig.db.superuser().await;
    for _ in 0..20 {
        fill(&mut conn, 1000).await;
        sqlx::query("delete from trunkline.ready").execute(&mut conn).await.unwrap();
    }
    let mark = JobId::mint();
    fill(&mut conn, 100).await;
    let claim = Claim::of(&mut conn).await;
    let nil = sqlx::types::Uuid::nil();
    let from_start = claim.pages(&mut conn, i16::MIN, nil).await;
    let from_mark = claim.pages(&mut conn, 0, mark.as_uuid()).await;
    assert!(
        from_start > 10 * from_mark,
        "{from_start} pages from the start, {from_mark} from the mark"
    );
    assert!(from_mark < 40, "{from_mark} pages for 16 jobs");
    sqlx::query("delete from trunkline.ready").execute(&mut conn).await.unwrap();
    sqlx::query("delete from trunkline.jobs").execute(&mut conn).await.unwrap();
    holder.close().await.unwrap();
}

#[tokio::test]
async fn of_parts_of_a_queue_each_job_is_claimed_once_and_no_more_than_there_is_room_for() {
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    let mut conn = rig.db.superuser().await;
    fill(&mut conn, 12).await;
    sqlx::raw_sql(
        "update trunkline.ready r set priority = n.place % 3 - 1
         from (select job_id, row_number() over (order by job_id) as place from trunkline.ready) n
         where n.job_id = r.job_id",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    let claim = Claim::of(&mut conn).await;
    let nil = sqlx::types::Uuid::nil();
    let whole = [(i16::MIN, nil, 32_768)];
    let parts = [(i16::MIN, nil, -1), (-1, nil, 0), (0, nil, 1), (1, nil, 32_768)];
    assert_eq!(claim.of_parts(&mut conn, &whole, 100).await, 12);
    assert_eq!(claim.of_parts(&mut conn, &parts, 100).await, 12);
    assert_eq!(claim.of_parts(&mut conn, &parts[1..2], 100).await, 4);
    assert_eq!(claim.of_parts(&mut conn, &parts, 5).await, 5);
    let youngest = "select max(job_id::text)::uuid from trunkline.ready where priority = 0";
    let mark = sqlx::query_scalar(youngest).fetch_one(&mut conn).await.unwrap();
    let past = [parts[0], parts[1], (0, mark, 1), parts[3]];
    assert_eq!(claim.of_parts(&mut conn, &past, 100).await, 4 + 1 + 4);
    sqlx::raw_sql("delete from trunkline.ready; delete from trunkline.jobs")
        .execute(&mut conn)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_becomes_ready_below_a_claimers_mark_is_found() {
    let rig = Rig::new().await;
    let sleeper = rig.play([Act::wait("go")]).await;
    let options = WorkerOptions { slots: 64, ..WorkerOptions::default() };
    let _worker = rig.worker_with(options).await;
    rig.becomes(sleeper, State::Waiting).await;
    let holder = hold(&rig).await;
    let mut conn = rig.db.superuser().await;
    for _ in 0..20 {
        fill(&mut conn, 1000).await;
    }
    // A deep backlog and a claimer in the middle of it: its mark is far above the sleeper's id.
    rig.signal(sleeper, "go", 1.into(), None).await;
    rig.becomes(sleeper, State::Succeeded).await;
    wait_until("all is done", async || {
        holds(rig.db.number("select from trunkline.outcomes").await == 20_001)
    })
    .await;
    holder.close().await.unwrap();
}

/// Timers that have been: dead in the index for as long as a transaction is held.
async fn bury_timers(conn: &mut PgConnection, timers: i32) {
    let insert = "
        insert into trunkline.waits (job_id, due, state, reason, epoch, queue_id, kind_id, priority, attempt, crashes,
                                     retention, course)
        select gen_random_uuid(), now() - interval '1 hour', 'scheduled', 'later', 0, 1, 1, 0, 0, 0, 1, 0
        from generate_series(1, $1)";
    // One transaction: nobody else sees them.
    let mut tx = conn.begin().await.unwrap();
    sqlx::query(insert).bind(timers).execute(&mut *tx).await.unwrap();
    sqlx::query("delete from trunkline.waits where due < now()").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_look_for_what_is_due_walks_over_no_dead_entry_from_where_the_last_one_ended() {
    let rig = Rig::new().await;
    let holder = hold(&rig).await;
    let mut conn = rig.db.superuser().await;
    bury_timers(&mut conn, 20_000).await;
    let waits = include_str!("../../../engine/src/store/waits.rs");
    let promote = tests::between(waits, "r#\"", "\"#");
    let prepare = format!("prepare promote (bool, timestamptz, float8, int8) as {promote}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(prepare)).execute(&mut conn).await.unwrap();
    let planned = sqlx::AssertSqlSafe(tests::claim_settings());
    let mut tx = conn.begin().await.unwrap();
    sqlx::raw_sql(planned).execute(&mut *tx).await.unwrap();
    let mut pages = Vec::new();
    for from_the_first in [true, false] {
        let explain = format!(
            "explain (analyze, buffers, costs off, timing off, summary off)
             execute promote ({from_the_first}, null, 10, 1000)"
        );
        let plan: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(explain)).fetch_all(&mut *tx).await.unwrap();
        let plan = plan.join("\n");
        let look = plan.split("Scan using waits_due").nth(1).unwrap_or_else(|| panic!("{plan}"));
        pages.push(tests::buffers(look));
    }
    tx.rollback().await.unwrap();
    assert!(pages[0] > 10 * pages[1] && pages[1] < 10, "{pages:?}");
    holder.close().await.unwrap();
}

#[tokio::test]
async fn timers_go_on_while_a_transaction_is_held_and_one_that_was_entered_late_is_found() {
    let rig = Rig::new().await;
    let mut conn = rig.db.superuser().await;
    let holder = hold(&rig).await;
    // So many that no look from the first is quick.
    bury_timers(&mut conn, 150_000).await;
    let _worker = rig.worker().await;
    let job = |start| Script(vec![Act::step("a")]).job().start(start);
    let soon = rig.enqueue(job(Start::After(Duration::from_millis(300)))).await;
    rig.becomes(soon, State::Succeeded).await;
    let late = rig.enqueue(job(Start::After(Duration::from_hours(1)))).await;
    let entered = "update trunkline.waits set due = now() - interval '1 hour' where job_id = $1";
    sqlx::query(entered).bind(late.as_uuid()).execute(&mut conn).await.unwrap();
    rig.becomes(late, State::Succeeded).await;
    holder.close().await.unwrap();
}

/// Jobs a second without and with a held transaction: figures for people, printed. The long one in a full run only.
#[tokio::test]
async fn jobs_go_on_at_their_rate_while_a_transaction_is_held() {
    let (before, held) = if is_full() { (60, 300) } else { (3, 6) };
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    let options = WorkerOptions { slots: 256, lease: Duration::from_secs(30), queues: Vec::new() };
    let worker = rig.worker_with(options).await;
    let mut conn = rig.db.superuser().await;
    let mut filled = counted(engine::metrics::FINISHED);
    let free = rate(&mut conn, &mut filled, before).await;
    let holder = hold(&rig).await;
    let slow = rate(&mut conn, &mut filled, held).await;
    say(&format!(
        "jobs a second in tenths of {before} s: {free:?}; with a held transaction, of {held} s: {slow:?}"
    ));
    assert!(slow.iter().all(|rate| *rate > 0), "claiming has stopped");
    holder.close().await.unwrap();
    worker.drain(Duration::from_secs(20)).await;
    let clear = "delete from trunkline.ready; delete from trunkline.waits; delete from trunkline.leases;
        delete from trunkline.jobs j where not exists (select from trunkline.outcomes o where o.job_id = j.job_id)";
    sqlx::raw_sql(clear).execute(&mut conn).await.unwrap();
}

/// Keeps the queue full for so long; jobs that ended, per second, in ten windows.
async fn rate(conn: &mut PgConnection, filled: &mut u64, secs: u64) -> Vec<u64> {
    let mut rates = Vec::new();
    let window = Duration::from_secs(secs) / 10;
    for _ in 0..10 {
        let (began, before) = (Instant::now(), counted(engine::metrics::FINISHED));
        while began.elapsed() < window {
            if filled.saturating_sub(counted(engine::metrics::FINISHED)) < 4000 {
                fill(conn, 1000).await;
                *filled += 1000;
            }
            tokio::task::yield_now().await;
        }
        let done = u128::from(counted(engine::metrics::FINISHED) - before);
        rates.push(u64::try_from(done * 1000 / began.elapsed().as_millis()).unwrap());
    }
    rates
}

#[tokio::test]
async fn the_engine_says_who_holds_a_transaction_open() {
    let rig = Rig::new().await;
    let holder = hold(&rig).await;
    let vitals = rig.engine.vitals().await.unwrap();
    let oldest = vitals.oldest.expect("somebody holds a snapshot");
    assert_eq!((oldest.kind.as_str(), oldest.name.as_str()), ("session", "report"));
    assert!(oldest.pid.is_some());
    assert!(!oldest.to_string().contains("select"), "no text of a statement");
    assert!(vitals.partitions_ahead_secs.values().all(|secs| *secs > 0.0));
    assert_eq!(vitals.partitions_ahead_secs.len(), 3);
    assert_eq!(vitals.default_rows, 0);
    assert!(vitals.dead_rows.contains_key("ready") && vitals.dead_rows.contains_key("leases"));
    holder.close().await.unwrap();
}

#[tokio::test]
async fn thousands_of_a_kind_that_nobody_here_knows_are_left_behind() {
    let rig = Rig::new().await;
    rig.db.may_leave_jobs();
    let mut conn = rig.db.superuser().await;
    for _ in 0..5 {
        fill(&mut conn, 1000).await;
    }
    // Kind 2 is not asked for below.
    sqlx::query("update trunkline.ready set kind_id = 2").execute(&mut conn).await.unwrap();
    let mark = JobId::mint();
    fill(&mut conn, 100).await;
    let claim = Claim::of(&mut conn).await;
    let from_start = claim.pages(&mut conn, i16::MIN, sqlx::types::Uuid::nil()).await;
    let from_mark = claim.pages(&mut conn, 0, mark.as_uuid()).await;
    say(&format!(
        "5,000 unknown at the head: {from_start} pages from the start, {from_mark} from the mark"
    ));
    assert!(from_start > 3 * from_mark && from_mark < 40);
    sqlx::raw_sql("delete from trunkline.ready; delete from trunkline.jobs")
        .execute(&mut conn)
        .await
        .unwrap();
}
