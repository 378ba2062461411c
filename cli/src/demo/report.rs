//! What happened, for a person: the run's timeline with its children's, and what the prospect was given.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    play::{Played, answer},
    times::{Figures, Quantiles, Times},
};
use crate::{columns, dev::Ready};

const STEP: [&str; 5] = ["step", "form", "state", "attempt", "at"];

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    tenant_id: String,
    times: Figures,
    runs: Vec<Value>,
    access: Value,
}

impl Report {
    /// Reads the run and its children from the admin API.
    pub(crate) async fn read(
        instance: &Ready,
        played: Played,
        times: &Times,
    ) -> anyhow::Result<Report> {
        let http = clients::http::client(clients::http::REQUEST_TIMEOUT)?;
        let job = async |id: &str| {
            let url = format!("{}/v1/admin/jobs/{id}", instance.api);
            answer(http.get(url).bearer_auth(&instance.admin_api_key)).await
        };
        let status =
            answer(http.get(format!("{}/api/demo/{}/status", instance.api, played.tenant))).await?;
        let mut runs = vec![job(status["jobId"].as_str().unwrap_or_default()).await?];
        let children: Vec<String> = runs[0]["effects"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|effect| effect["form"] == "child")
            .filter_map(|effect| effect["output"].as_str().map(ToOwned::to_owned))
            .collect();
        for child in children {
            runs.push(job(&child).await?);
        }
        Ok(Report { tenant_id: played.tenant, times: times.figures(), runs, access: played.access })
    }

    #[expect(clippy::print_stdout, reason = "the report is what was asked for")]
    pub(crate) fn show(&self) {
        println!("{} runs, milliseconds           p50      p95      max", self.times.runs);
        line("sign-up answered after", &self.times.sign_up);
        line("code on the phone after", &self.times.code_arrived);
        line("code typed in -> access", &self.times.verify_to_access);
        for run in &self.runs {
            println!();
            println!("{} {} {}", word(run, "kind"), word(run, "id"), word(run, "state"));
            let steps: Vec<_> = run["steps"].as_array().into_iter().flatten().map(row).collect();
            print!("{}", columns::table(&STEP, &steps));
        }
        println!();
        println!("{}", serde_json::to_string_pretty(&self.access).unwrap_or_default());
    }
}

/// A step, and when it ended or began, by the clock.
fn row(step: &Value) -> Value {
    let at = step["finished_at"].as_str().or(step["started_at"].as_str());
    let at = at.and_then(|at| at.parse::<DateTime<Utc>>().ok());
    json!({
        "step": step["name"],
        "form": step["kind"],
        "state": step["state"],
        "attempt": step["attempt"],
        "at": at.map(|at| at.format("%H:%M:%S%.3f").to_string()),
    })
}

#[expect(clippy::print_stdout, reason = "the report is what was asked for")]
fn line(what: &str, times: &Quantiles) {
    println!("{what:<26} {:>8.1} {:>8.1} {:>8.1}", times.p50_ms, times.p95_ms, times.max_ms);
}

fn word<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or("-")
}
