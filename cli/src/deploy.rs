//! `trunkline deploy`: what this version can do, and what it would do to the runs that are in flight.

use std::process::ExitCode;

use daemon::{
    config::Env,
    telemetry::{self, LogConfig},
};
use engine::{Breaks, DeployReport, Finding};
use secrecy::SecretString;

use crate::{VERSION, args::DeployCommand, ready, runtime};

pub(crate) fn run(command: &DeployCommand) -> anyhow::Result<ExitCode> {
    let env = Env::of_process();
    let try_kinds = env.var("TRUNKLINE_TRY_KINDS").flag().or(false);
    match command {
        DeployCommand::Manifest => {
            let try_kinds = env.finish(try_kinds)?;
            let manifest = workflows::registry(try_kinds).manifest(VERSION);
            ready::print(&manifest)?;
            Ok(ExitCode::SUCCESS)
        }
        DeployCommand::Check { json } => {
            let log = LogConfig::read(&env);
            let url: SecretString =
                env.var("DATABASE_URL").secret_url(&["postgres", "postgresql"]).required();
            let url = env.finish(url)?;
            telemetry::install(&log, "deploy", VERSION)?;
            let registry = workflows::registry(try_kinds);
            let report = runtime()?.block_on(registry.check_deploy(&url))?;
            if *json {
                ready::print(&report)?;
            } else {
                show(&report);
            }
            Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

#[expect(clippy::print_stdout, reason = "this is what was asked for")]
fn show(report: &DeployReport) {
    let all = if report.complete { "all" } else { "a sample" };
    println!("{} runs in flight were looked at ({all}).", report.runs);
    for finding in &report.findings {
        println!("- {}", line(finding));
    }
    if report.ok {
        println!("This version ({VERSION}) fits all of them.");
    }
}

fn line(finding: &Finding) -> String {
    let Finding { breaks, name, why, count, example } = finding;
    let what = match breaks {
        Breaks::UnknownKind => format!("{count} runs of the kind {name} would wait"),
        Breaks::Arguments => format!("{count} runs of the kind {name} would be parked"),
        Breaks::UnknownDeed | Breaks::Deed => {
            format!("{count} ledger entries {name} could not be taken back")
        }
        Breaks::Schedule => format!("the schedule {name} would not be made"),
    };
    let example = example.map(|job| format!(" (such as {job})")).unwrap_or_default();
    format!("{what}: {why}{example}")
}
