//! `trunkline doctor`: what is wrong now, asked of the API in a handful of questions.

use std::process::ExitCode;

use api::findings::{self, Look};
use serde_json::json;

use super::{
    client::{Client, Told},
    show,
};
use crate::{args::DoctorArgs, runtime};

/// Prints what is wrong. The exit code says whether anything is.
pub(crate) fn run(options: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let client = Client::at(options.url.as_deref())?;
    let look = runtime()?.block_on(async {
        let mut look = Look::default();
        for (question, place) in look.questions() {
            match client.get(question, &[]).await? {
                Ok(answer) => *place = answer,
                Err(told) => return anyhow::Ok(Err(told)),
            }
        }
        anyhow::Ok(Ok(look))
    })?;
    let look = match look {
        Ok(look) => look,
        Err(told) => return Ok(told.exit_code()),
    };
    let wrong: Vec<_> = findings::of(&look).iter().map(ToString::to_string).collect();
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
