//! `trunkline call`: somebody calls a number of a running `trunkline dev`. What is said is shown as it is heard, with the times.

mod line; // a moment of the call, for a person
mod plan; // whom to call, and what to say

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use reqwest::Client;
use serde_json::{Value, json};

use crate::{
    args::CallArgs,
    demo::{answer, running},
    dev::Ready,
    ready, runtime,
};

/// How often the call's story is asked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(crate) fn run(options: &CallArgs) -> anyhow::Result<ExitCode> {
    let Some(instance) = running(&options.home) else {
        bail!("no `trunkline dev` is running in {}", options.home.display());
    };
    let script = plan::script(options)?;
    let story = runtime()?.block_on(async {
        let http = clients::http::client(clients::http::REQUEST_TIMEOUT)?;
        let to = match &options.to {
            Some(to) => to.clone(),
            None => plan::number(&http, &instance).await?,
        };
        let sid = place(&http, &instance, options, &to, &script).await?;
        follow(&http, &instance, &sid, options.json).await
    })?;
    if options.json {
        ready::print(&story)?;
    } else {
        line::times(&story);
    }
    let is_heard =
        story["moments"].as_array().into_iter().flatten().any(|it| it["what"] == "heard");
    Ok(if is_heard { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn place(
    http: &Client,
    instance: &Ready,
    options: &CallArgs,
    to: &str,
    script: &[String],
) -> anyhow::Result<String> {
    let call = json!({
        "from": options.from,
        "to": to,
        "script": script,
        "speed": options.speed,
        // A real Twilio asks the address that it was told; in dev that is the API's.
        "url": format!("{}/telephony/incoming", instance.public_base_url),
        "status_url": format!("{}/telephony/status", instance.public_base_url),
    });
    let url = format!("{}/_sandbox/calls", instance.sandbox.twilio);
    let placed = answer(http.post(url).json(&call)).await.context("the call was not placed")?;
    Ok(placed["sid"].as_str().unwrap_or_default().to_owned())
}

/// Shows what happens until the call is over.
async fn follow(
    http: &Client,
    instance: &Ready,
    sid: &str,
    quietly: bool,
) -> anyhow::Result<Value> {
    let url = format!("{}/_sandbox/calls/{sid}", instance.sandbox.twilio);
    let mut shown = 0;
    loop {
        let story = answer(http.get(&url)).await?;
        let moments = story["moments"].as_array().map(Vec::as_slice).unwrap_or_default();
        for moment in moments.iter().skip(shown).filter(|_| !quietly) {
            line::show(moment);
        }
        shown = moments.len();
        if !matches!(story["status"].as_str(), Some("ringing" | "in-progress")) {
            return Ok(story);
        }
        pause().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a person looks at a screen; the call does not wait")]
async fn pause() {
    tokio::time::sleep(LOOK_EVERY).await;
}
