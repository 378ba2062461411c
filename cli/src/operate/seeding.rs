//! `trunkline seed`: three tenants to show, and when they are there.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    client::{Client, Told},
    show,
};
use crate::{args::SeedArgs, runtime};

/// Each is a handful of transactions; when the pool of numbers is empty, it waits in line.
const WITHIN: Duration = Duration::from_mins(1);

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Orders them, and waits until they are there.
pub(crate) fn run(options: &SeedArgs) -> anyhow::Result<ExitCode> {
    let client = Client::at(options.url.as_deref())?;
    let body = json!({ "despite_production": options.despite_production });
    let done = runtime()?.block_on(async {
        let key = format!("{:032x}", rand::random::<u128>());
        let mut answer = match client.post("/v1/admin/demo-tenants", &body, &key).await? {
            Ok(answer) => answer,
            Err(told) => return anyhow::Ok(told),
        };
        let mut told = Told::Done;
        let began = Instant::now();
        for tenant in answer["tenants"].as_array_mut().into_iter().flatten() {
            let state = state_of(&client, tenant, began).await?;
            if state != "succeeded" {
                told = Told::Failed;
            }
            tenant["state"] = state.into();
        }
        if options.json {
            show::json(&answer)?;
        } else {
            say(&answer);
        }
        Ok(told)
    })?;
    Ok(done.exit_code())
}

/// Where a tenant's job stands when it is over, or when the time is. One that is there already has none.
async fn state_of(client: &Client, tenant: &Value, began: Instant) -> anyhow::Result<String> {
    let Some(job) = tenant["job_id"].as_str() else { return Ok("succeeded".to_owned()) };
    loop {
        let state = match client.get(&format!("/v1/admin/jobs/{job}"), &[]).await? {
            Ok(job) => job["state"].as_str().unwrap_or_default().to_owned(),
            Err(_) => return Ok("unknown".to_owned()),
        };
        let is_over = ["succeeded", "failed", "cancelled", "parked"].contains(&&*state);
        if is_over || began.elapsed() > WITHIN {
            return Ok(state);
        }
        pause().await;
    }
}

fn say(answer: &Value) {
    for tenant in answer["tenants"].as_array().into_iter().flatten() {
        let word = |name: &str| tenant[name].as_str().unwrap_or_default();
        match (tenant["is_new"] == true, word("state")) {
            (false, _) => eprintln!("- {}: is there", word("name")),
            (true, "succeeded") => eprintln!("- {}: made ({})", word("name"), word("tenant_id")),
            (true, state) => {
                eprintln!("- {}: {state}; trunkline job explain {}", word("name"), word("job_id"));
            }
        }
    }
    eprintln!(
        "What goes wrong in them, in a few seconds: `trunkline parked list`, `trunkline dead-letter list`."
    );
}

#[expect(clippy::disallowed_methods, reason = "a person looks now and then whether it is done")]
async fn pause() {
    tokio::time::sleep(LOOK_EVERY).await;
}
