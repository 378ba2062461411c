//! `trunkline demo`: plays the main job as its users do, over HTTP, against a running `trunkline dev` or one of its own.

mod instance; // the dev instance it talks to
mod play; // what a prospect does
mod report; // what happened, for a person

use std::process::ExitCode;

use self::{instance::Instance, report::Report};
use crate::{args::DemoArgs, ready, runtime};

pub(crate) fn run(options: &DemoArgs) -> anyhow::Result<ExitCode> {
    let instance = Instance::find_or_start(&options.home)?;
    let played = runtime()?.block_on(async {
        let played = play::play(instance.ready()).await?;
        Report::read(instance.ready(), played).await
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
