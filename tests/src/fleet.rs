//! The product as real processes: `trunkline dev` with its own Postgres, and workers that join it, to be killed, stopped and
//! drained from outside.

mod patience; // waiting for processes
mod process; // a child that says when it is ready

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use daemon::config::Env;
use rustix::process::{Pid, Signal, test_kill_process};
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgPoolOptions};

pub use self::patience::{pause, within};
use self::process::Process;
pub use crash_matrix::report::{Experiment, Recovery, percentile};

/// The binary under test: `TRUNKLINE_BIN`, or the one that cargo has put beside this very program.
///
/// # Panics
/// When there is none.
pub fn binary() -> PathBuf {
    let env = Env::of_process();
    let given = env.var("TRUNKLINE_BIN").text().optional().map(PathBuf::from);
    let me = std::env::current_exe().expect("this program");
    given
        .or_else(|| {
            me.ancestors().skip(1).map(|dir| dir.join("trunkline")).find(|path| path.is_file())
        })
        .expect("trunkline is not built: cargo build -p cli")
}

/// A running `trunkline dev`. Dropped, it is killed.
pub struct Dev {
    process: Process,
    home: PathBuf,
    http: reqwest::Client,
    rows: PgPool,
}

impl Dev {
    /// Starts one on a database of its own, without workers.
    pub async fn start(variables: &[(&str, &str)]) -> Dev {
        Dev::start_with(&["--no-workers"], variables).await
    }

    /// Starts one with other options.
    pub async fn start_with(options: &[&str], variables: &[(&str, &str)]) -> Dev {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let home = std::env::temp_dir().join(format!("trunkline-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&home).expect("a folder");
        let mut arguments = vec!["dev", "--ephemeral", "--json", "--port", "0"];
        arguments.extend(options);
        let home_text = home.display().to_string();
        arguments.extend(["--home", &home_text]);
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let process = Process::start(&arguments, variables, &home.join("dev.log")).await;
        let url = process.ready()["database_url"].as_str().expect("a URL").to_owned();
        let rows = PgPoolOptions::new()
            .max_connections(4)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    let scope = "select set_config('trunkline.scope', 'platform', false)";
                    sqlx::query(scope).execute(connection).await.map(drop)
                })
            })
            .connect_lazy(&url)
            .expect("a URL");
        let http = clients::http::client(Duration::from_mins(1)).expect("a client");
        Dev { process, home, http, rows }
    }

    /// The line it printed.
    pub fn ready(&self) -> &Value {
        self.process.ready()
    }

    /// Its database, as the application's role that sees every tenant.
    pub fn rows(&self) -> &PgPool {
        &self.rows
    }

    /// How many rows a statement has.
    pub async fn count(&self, statement: &str) -> i64 {
        let statement = format!("select count(*) from ({statement}) t");
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
            .fetch_one(&self.rows)
            .await
            .expect("a count")
    }

    /// A folder that goes with it.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// A worker that joins it, with these variables besides.
    pub async fn worker(&self, slots: u32, variables: &[(&str, &str)]) -> Worker {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let env: BTreeMap<String, String> =
            serde_json::from_value(self.ready()["env"].clone()).expect("variables");
        let more = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let log = self.home.join(format!("worker-{number}.log"));
        let slots = slots.to_string();
        let process = Process::start(
            &["worker", "--pool", "default", "--slots", &slots],
            env.into_iter().chain(more),
            &log,
        )
        .await;
        Worker { process, http: self.http.clone() }
    }

    /// Posts, as an operator, from an address.
    pub async fn post(&self, path: &str, from: &str, body: &Value) -> Option<(u16, Value)> {
        let url = format!("{}{path}", self.ready()["api"].as_str()?);
        let key = self.ready()["admin_api_key"].as_str()?;
        let request = self.http.post(url).bearer_auth(key).header("x-forwarded-for", from);
        let response = request.json(body).send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, response.json().await.ok()?))
    }

    /// Enqueues a job. `Some` is its id, and the word that it is kept.
    pub async fn enqueue(&self, kind: &str, args: Value) -> Option<uuid::Uuid> {
        let body = json!({ "kind": kind, "args": args });
        let (status, answer) = self.post("/v1/admin/jobs", "198.18.0.1", &body).await?;
        (status == 201).then(|| answer["id"].as_str()?.parse().ok()).flatten()
    }

    /// Text messages that the sandbox took.
    pub async fn texts(&self) -> Vec<Text> {
        let url = format!(
            "{}/_sandbox/messages",
            self.ready()["sandbox"]["twilio"].as_str().expect("an address")
        );
        let response = self.http.get(url).send().await.expect("a sandbox");
        response.json().await.expect("messages")
    }

    /// The Postgres server's process.
    pub fn postgres(&self) -> Pid {
        pid_of(&self.ready()["pids"]["postgres"])
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        self.process.ended().await
    }

    /// Ends it as Ctrl-C does.
    pub async fn stop(mut self) {
        self.rows.close().await;
        self.signal(Signal::INT);
        self.ended().await;
    }

    /// What it said on stderr.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.home.join("dev.log")).unwrap_or_default()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        self.process.kill();
        std::fs::remove_dir_all(&self.home).ok();
    }
}

/// A text message, as the sandbox tells of it.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Text {
    /// To whom.
    pub to: String,
    /// What it says.
    pub body: String,
}

impl Text {
    /// The code in it.
    pub fn code(&self) -> Option<&str> {
        self.body.split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6)
    }
}

/// A worker's process. Dropped, it is killed.
pub struct Worker {
    process: Process,
    http: reqwest::Client,
}

impl Worker {
    /// A voice worker with these variables and no others; what it says goes to a file in this folder.
    ///
    /// # Panics
    /// When it does not get ready.
    pub async fn voice(slots: u32, variables: BTreeMap<String, String>, logs: &Path) -> Worker {
        Worker::of_pool("voice", slots, variables, logs).await
    }

    /// A worker of any pool.
    ///
    /// # Panics
    /// When it does not get ready.
    pub async fn of_pool(
        pool: &str,
        slots: u32,
        variables: BTreeMap<String, String>,
        logs: &Path,
    ) -> Worker {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let arguments = ["worker", "--pool", pool, "--slots", &slots.to_string()];
        let log = logs.join(format!("{pool}-{number}.log"));
        let process = Process::start(&arguments, variables.into_iter(), &log).await;
        let http = clients::http::client(Duration::from_mins(1)).expect("a client");
        Worker { process, http }
    }

    /// Where it listens.
    pub fn listen(&self) -> &str {
        self.process.ready()["listen"].as_str().unwrap_or_default()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits until one that was killed is gone.
    pub async fn kill_is_over(mut self) {
        self.process.ended().await;
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        self.process.ended().await
    }

    /// The sum of a metric over its labels.
    pub async fn metric(&self, name: &str) -> f64 {
        let listen = self.process.ready()["listen"].as_str().expect("an address");
        let Ok(answer) = self.http.get(format!("http://{listen}/metrics")).send().await else {
            return 0.0;
        };
        let text = answer.text().await.unwrap_or_default();
        text.lines()
            .filter(|line| line.split(['{', ' ']).next() == Some(name))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }
}

/// A process by a number in a line.
pub fn pid_of(number: &Value) -> Pid {
    let number = number.as_i64().and_then(|number| i32::try_from(number).ok());
    number.and_then(Pid::from_raw).expect("a process id")
}

/// Whether there is such a process.
pub fn is_alive(pid: Pid) -> bool {
    test_kill_process(pid).is_ok()
}
