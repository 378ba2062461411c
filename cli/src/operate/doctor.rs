//! `trunkline doctor`: what is wrong now, and nothing else of what the API says of itself.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::{
    client::{Client, Told},
    health, show,
};
use crate::{args::DoctorArgs, runtime};

/// Prints what is wrong. The exit code says whether anything is.
pub(crate) fn run(options: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let client = Client::at(options.url.as_deref())?;
    let answer = match runtime()?.block_on(client.get(health::PATH, &[]))? {
        Ok(answer) => answer,
        Err(told) => return Ok(told.exit_code()),
    };
    let wrong: Vec<_> = answer["findings"].as_array().into_iter().flatten().map(line).collect();
    if options.json {
        show::json(&json!({ "healthy": wrong.is_empty(), "findings": wrong }))?;
    } else if wrong.is_empty() {
        eprintln!("Nothing is wrong that can be seen from here.");
    } else {
        for line in &wrong {
            eprintln!("- {line}");
        }
    }
    Ok(if wrong.is_empty() { Told::Done } else { Told::Failed }.exit_code())
}

/// What is wrong, and the command that shows more.
fn line(finding: &Value) -> String {
    let says = health::word(&finding["says"]);
    let command = finding["command"].as_str().map(|it| format!(": {it}")).unwrap_or_default();
    format!("{says}{command}")
}
