//! Live calls: both ends are simulated by a `trunkline dev` of the benchmark's own, and spoken by voice workers that are processes
//! as in production. All of them share this machine, so that figures of one run are comparable, and those of two machines are
//! not. There is no floor: nobody else speaks these calls.

mod call; // a call that is placed and watched
mod crew; // the processes
mod gauges; // what a worker says of itself

use std::time::{Duration, Instant};

use anyhow::Context;
use futures::future::try_join_all;

use self::{
    call::{Call, Story},
    crew::{Crew, Speaker},
    gauges::Gauges,
};
use crate::{
    Extent, Figure, Host, Series,
    kinds::Noop,
    rig::{Worker, engine, fill},
};

/// Calls side by side.
const CALLS: usize = 100;

/// Between two calls that come in.
const APART: Duration = Duration::from_millis(100);

/// How long everybody talks while they are measured.
const WINDOW: Duration = Duration::from_secs(15);

/// Calls more, again and again, until sound comes late.
const MORE: usize = 50;

/// No further than this.
const CALLS_MAX: usize = 400;

/// Later than this sound is late, in milliseconds: as long as it is.
const LATE_MS: f64 = 20.0;

/// Calls whose worker is killed.
const KILLED: usize = 20;

/// The backlog that another pool drains meanwhile.
const LOAD: usize = 100_000;

/// What a caller says: four seconds, and an answer that is as long.
const QUESTION: &str = "say what are the opening hours of your shop on the main square";

pub(crate) async fn measure(
    extent: Extent,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    let crew = Crew::start().await?;
    let calls = extent.of(CALLS);
    let speaker = crew.speaker(calls).await?;
    let before = speaker.gauges(&crew).await?;
    let idle = come_in(&crew, calls).await?;
    door(&crew, &idle, say).await?;
    talk(&crew, &speaker, &idle, &before, say).await?;
    full(&crew, say).await?;
    hang_up(&crew, idle).await?;
    speaker.stop().await?;

    loaded(&crew, extent, say).await?;
    killed(&crew, say).await?;
    ramp(&crew, say).await?;
    crew.stop().await
}

fn one(metric: &'static str, unit: &'static str, value: f64) -> Figure {
    Figure::new("voice", metric, unit, &std::iter::once(value).collect())
}

/// So many ring, one after the other, and stay on the line.
async fn come_in(crew: &Crew, calls: usize) -> anyhow::Result<Vec<Call>> {
    let mut ringing = Vec::with_capacity(calls);
    for _ in 0..calls {
        ringing.push(Call::place(crew, 1).await?);
        pause(APART).await;
    }
    for call in &ringing {
        call.until(crew, "its audio is there", Story::is_open).await?;
    }
    Ok(ringing)
}

async fn stories(crew: &Crew, calls: &[Call]) -> anyhow::Result<Vec<Story>> {
    try_join_all(calls.iter().map(|call| call.story(crew))).await
}

/// How soon a call is answered and claimed while slots are free.
async fn door(
    crew: &Crew,
    calls: &[Call],
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    let told = stories(crew, calls).await?;
    let answered: Series = told.iter().flat_map(|story| story.took("incoming")).collect();
    say(one("webhook_p99_ms", "ms", answered.percentile(99.0)));
    let found = told.iter().filter(|story| story.first_route_connects()).count();
    say(one("first_route_percent", "%", percent(found, told.len())));
    let claims = crew.pickups().await?;
    say(one("pickup_p50_ms", "ms", claims.median()));
    say(one("pickup_p99_ms", "ms", claims.percentile(99.0)));
    Ok(())
}

/// Everybody talks, and interrupts.
async fn talk(
    crew: &Crew,
    speaker: &Speaker,
    calls: &[Call],
    before: &Gauges,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    let window = chat(crew, speaker, calls).await?;
    say(one("frame_p50_ms", "ms", window.quantile("voice_frame_seconds", 0.5) * 1000.0));
    say(one("frame_p99_ms", "ms", window.quantile("voice_frame_seconds", 0.99) * 1000.0));
    let late: Series = stories(crew, calls).await?.iter().filter_map(Story::delay_p99).collect();
    say(one("far_end_p99_ms", "ms", late.median()));
    #[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
    let count = calls.len() as f64;
    let cpu = window.of("process_cpu_seconds_total") / WINDOW.as_secs_f64();
    say(one("cpu_per_call_percent", "%", cpu * 100.0 / count));
    let bytes = speaker.gauges(crew).await?.of("process_resident_memory_bytes")
        - before.of("process_resident_memory_bytes");
    say(one("memory_per_call_kib", "KiB", bytes / 1024.0 / count));

    let began = speaker.gauges(crew).await?;
    for deed in [QUESTION, "interrupt 500", "say wait a moment please"] {
        try_join_all(calls.iter().map(|call| call.does(crew, deed))).await?;
    }
    for call in calls {
        call.until(crew, "it is interrupted", Story::is_cleared).await?;
    }
    let window = speaker.gauges(crew).await?.since(&began);
    say(one("barge_in_p99_ms", "ms", window.quantile("voice_barge_in_seconds", 0.99) * 1000.0));
    Ok(())
}

