//! One job a tick, however many look at the clock.

use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc, Weekday};
use engine::{Backfill, Missed, Operator, Schedule, ScheduleChange, ScheduleView, State};
use serde_json::json;
use tests::{holds, wait_until};

use crate::toy::{Rig, operator, registry};

fn hourly() -> Schedule {
    Schedule {
        name: "hourly".to_owned(),
        cron: "0 * * * *".to_owned(),
        timezone: "Pacific/Auckland".to_owned(),
        kind: "script".to_owned(),
        queue: "toys".to_owned(),
        args: json!([]),
        missed: Missed::RunOnce,
    }
}

async fn made(rig: &Rig, jobs: i64) {
    wait_until(&format!("{jobs} jobs"), async || {
        let count = rig.db.number("select from trunkline.jobs").await;
        assert!(count <= jobs, "{count} jobs instead of {jobs}");
        holds(rig.db.number("select from trunkline.outcomes").await == jobs)
    })
    .await;
}

#[tokio::test]
async fn three_replicas_make_one_job_a_tick_and_a_missed_tick_runs_once() {
    let rig = Rig::with(registry().scheduled(hourly())).await;
    let mut workers = Vec::new();
    for _ in 0..3 {
        workers.push(rig.worker().await);
    }
    rig.db.advance(Duration::from_hours(1)).await;
    made(&rig, 1).await;
    rig.db.advance(Duration::from_hours(1)).await;
    made(&rig, 2).await;
    drop(workers);
    rig.db.advance(Duration::from_hours(10)).await;
    let _again = (rig.worker().await, rig.worker().await);
    made(&rig, 3).await;
    let now = rig.db.now().await;
    let ahead: bool = sqlx::query_scalar(
        "select next_at > $1 and next_at <= $1 + interval '1 hour' from trunkline.schedules",
    )
    .bind(now)
    .fetch_one(rig.db.owner())
    .await
    .unwrap();
    assert!(ahead, "the next tick is the next one by the clock");
    rig.db.advance(Duration::from_hours(1)).await;
    made(&rig, 4).await;
}

#[tokio::test]
async fn a_tick_by_hand_is_the_same_tick() {
    let rig = Rig::with(registry().scheduled(hourly())).await;
    let next: DateTime<Utc> = sqlx::query_scalar("select next_at from trunkline.schedules")
        .fetch_one(rig.db.owner())
        .await
        .unwrap();
    let by_hand = engine::NewJob::of_kind("script", "toys", json!([]))
        .unique(engine::tick_key("hourly", next));
    let id = rig.enqueue(by_hand).await;
    let _worker = rig.worker().await;
    rig.becomes(id, State::Succeeded).await;
    rig.db.advance(Duration::from_hours(1)).await;
    wait_until("the tick passes", async || {
        let moved = format!("select from trunkline.schedules where last_job_id = '{id}'");
        holds(rig.db.number(&moved).await == 1)
    })
    .await;
    assert_eq!(rig.db.number("select from trunkline.jobs").await, 1);
}

async fn seen(rig: &Rig, name: &str) -> ScheduleView {
    let all = rig.engine.schedules().await.unwrap();
    all.into_iter().find(|schedule| schedule.name == name).unwrap()
}

/// Who asks, and why.
fn by(actor: &str, reason: &str) -> Operator {
    Operator::new(actor).because(reason)
}

