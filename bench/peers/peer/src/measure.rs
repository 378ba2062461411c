//! The clocks.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::future::try_join_all;

use crate::{CALLERS, Flows, Options, Peer, What, figure::Sayer, marks, watch::Watch};

/// Between two jobs of one that is to be idle.
const REST: Duration = Duration::from_millis(3);

/// A backlog whose last job has not begun by then will not begin.
const PATIENCE: Duration = Duration::from_mins(3);

/// Jobs before a latency is measured: connections are open then, and statements prepared.
const WARM_UP: usize = 3;

pub(crate) async fn run<P: Peer>(options: &Options) -> anyhow::Result<()> {
    let peer = P::set_up(options).await.context("it could not be set up")?;
    let watch = Watch::connect(&options.url).await?;
    let sayer = Sayer { identity: P::identity(options.setting), setting: options.setting };
    match options.what {
        What::Drain => drain(&peer, options, &watch, &sayer).await,
        What::Enqueue => enqueue(&peer, options, &sayer).await,
        What::Bulk => bulk(&peer, options, &sayer).await,
        What::Pickup => pickup(&peer, options, &sayer).await,
        What::Steps => {
            let flows = peer.flows().context("it has no workflows")?;
            steps(&peer, &flows, options, &watch, &sayer).await
        }
    }
}

/// From the first start to the last end; and the log of a job's whole life.
async fn drain<P: Peer>(
    peer: &P,
    options: &Options,
    watch: &Watch,
    sayer: &Sayer,
) -> anyhow::Result<()> {
    let before = watch.wal_bytes().await?;
    peer.add_many(options.jobs).await?;
    let added = watch.wal_bytes().await?;
    watch.analyze().await?;
    let from = watch.wal_bytes().await?;
    let last = marks::after(options.jobs);
    peer.work().await?;
    let seconds = ended(last, watch, P::unfinished()).await?;
    let wal = added - before + watch.wal_bytes().await? - from;
    sayer.say("drain_per_s", rate(options.jobs, seconds), "1/s", options.jobs)?;
    sayer.say("wal_bytes_per_job", wal / rate(options.jobs, 1.0), "bytes", options.jobs)
}

/// Waits for the last start and then for the last end. Seconds since the first start.
async fn ended(
    last: tokio::sync::watch::Receiver<Option<Instant>>,
    watch: &Watch,
    unfinished: &str,
) -> anyhow::Result<f64> {
    tokio::time::timeout(PATIENCE, marks::reached(last))
        .await
        .with_context(|| format!("{} s, and not all have begun", PATIENCE.as_secs()))??;
    let end = watch.no_longer(unfinished).await?;
    let began = marks::first().context("nothing has begun")?;
    Ok(end.duration_since(began).as_secs_f64())
}

/// One by one, each acknowledged when it is committed.
async fn enqueue<P: Peer>(peer: &P, options: &Options, sayer: &Sayer) -> anyhow::Result<()> {
    by_callers(peer.clone(), CALLERS, CALLERS * WARM_UP).await?;
    for (metric, callers) in [("enqueue_per_s_1", 1), ("enqueue_per_s_16", CALLERS)] {
        // One alone is slower: it waits for each commit.
        let jobs = if callers == 1 { options.jobs / 5 } else { options.jobs }.max(callers);
        let began = Instant::now();
        by_callers(peer.clone(), callers, jobs).await?;
        sayer.say(metric, rate(jobs, began.elapsed().as_secs_f64()), "1/s", jobs)?;
    }
    Ok(())
}

/// So many callers at once, each awaiting its own jobs one by one.
pub(crate) async fn by_callers<P: Peer>(
    peer: P,
    callers: usize,
    jobs: usize,
) -> anyhow::Result<()> {
    let callers = callers.min(jobs);
    let tasks = (0..callers).map(|caller| {
        let peer = peer.clone();
        // The first ones take what cannot be shared evenly.
        let mine = jobs / callers + usize::from(caller < jobs % callers);
        tokio::spawn(async move {
            for _ in 0..mine {
                peer.add().await?;
            }
            anyhow::Ok(())
        })
    });
    for done in try_join_all(tasks).await? {
        done?;
    }
    Ok(())
}

