//! What happened, for a person: the run's timeline with its children's, and what the prospect was given.

use serde::Serialize;
use serde_json::Value;

use super::play::{Played, answer};
use crate::dev::Ready;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    tenant_id: String,
    sign_up_ms: f64,
    code_arrived_ms: f64,
    verify_to_access_ms: f64,
    runs: Vec<Value>,
    access: Value,
}

impl Report {
    /// Reads the run and its children from the admin API.
    pub(crate) async fn read(instance: &Ready, played: Played) -> anyhow::Result<Report> {
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
        let ms = |time: std::time::Duration| (time.as_secs_f64() * 10_000.0).round() / 10.0;
        Ok(Report {
            tenant_id: played.tenant,
            sign_up_ms: ms(played.sign_up),
            code_arrived_ms: ms(played.code_arrived),
            verify_to_access_ms: ms(played.verify_to_access),
            runs,
            access: played.access,
        })
    }

    #[expect(clippy::print_stdout, reason = "the report is what was asked for")]
    pub(crate) fn show(&self) {
        println!("sign-up answered after         {:>8.1} ms", self.sign_up_ms);
        println!("code on the phone after        {:>8.1} ms", self.code_arrived_ms);
        println!("code typed in -> access        {:>8.1} ms", self.verify_to_access_ms);
        for run in &self.runs {
            println!();
            println!("{} {} {}", word(run, "kind"), word(run, "id"), word(run, "state"));
            println!("  {:<26} {:<12} {:<10} {:>7}  at", "step", "form", "state", "attempt");
            for step in run["steps"].as_array().into_iter().flatten() {
                println!(
                    "  {:<26} {:<12} {:<10} {:>7}  {}",
                    word(step, "name"),
                    word(step, "kind"),
                    word(step, "state"),
                    step["attempt"],
                    step["finished_at"].as_str().or(step["started_at"].as_str()).unwrap_or("-"),
                );
            }
        }
        println!();
        println!("{}", serde_json::to_string_pretty(&self.access).unwrap_or_default());
    }
}

fn word<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or("-")
}
