//! How quick calls are, and how quick they are again when their worker was killed. Figures of this machine at this moment: they
//! are printed, and held only to what a caller would call broken. With `TRUNKLINE_FULL` only.

use std::time::Duration;

use rustix::process::Signal;
use sandbox::twilio::{Story, What};
use tests::{fleet::Worker, holds, wait_until};

use crate::house::{House, Ringing, is_full};

/// So many calls side by side.
const CALLS: u32 = 20;

#[expect(clippy::print_stdout, reason = "a test's log is its standard output")]
fn say(what: &str, mut micros: Vec<u64>) {
    micros.sort_unstable();
    let at = |percent: usize| micros.get(micros.len() * percent / 100).or(micros.last()).copied();
    let ms = |micros: Option<u64>| {
        Duration::from_micros(micros.unwrap_or_default()).as_secs_f64() * 1000.0
    };
    let (p50, p99) = (ms(at(50)), ms(at(99)));
    println!("{what}: p50 {p50:.2} ms, p99 {p99:.2} ms, of {}", micros.len());
}

/// Processor time that a process has had, in hundredths of a second.
fn cpu(worker: &Worker) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", worker.pid())).unwrap();
    let after = stat.rsplit(')').next().unwrap();
    let fields: Vec<_> = after.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// From the first loss of the stream to the next sound, in microseconds.
fn silence(story: &Story) -> Option<u64> {
    let lost = story.moments.iter().position(|it| matches!(it.what, What::StreamClosed { .. }))?;
    let heard = |what: &What| matches!(what, What::FirstAudio { .. } | What::Heard { .. });
    let again = story.moments[lost..].iter().find(|it| heard(&it.what))?;
    Some(micros(again.at_ms - story.moments[lost].at_ms))
}

fn micros(ms: f64) -> u64 {
    let time = Duration::from_secs_f64(ms.max(0.0) / 1000.0);
    time.as_micros().try_into().unwrap_or(u64::MAX)
}

async fn many(house: &House) -> Vec<Ringing> {
    let mut ringing = Vec::new();
    for _ in 0..CALLS {
        ringing.push(house.rings_as(&[], |placement| placement.speed = 1).await);
    }
    for call in &ringing {
        call.says("good day");
    }
    for call in &ringing {
        house.hears(call, 1).await;
    }
    ringing
}

#[tokio::test]
async fn calls_side_by_side_are_quick_and_quick_again_when_their_worker_is_killed() {
    if !is_full() {
        return;
    }
    let house = House::open().await;
    let first = house.worker(CALLS).await;
    let ringing = many(&house).await;
    let routes: Vec<_> = ringing
        .iter()
        .filter_map(|call| {
            call.live.story().moments.iter().find_map(|it| {
                let What::Webhook { took_ms, .. } = &it.what else { return None };
                Some(micros(*took_ms))
            })
        })
        .collect();
    say("the first route", routes);

    house.model.take_delays_micros();
    let (before, began) = (cpu(&first), std::time::Instant::now());
    for call in &ringing {
        call.says("tell me about the weather");
    }
    for call in &ringing {
        house.hears(call, 2).await;
    }
    let spent = Duration::from_millis(10 * (cpu(&first) - before)).as_secs_f64();
    println_share(spent / began.elapsed().as_secs_f64() / f64::from(CALLS));
    say("a frame from the phone to the model", house.model.take_delays_micros());
    let down: Vec<u64> = ringing.iter().flat_map(|it| it.live.story().delays_micros).collect();
    say("sound from the model to the phone", down);

    let second = house.worker(CALLS).await;
    first.signal(Signal::KILL);
    for call in &ringing {
        house.hears(call, 3).await;
    }
    let silent: Vec<_> = ringing.iter().filter_map(|it| silence(&it.live.story())).collect();
    assert_eq!(silent.len(), ringing.len(), "every call speaks again");
    say("silence after kill -9", silent);
    for call in &ringing {
        call.live.hang_up();
    }
    wait_until("all are over", async || {
        let live = "select session_id from product.voice_sessions where outcome is null";
        let mut rows = house.db.superuser().await;
        let statement = format!("select count(*) from ({live}) t");
        let left: i64 =
            sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(&mut rows).await.unwrap();
        holds(left == 0)
    })
    .await;
    drop(second);
}

#[expect(clippy::print_stdout, reason = "a test's log is its standard output")]
fn println_share(share: f64) {
    println!("processor for a call, phone and model beside it: {:.1} % of a core", share * 100.0);
}