async fn bulk<P: Peer>(peer: &P, options: &Options, sayer: &Sayer) -> anyhow::Result<()> {
    peer.add().await?;
    let began = Instant::now();
    peer.add_many(options.jobs).await?;
    let seconds = began.elapsed().as_secs_f64();
    sayer.say("bulk_per_s", rate(options.jobs, seconds), "1/s", options.jobs)
}

/// One job after the other, to an idle worker: milliseconds from the return of the enqueue.
async fn pickup<P: Peer>(peer: &P, options: &Options, sayer: &Sayer) -> anyhow::Result<()> {
    peer.work().await?;
    tokio::time::sleep(peer.settles_in()).await;
    let mut times = Vec::new();
    let began = Instant::now();
    for round in 0..options.jobs + WARM_UP {
        let start = marks::after(1);
        peer.add().await?;
        let returned = Instant::now();
        let at = tokio::time::timeout(PATIENCE, marks::reached(start)).await??;
        if round >= WARM_UP {
            // Not below zero: a worker may be quicker than the caller's own return.
            times.push(at.saturating_duration_since(returned).as_secs_f64() * 1000.0);
        }
        tokio::time::sleep(REST).await;
        if began.elapsed() > options.budget && round >= WARM_UP {
            break;
        }
    }
    let count = times.len();
    times.sort_by(f64::total_cmp);
    sayer.say("pickup_p50_ms", percentile(&times, 50)?, "ms", count)?;
    sayer.say("pickup_p99_ms", percentile(&times, 99)?, "ms", count)
}

/// Workflows from a backlog, and then one by one: milliseconds from before the enqueue to the end seen from outside.
async fn steps<P: Peer>(
    peer: &P,
    flows: &impl Flows,
    options: &Options,
    watch: &Watch,
    sayer: &Sayer,
) -> anyhow::Result<()> {
    let before = watch.wal_bytes().await?;
    flows.add_many(options.jobs).await?;
    let added = watch.wal_bytes().await?;
    watch.analyze().await?;
    let from = watch.wal_bytes().await?;
    let last = marks::after(options.jobs);
    flows.work().await?;
    let seconds = ended(last, watch, P::unfinished()).await?;
    let wal = added - before + watch.wal_bytes().await? - from;
    sayer.say("workflows_per_s", rate(options.jobs, seconds), "1/s", options.jobs)?;
    sayer.say("wal_bytes_per_workflow", wal / rate(options.jobs, 1.0), "bytes", options.jobs)?;

    tokio::time::sleep(peer.settles_in()).await;
    let mut times = Vec::new();
    let began = Instant::now();
    while times.len() < options.jobs.min(200)
        && (times.is_empty() || began.elapsed() < options.budget)
    {
        let begun = Instant::now();
        flows.add().await?;
        while watch.is_true(P::unfinished()).await? {
            tokio::task::yield_now().await;
        }
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    sayer.say("workflow_p50_ms", percentile(&times, 50)?, "ms", times.len())
}

/// The nearest rank of what is sorted.
fn percentile(sorted: &[f64], share: usize) -> anyhow::Result<f64> {
    ensure!(!sorted.is_empty(), "nothing was measured");
    let rank = (sorted.len() * share).div_ceil(100).max(1);
    Ok(sorted[rank - 1])
}

/// So many in so many seconds.
#[expect(clippy::cast_precision_loss, reason = "a few hundred thousand at most")]
fn rate(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        let at = |share| percentile(&sorted, share).expect("there are values");
        assert_eq!(at(50).total_cmp(&50.0), std::cmp::Ordering::Equal);
        assert_eq!(at(99).total_cmp(&99.0), std::cmp::Ordering::Equal);
        assert!(percentile(&[], 50).is_err());
    }
}
