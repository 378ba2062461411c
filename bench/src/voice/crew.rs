//! The processes: everything but the voice pool in one `trunkline dev`, and voice workers that join it.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sqlx::{Connection, PgConnection};

use super::{eventually, gauges::Gauges};
use crate::{
    Series,
    process::{Process, program},
};

/// A demo has fifty calls a day; what is measured here is not that.
const NO_LIMITS: &str =
    "update product.subscriptions set daily_calls_max = 1000000, talk_secs_max = 100000000";

/// Everything but the voice pool.
pub(super) struct Crew {
    dev: Process,
    home: PathBuf,
    number: String,
    http: clients::http::Client,
    database_url: SecretString,
}

/// A voice worker.
pub(super) struct Speaker(Process);

impl Crew {
    /// Starts it, with one tenant that has a number.
    pub(super) async fn start() -> anyhow::Result<Crew> {
        let home =
            std::env::temp_dir().join(format!("trunkline-bench-voice-{}", std::process::id()));
        std::fs::create_dir_all(&home)?;
        let at = home.display().to_string();
        let arguments =
            ["dev", "--ephemeral", "--json", "--port", "0", "--no-voice", "--home", &at];
        let dev = Process::start(&arguments, &BTreeMap::new()).await?;
        let http = clients::http::client(Duration::from_secs(30))?;
        let url = dev.ready()["database_url"].as_str().context("no database")?.to_owned();
        let mut crew = Crew { dev, home, number: String::new(), http, database_url: url.into() };
        let signed_up =
            program()?.args(["demo", "--json", "--home", &at]).stdout(Stdio::null()).status();
        ensure!(signed_up.await?.success(), "nobody could sign up");
        let mut conn = crew.connection().await?;
        sqlx::query(NO_LIMITS).execute(&mut conn).await?;
        let number = "select phone::text from product.phone_pool where status = 'allocated'";
        crew.number = sqlx::query_scalar(number).fetch_one(&mut conn).await?;
        Ok(crew)
    }

    /// A voice worker that joins it.
    pub(super) async fn speaker(&self, slots: usize) -> anyhow::Result<Speaker> {
        let variables: BTreeMap<String, String> =
            serde_json::from_value(self.dev.ready()["env"].clone())?;
        let slots = slots.to_string();
        let arguments = ["worker", "--pool", "voice", "--slots", &slots];
        Ok(Speaker(Process::start(&arguments, &variables).await?))
    }

    pub(super) fn number(&self) -> &str {
        &self.number
    }

    pub(super) fn database_url(&self) -> &SecretString {
        &self.database_url
    }

    /// An address of the API's.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.dev.ready()["public_base_url"].as_str().unwrap_or_default())
    }

    /// An address of the simulated phone company's.
    pub(super) fn phone(&self, path: &str) -> String {
        format!("{}{path}", self.dev.ready()["sandbox"]["twilio"].as_str().unwrap_or_default())
    }

    pub(super) async fn get(&self, url: &str) -> anyhow::Result<Value> {
        Ok(self.http.get(url).send().await?.error_for_status()?.json().await?)
    }

    /// Posts; an answer without a body is null.
    pub(super) async fn post(&self, url: &str, body: &Value) -> anyhow::Result<Value> {
        let answer = self.http.post(url).json(body).send().await?.error_for_status()?;
        let text = answer.text().await?;
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }

    /// How soon the sessions that live were claimed for the first time, in milliseconds after their job was made.
    pub(super) async fn pickups(&self) -> anyhow::Result<Series> {
        let times: Vec<f64> = sqlx::query_scalar(
            "select (extract(epoch from l.claimed_at - j.created_at) * 1000)::float8
             from trunkline.leases l join trunkline.jobs j using (job_id) join trunkline.kinds k on k.kind_id = l.kind_id
             where k.name = 'voice_session' and l.epoch = 1",
        )
        .fetch_all(&mut self.connection().await?)
        .await?;
        Ok(times.into_iter().collect())
    }

    /// What the newest conversations of the simulated model were brought.
    pub(super) async fn known_to_newest(
        &self,
        conversations: usize,
    ) -> anyhow::Result<Vec<String>> {
        let openai = self.dev.ready()["sandbox"]["openai"].as_str().unwrap_or_default();
        let all = self.get(&format!("{openai}/_sandbox/realtime")).await?;
        let newest = all.as_array().into_iter().flatten().take(conversations);
        let said = newest.flat_map(|it| it["said"].as_array().into_iter().flatten());
        let brought = said.filter(|said| said["brought"] == true);
        Ok(brought.filter_map(|said| Some(said["words"].as_str()?.to_owned())).collect())
    }

    /// Waits until no session lives.
    pub(super) async fn at_rest(&self) -> anyhow::Result<()> {
        let mut conn = self.connection().await?;
        eventually("every session has ended", async || {
            let live = "select count(*) from product.voice_sessions where outcome is null";
            let live: i64 = sqlx::query_scalar(live).fetch_one(&mut conn).await?;
            Ok((live == 0).then_some(()))
        })
        .await
    }

    /// So that its Postgres goes with it.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.dev.stop().await?;
        std::fs::remove_dir_all(&self.home).ok();
        Ok(())
    }

    /// Sees every tenant.
    async fn connection(&self) -> anyhow::Result<PgConnection> {
        let mut conn = PgConnection::connect(self.database_url.expose_secret()).await?;
        sqlx::query("select set_config('trunkline.scope', 'platform', false)")
            .execute(&mut conn)
            .await?;
        Ok(conn)
    }
}

impl Speaker {
    pub(super) async fn gauges(&self, crew: &Crew) -> anyhow::Result<Gauges> {
        let url = format!("http://{}/metrics", self.0.listen()?);
        Ok(Gauges::read(&crew.http.get(url).send().await?.text().await?))
    }

    /// As `kill -9` does.
    pub(super) async fn kill(self) -> anyhow::Result<()> {
        self.0.kill().await
    }

    /// It has no calls any more.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.kill().await
    }
}