/// Everybody asks something, and is answered meanwhile; what the worker measured in this time.
async fn chat(crew: &Crew, speaker: &Speaker, calls: &[Call]) -> anyhow::Result<Gauges> {
    let before = speaker.gauges(crew).await?;
    for deed in [QUESTION, "listen", QUESTION, "listen"] {
        try_join_all(calls.iter().map(|call| call.does(crew, deed))).await?;
    }
    pause(WINDOW).await;
    Ok(speaker.gauges(crew).await?.since(&before))
}

/// Who rings while every slot is taken is answered as quickly.
async fn full(crew: &Crew, say: &mut (dyn FnMut(Figure) + Send)) -> anyhow::Result<()> {
    let mut more = Vec::new();
    for _ in 0..20 {
        more.push(Call::place(crew, 4).await?);
        pause(APART).await;
    }
    for call in &more {
        call.until(crew, "nobody is free", Story::is_over).await?;
    }
    let told = stories(crew, &more).await?;
    let answered: Series = told.iter().flat_map(|story| story.took("incoming")).collect();
    say(one("webhook_p99_ms_full", "ms", answered.percentile(99.0)));
    Ok(())
}

/// How soon calls are claimed while another pool drains a backlog.
async fn loaded(
    crew: &Crew,
    extent: Extent,
    say: &mut (dyn FnMut(Figure) + Send),
) -> anyhow::Result<()> {
    let host = Host::at(crew.database_url().clone()).await?;
    let calls = extent.of(CALLS) / 2;
    let speaker = crew.speaker(calls).await?;
    let (filling, draining) = (engine(&host).await?, engine(&host).await?);
    fill(&filling, extent.of(LOAD), Noop::usual).await?;
    let drainer = Worker::start(&draining, 1000, &["bench"]).await?;
    let ringing = come_in(crew, calls).await?;
    let claims = crew.pickups().await?;
    say(one("pickup_p50_ms_loaded", "ms", claims.median()));
    say(one("pickup_p99_ms_loaded", "ms", claims.percentile(99.0)));
    hang_up(crew, ringing).await?;
    drainer.stop().await;
    speaker.stop().await
}

/// A worker is killed in the middle of its calls: when do they speak again, and what has the next one forgotten?
async fn killed(crew: &Crew, say: &mut (dyn FnMut(Figure) + Send)) -> anyhow::Result<()> {
    let first = crew.speaker(KILLED).await?;
    let ringing = come_in(crew, KILLED).await?;
    for (number, call) in ringing.iter().enumerate() {
        call.does(crew, &format!("say my name is caller {number}")).await?;
    }
    for call in &ringing {
        call.until(crew, "it is answered", |story| story.heard() >= 1).await?;
    }
    let second = crew.speaker(KILLED).await?;
    first.kill().await?;
    for call in &ringing {
        call.until(crew, "it speaks again", |story| story.silence_ms().is_some()).await?;
    }
    let silent: Series =
        stories(crew, &ringing).await?.iter().filter_map(Story::silence_ms).collect();
    say(one("after_kill_p50_ms", "ms", silent.median()));
    say(one("after_kill_p99_ms", "ms", silent.percentile(99.0)));
    let known = crew.known_to_newest(KILLED).await?;
    let lost = (0..KILLED)
        .filter(|number| !known.iter().any(|words| *words == format!("my name is caller {number}")))
        .count();
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    say(one("after_kill_turns_lost", "", lost as f64));
    hang_up(crew, ringing).await?;
    second.stop().await
}

/// How many calls one worker bears before sound comes late.
async fn ramp(crew: &Crew, say: &mut (dyn FnMut(Figure) + Send)) -> anyhow::Result<()> {
    let speaker = crew.speaker(CALLS_MAX).await?;
    let mut ringing = Vec::new();
    let mut late_at = f64::NAN;
    while ringing.len() < CALLS_MAX {
        ringing.extend(come_in(crew, MORE).await?);
        let window = chat(crew, &speaker, &ringing).await?;
        let p99 = window.quantile("voice_frame_seconds", 0.99) * 1000.0;
        eprintln!("{} calls: frame p99 {p99:.2} ms", ringing.len());
        if p99 > LATE_MS {
            #[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
            (late_at = ringing.len() as f64);
            break;
        }
    }
    say(one("calls_when_late", "", late_at));
    hang_up(crew, ringing).await?;
    speaker.stop().await
}

async fn hang_up(crew: &Crew, calls: Vec<Call>) -> anyhow::Result<()> {
    try_join_all(calls.iter().map(|call| call.does(crew, "hang up"))).await?;
    crew.at_rest().await.context("a session does not end")
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred at most")]
fn percent(part: usize, whole: usize) -> f64 {
    part as f64 * 100.0 / whole as f64
}

#[expect(clippy::disallowed_methods, reason = "calls come and talk by the world's clock")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Looks again and again, up to a minute.
async fn eventually<T>(
    what: &str,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_mins(1) {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        pause(Duration::from_millis(100)).await;
    }
    anyhow::bail!("after a minute, not yet: {what}")
}
