//! `trunkline demo`: plays the main job as its users do, over HTTP, against a running `trunkline dev` or one of its own.

mod instance; // the dev instance it talks to
mod play; // what a prospect does
mod report; // what happened, for a person
mod times; // how long things took over many runs

use std::process::ExitCode;

use self::{instance::Instance, report::Report, times::Times};
pub(crate) use self::{
    instance::running,
    play::{answer, play},
};
use crate::{args::DemoArgs, ready, runtime};

pub(crate) fn run(options: &DemoArgs) -> anyhow::Result<ExitCode> {
    let instance = Instance::find_or_start(&options.home, options.runs)?;
    let played = runtime()?.block_on(async {
        let mut played = play::play(instance.ready()).await?;
        let mut times = Times::default();
        times.add(&played);
        for _ in 1..options.runs {
            played = play::play(instance.ready()).await?;
            times.add(&played);
        }
        Report::read(instance.ready(), played, &times).await
    });
    instance.stop();
    let report = played?;
    if options.json {
        ready::print(&report)?;
    } else {
        report.show();
    }
    Ok(ExitCode::SUCCESS)
}
