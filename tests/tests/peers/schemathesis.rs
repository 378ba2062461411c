//! Schemathesis: it makes requests of `docs/openapi.json`, those that the document allows and those that it does not, sends
//! them to a real API as an operator, and holds each answer to the document. Nothing is an error of ours, whatever is sent.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use crash_matrix::seed::{self, is_full};
use daemon::telemetry::Metrics;
use serde_json::{Value, json};
use tests::{ADMIN_KEY, TestApi, TestDb};
use tokio::{process::Command, time::timeout};

use crate::packages;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");

/// What an answer is held to. Whether a request that the document forbids is refused is not among them: a route may ignore a
/// header, and says itself what it reads.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// What they say of the whole system is 503 where nobody works, as here, and no error of theirs.
const ABOUT_ALL: [&str; 2] = ["/health/detailed", "/api/health/detailed"];

/// The outside clock's key.
const CRON_SECRET: &str = "cron-secret-of-the-tests";

/// So many requests for each operation, in `./test` and with `TRUNKLINE_FULL`.
const EXAMPLES: u32 = 3;
const EXAMPLES_FULL: u32 = 20;

/// In `./test` it takes some tens of seconds; in full, where many values of each field are tried one by one as well, some
/// minutes. No test of a peer has more than ten.
const ENDED_WITHIN: Duration = Duration::from_mins(9);

/// A running API, and what is said to it.
struct Held {
    api: TestApi,
    _db: TestDb,
}

/// How a run ended.
#[derive(Debug)]
struct Ended {
    is_good: bool,
    said: String,
}

impl Held {
    async fn open() -> Held {
        let db = TestDb::new().await;
        // Nobody works here, so every job is left.
        db.may_leave_jobs();
        let mut variables = tests::variables();
        variables.insert("CRON_SECRET".to_owned(), CRON_SECRET.to_owned());
        let api = TestApi::start(db.engine_config(), &variables, Metrics::detached()).await;
        Held { api, _db: db }
    }

    async fn run(&self, python: &Path, document: &Path, options: &[&str]) -> Ended {
        let mut command = Command::new(python.with_file_name("schemathesis"));
        command
            .arg("run")
            .arg(document)
            .args(["--url", &format!("http://{}", self.api.address())])
            .args(["--header", &format!("X-Admin-API-Key: {ADMIN_KEY}")])
            .args(["--header", &format!("Authorization: Bearer {CRON_SECRET}")])
            .args(["--checks", CHECKS, "--seed", &seed::seed().to_string()])
            // A slow machine is not what is tested here, and a failure is shown as it was found.
            .args(["--suppress-health-check", "all", "--no-shrink", "--continue-on-failure"])
            .args(["--generation-database", "none", "--warnings", "off", "--no-color"])
            .args(["--request-timeout", "30"])
            .args(options)
            .current_dir(packages::home())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let ended = timeout(ENDED_WITHIN, command.output()).await.expect("it ends").unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&ended.stdout) + &text(&ended.stderr);
        Ended { is_good: ended.status.success(), said }
    }
}

/// The document, otherwise in one place.
fn changed(change: impl FnOnce(&mut Value)) -> PathBuf {
    let mut document: Value = serde_json::from_slice(&fs::read(DOCUMENT).unwrap()).unwrap();
    change(&mut document);
    let path = packages::home().join(format!("changed-{}.json", std::process::id()));
    fs::write(&path, document.to_string()).unwrap();
    path
}

#[tokio::test]
async fn whatever_the_document_allows_or_forbids_is_answered_as_it_says_and_is_no_error_of_ours() {
    let Some(python) = packages::python("schemathesis").await else { return };
    let held = Held::open().await;
    let began = Instant::now();
    let (phases, examples) = if is_full() {
        ("examples,coverage,fuzzing", EXAMPLES_FULL)
    } else {
        ("fuzzing", EXAMPLES)
    };
    let examples = examples.to_string();
    let mut options = vec!["--phases", phases, "--max-examples", &examples];
    options.extend(ABOUT_ALL.iter().flat_map(|path| ["--exclude-path", path]));
    let ended = held.run(&python, Path::new(DOCUMENT), &options).await;
    seed::say(&format!("{}\nin {:?}", ended.said, began.elapsed()));
    assert!(ended.is_good, "{}", ended.said);
    // The console's pages are for browsers.
    let all = api::ROUTES.iter().filter(|it| !it.path.starts_with("/console")).count();
    let asked = all - ABOUT_ALL.len();
    assert!(ended.said.contains(&format!("{asked} selected / {all} total")), "{}", ended.said);
    held.api.get("/readyz").send().await.is(200);
}

#[tokio::test]
async fn a_promise_that_the_api_does_not_keep_is_found() {
    let Some(python) = packages::python("schemathesis").await else { return };
    let held = Held::open().await;
    let document = changed(|document| {
        let answer = &mut document["paths"]["/v1/admin/workers"]["get"]["responses"]["2XX"];
        answer["content"]["application/json"]["schema"] =
            json!({ "type": "object", "required": ["xNever"] });
    });
    let only =
        ["--phases", "fuzzing", "--max-examples", "1", "--include-path", "/v1/admin/workers"];
    let ended = held.run(&python, &document, &only).await;
    fs::remove_file(&document).ok();
    assert!(!ended.is_good && ended.said.contains("xNever"), "{}", ended.said);
}