/// Changes a schedule's row behind the engine's back.
async fn corrupt(rig: &Rig, set: &str) {
    let statement = format!("update trunkline.schedules set {set}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(rig.db.owner()).await.unwrap();
}

#[tokio::test]
async fn a_paused_schedule_makes_nothing_and_what_fell_into_the_pause_is_left_out() {
    let rig = Rig::with(registry().scheduled(hourly())).await;
    let mut tx = rig.engine.begin().await.unwrap();
    tx.schedule_pause("hourly", &by("anna", "the provider is down")).await.unwrap();
    tx.schedule_pause("hourly", &by("berta", "too late to say why")).await.unwrap();
    tx.commit().await.unwrap();
    let _worker = rig.worker().await;
    rig.db.advance(Duration::from_hours(5)).await;
    // A run by hand is possible, and shows that the worker would have seen a tick.
    let mut tx = rig.engine.begin().await.unwrap();
    let one = tx.schedule_run("hourly", "click-1", &operator()).await.unwrap().id();
    tx.commit().await.unwrap();
    let mut tx = rig.engine.begin().await.unwrap();
    assert_eq!(
        tx.schedule_run("hourly", "click-1", &operator()).await.unwrap().id(),
        one,
        "one click, one job"
    );
    tx.commit().await.unwrap();
    rig.becomes(one, State::Succeeded).await;
    let paused = seen(&rig, "hourly").await;
    let order = paused.paused.unwrap();
    assert_eq!((order.by.as_str(), order.reason.as_str()), ("anna", "the provider is down"));
    assert_eq!(paused.next.len(), 5);
    // A deploy does not end a pause.
    let _again = engine::Engine::connect(rig.db.engine_config(), &rig.registry).await.unwrap();
    assert!(seen(&rig, "hourly").await.paused.is_some());
    let mut tx = rig.engine.begin().await.unwrap();
    tx.schedule_resume("hourly", &operator()).await.unwrap();
    tx.commit().await.unwrap();
    let resumed = seen(&rig, "hourly").await;
    assert!(resumed.paused.is_none() && resumed.next[0] > rig.db.now().await);
    made(&rig, 1).await;
    rig.db.advance(Duration::from_hours(1)).await;
    made(&rig, 2).await;
}

#[tokio::test]
async fn a_schedule_catches_up_with_as_many_missed_ticks_as_it_may() {
    let schedule = Schedule { missed: Missed::CatchUp { max: 3 }, ..hourly() };
    let rig = Rig::with(registry().scheduled(schedule)).await;
    rig.db.advance(Duration::from_hours(10)).await;
    let _workers = (rig.worker().await, rig.worker().await);
    made(&rig, 3).await;
    rig.db.advance(Duration::from_hours(1)).await;
    made(&rig, 4).await;
}

#[tokio::test]
async fn a_skipping_schedule_leaves_out_what_was_missed() {
    let schedule = Schedule { missed: Missed::Skip, ..hourly() };
    let rig = Rig::with(registry().scheduled(schedule)).await;
    // Ten minutes past an hour: the tick at the full one is too old to run.
    let past = seen(&rig, "hourly").await.next[2] + TimeDelta::minutes(10);
    rig.db.advance((past - rig.db.now().await).to_std().unwrap()).await;
    let _worker = rig.worker().await;
    wait_until("the missed ticks are left out", async || {
        let next = seen(&rig, "hourly").await.next[0];
        holds(
            rig.db.number("select from trunkline.schedules where next_at > trunkline.now()").await
                == 1
                && next > past,
        )
    })
    .await;
    assert_eq!(rig.db.number("select from trunkline.jobs").await, 0);
    rig.db.advance(Duration::from_mins(50)).await;
    made(&rig, 1).await;
}

#[tokio::test]
async fn a_schedule_that_cannot_be_made_says_why_and_holds_up_no_other() {
    let broken = Schedule { name: "broken".to_owned(), ..hourly() };
    let rig = Rig::with(registry().scheduled(broken).scheduled(hourly())).await;
    corrupt(&rig, "cron = '0 0 1--100000000 * *', next_at = next_at - interval '1 hour' where name = 'broken'").await;
    rig.db.advance(Duration::from_hours(1)).await;
    let _worker = rig.worker().await;
    made(&rig, 1).await;
    let broken = wait_until("the fault is noted", async || {
        let broken = seen(&rig, "broken").await;
        broken.fault.is_some().then_some(broken)
    })
    .await;
    assert!(broken.fault.unwrap().contains("1--100000000"), "it says what is wrong");
    assert!(broken.next.is_empty());
    assert_eq!(seen(&rig, "hourly").await.last_state, Some(State::Succeeded));
}

#[tokio::test]
async fn a_schedule_that_no_code_names_makes_nothing_and_shows() {
    let rig = Rig::with(registry().scheduled(hourly())).await;
    let gone = Schedule { name: "gone".to_owned(), ..hourly() };
    let older = registry().scheduled(hourly()).scheduled(gone);
    engine::Engine::connect(rig.db.engine_config(), &older).await.unwrap();
    rig.db.advance(Duration::from_hours(1)).await;
    let _worker = rig.worker().await;
    made(&rig, 1).await;
    rig.db.advance(Duration::from_hours(1)).await;
    made(&rig, 2).await;
    assert!(!seen(&rig, "gone").await.declared && seen(&rig, "hourly").await.declared);
    assert_eq!(seen(&rig, "gone").await.last_at, None);
}

#[tokio::test]
async fn an_operators_change_stays_until_the_code_changes_its_mind() {
    let rig = Rig::with(registry().scheduled(hourly())).await;
    let mut tx = rig.engine.begin().await.unwrap();
    let change =
        ScheduleChange { cron: Some("30 4 * * *".to_owned()), ..ScheduleChange::default() };
    tx.schedule_change("hourly", &change, &by("anna", "once a day is enough")).await.unwrap();
    let bad = ScheduleChange { cron: Some("61 * * * *".to_owned()), ..ScheduleChange::default() };
    tx.schedule_change("hourly", &bad, &by("anna", "a slip")).await.unwrap_err();
    tx.commit().await.unwrap();
    let _again = engine::Engine::connect(rig.db.engine_config(), &rig.registry).await.unwrap();
    let changed = seen(&rig, "hourly").await;
    assert_eq!(changed.cron, "30 4 * * *");
    assert_eq!(changed.changed.unwrap().by, "anna");
    let newer = registry().scheduled(Schedule { cron: "15 * * * *".to_owned(), ..hourly() });
    engine::Engine::connect(rig.db.engine_config(), &newer).await.unwrap();
    let declared = seen(&rig, "hourly").await;
    assert_eq!(declared.cron, "15 * * * *");
    assert!(declared.changed.is_none());
}

#[tokio::test]
async fn a_backfill_makes_each_tick_of_its_range_once_and_none_that_has_run() {
    let rig = Rig::with(registry().scheduled(hourly())).await;
    let worker = rig.worker().await;
    rig.db.advance(Duration::from_hours(1)).await;
    made(&rig, 1).await;
    let last = seen(&rig, "hourly").await.last_at.unwrap();
    let backfill = Backfill { from: last - TimeDelta::hours(5), to: last, per_minute: 600 };
    let mut tx = rig.engine.begin().await.unwrap();
    assert_eq!(tx.schedule_backfill("hourly", backfill, &by("anna", "lost")).await.unwrap(), 6);
    let second = tx.schedule_backfill("hourly", backfill, &by("anna", "again")).await.unwrap_err();
    assert!(second.to_string().contains("going on"), "{second}");
    tx.commit().await.unwrap();
    let shown = seen(&rig, "hourly").await.backfill;
    assert!(shown.is_none_or(|backfill| backfill.by == "anna"));
    // A restart goes on where it was.
    drop(worker);
    let _workers = (rig.worker().await, rig.worker().await);
    made(&rig, 6).await;
    let done = "select from trunkline.backfills where finished_at is not null and made = 5 and had_run = 1";
    wait_until("it is done", async || holds(rig.db.number(done).await == 1)).await;
    assert_eq!(seen(&rig, "hourly").await.last_at, Some(last), "the schedule itself has not moved");
}

#[tokio::test]
async fn a_backfill_is_bounded_and_keeps_its_pace() {
    let every_minute = Schedule { cron: "* * * * *".to_owned(), ..hourly() };
    let rig = Rig::with(registry().scheduled(every_minute)).await;
    corrupt(&rig, "next_at = '2099-01-01'").await;
    let now = rig.db.now().await;
    let range = |back: TimeDelta, per_minute| Backfill { from: now - back, to: now, per_minute };
    let mut tx = rig.engine.begin().await.unwrap();
    for too_much in [
        range(TimeDelta::days(30), 60),
        range(TimeDelta::days(400), 60),
        range(-TimeDelta::hours(1), 60),
    ] {
        tx.schedule_backfill("hourly", too_much, &by("anna", "all of it")).await.unwrap_err();
    }
    tx.schedule_backfill("hourly", range(TimeDelta::minutes(4), 2), &by("anna", "slowly"))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let _worker = rig.worker().await;
    made(&rig, 1).await;
    for jobs in 2..=4 {
        let resume = "select from trunkline.backfills where resume_at > trunkline.now() + interval '20 seconds'";
        assert_eq!(rig.db.number(resume).await, 1, "it rests for half a minute");
        rig.db.advance(Duration::from_secs(31)).await;
        made(&rig, jobs).await;
    }
    let mut tx = rig.engine.begin().await.unwrap();
    tx.schedule_backfill_stop("hourly", &operator()).await.unwrap();
    tx.commit().await.unwrap();
    assert!(seen(&rig, "hourly").await.backfill.is_none());
}

/// A tick in the hour that is left out, and one in the hour that comes twice, as the database's clock passes them.
#[tokio::test]
async fn when_clocks_change_each_tick_runs_once() {
    let nightly = Schedule {
        cron: "30 2 * * *".to_owned(),
        timezone: "Europe/Vienna".to_owned(),
        missed: Missed::CatchUp { max: 10 },
        ..hourly()
    };
    let rig = Rig::with(registry().scheduled(nightly)).await;
    let year = rig.db.now().await.year() + 1;
    // On the last Sunday of March 02:00 becomes 03:00: the tick comes at 03:00 (01:00 UTC). On that of October 03:00 becomes
    // 02:00: the first half past two counts (00:30 UTC), the second does not.
    for (month, tick) in [(3, "01:00:00"), (10, "00:30:00")] {
        let sunday = (25..=31)
            .filter_map(|day| NaiveDate::from_ymd_opt(year, month, day))
            .find(|day| day.weekday() == Weekday::Sun)
            .unwrap();
        let (from, to) =
            (format!("{}T12:00:00Z", sunday - Days::new(1)), format!("{sunday}T12:00:00Z"));
        let tick = format!("{sunday}T{tick}Z");
        let before = rig.db.number("select from trunkline.jobs").await;
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let cron = engine::cron::Cron::parse("30 2 * * *", "Europe/Vienna").unwrap();
        rig.db.advance((at(&from) - rig.db.now().await).to_std().unwrap()).await;
        let next = cron.next_after(at(&from)).unwrap();
        corrupt(&rig, &format!("next_at = '{next}', last_at = null")).await;
        rig.db.advance((at(&to) - rig.db.now().await).to_std().unwrap()).await;
        let worker = rig.worker().await;
        made(&rig, before + 1).await;
        let last = seen(&rig, "hourly").await.last_at;
        assert_eq!(last, Some(at(&tick)));
        drop(worker);
    }
}

#[tokio::test]
async fn a_day_s_ticks_are_counted_by_how_their_jobs_ended() {
    let failing = Schedule {
        name: "failing".to_owned(),
        args: json!([{ "Body": "permanent" }]),
        missed: Missed::CatchUp { max: 100 },
        ..hourly()
    };
    let rig = Rig::with(registry().scheduled(hourly()).scheduled(failing)).await;
    rig.db.advance(Duration::from_hours(3)).await;
    let late = seen(&rig, "hourly").await;
    assert!(late.late_secs.is_some_and(|secs| secs > 3600), "{late:?}");
    let _worker = rig.worker().await;
    // Of three hours one runs once, the other each tick.
    made(&rig, 4).await;
    let mut tx = rig.engine.begin().await.unwrap();
    let by_hand = tx.schedule_run("hourly", "click", &operator()).await.unwrap().id();
    tx.commit().await.unwrap();
    rig.becomes(by_hand, State::Succeeded).await;
    let schedules = rig.engine.schedules().await.unwrap();
    let counts = rig.engine.ticks_of_day(&schedules, rig.db.now().await).await.unwrap();
    let of = |name: &str| {
        let count = &counts[name];
        (count.made, count.succeeded, count.failed, count.unfinished)
    };
    assert_eq!(of("hourly"), (1, 1, 0, 0), "what was started by hand is no tick");
    assert_eq!(of("failing"), (3, 0, 3, 0));
    let last = seen(&rig, "failing").await;
    let (made_at, finished_at) = (last.last_made_at.unwrap(), last.last_finished_at.unwrap());
    assert!(last.last_state == Some(State::Failed) && made_at <= finished_at, "{last:?}");
    assert_eq!(last.late_secs, None);
}

#[tokio::test]
async fn how_late_a_schedule_is_and_for_how_long_it_was_paused_is_told_for_those_of_the_code() {
    let rig = Rig::with(registry().scheduled(hourly())).await;
    corrupt(&rig, "next_at = trunkline.now() + interval '1 hour'").await;
    let lag = async || {
        let lags = rig.engine.schedule_lags().await.unwrap();
        assert_eq!(lags.len(), 1, "{lags:?}");
        let hours = |time: Duration| time.as_secs() / 3600;
        (hours(lags[0].late), hours(lags[0].paused))
    };
    assert_eq!(lag().await, (0, 0));
    rig.db.advance(Duration::from_hours(3)).await;
    assert_eq!(lag().await, (2, 0), "two hours since it was due");
    let mut tx = rig.engine.begin().await.unwrap();
    tx.schedule_pause("hourly", &by("anna", "the provider is down")).await.unwrap();
    tx.commit().await.unwrap();
    rig.db.advance(Duration::from_hours(25)).await;
    assert_eq!(lag().await, (0, 25), "what is paused is not late");
    // A version that does not name it makes no ticks of it, and does not call it late.
    let other = engine::Engine::connect(rig.db.engine_config(), &registry()).await.unwrap();
    assert_eq!(other.schedule_lags().await.unwrap(), []);
}
