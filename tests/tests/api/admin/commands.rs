//! The command line against a real API: the same operations, its own exit codes, and nothing done by a dry run.

use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tests::wait_until;
use tokio::{io::AsyncWriteExt, process::Command};

use crate::stage::Stage;

/// Somebody at a terminal, with a key.
pub(super) struct Terminal<'a> {
    pub(super) stage: &'a Stage,
    pub(super) key: &'a str,
}

impl Terminal<'_> {
    /// Exit code, stdout and stderr.
    pub(super) async fn run(&self, words: &[&str]) -> (i32, String, String) {
        self.told(words, "").await
    }

    /// The same, and this is typed at it.
    async fn told(&self, words: &[&str], typed: &str) -> (i32, String, String) {
        let url = format!("http://{}", self.stage.api.address());
        let mut command = Command::new(tests::fleet::binary());
        command.args(words).env_clear().env("TRUNKLINE_URL", url).stdin(Stdio::piped());
        command.env("TRUNKLINE_API_KEY", self.key).kill_on_drop(true);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Whoever asks nothing may be gone before it is said.
        child.stdin.take().unwrap().write_all(typed.as_bytes()).await.ok();
        let Output { status, stdout, stderr } = child.wait_with_output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    pub(super) async fn json(&self, words: &[&str]) -> Value {
        let words = [words, &["-o", "json"]].concat();
        let (code, out, err) = self.run(&words).await;
        assert_eq!(code, 0, "{words:?}: {err}");
        serde_json::from_str(&out).unwrap()
    }
}

#[tokio::test]
async fn what_the_api_can_do_the_command_line_can_and_says_by_its_exit_code_how_it_ended() {
    let stage = Stage::open().await;
    let terminal = Terminal { stage: &stage, key: tests::ADMIN_KEY };
    let words = ["job", "enqueue", "--kind", "noop", "--idempotency-key", "k", "--reason", "a try"];
    let id = terminal.json(&words).await["id"].as_str().unwrap().to_owned();
    assert_eq!(terminal.json(&words).await["id"], json!(id), "sent twice, done once");

    let (code, table, _) =
        terminal.run(&["job", "list", "--filter", "kind=noop state=ready"]).await;
    assert!(code == 0 && table.starts_with("ID ") && table.contains(&id), "{table}");
    let (_, said, _) = terminal.run(&["job", "explain", &id]).await;
    assert_eq!(said, "no live worker takes jobs of its queue\n");

    let cancel = ["job", "cancel", &id, "--mode", "graceful", "--reason", "r"];
    let (code, shown, _) = terminal.run(&[&cancel[..], &["--dry-run"]].concat()).await;
    assert!(code == 0 && shown.contains("\"mode\": \"graceful\""), "{shown}");
    assert_eq!(stage.job(&id).await["state"], "ready", "a dry run does nothing");
    assert_eq!(terminal.run(&cancel).await.0, 0);
    let (code, _, why) = terminal.run(&cancel).await;
    assert!(code == 4 && why.contains("409 wrong_state"), "{why}");
    let (code, _, why) = terminal.run(&["queue", "pause", "try"]).await;
    assert!(code == 2 && why.contains("/reason is missing"), "{why}");
    assert_eq!(terminal.run(&["queue", "show", "nowhere"]).await.0, 3);
    assert_eq!(terminal.run(&["job", "list", "--state", "lost"]).await.0, 2);
    assert_eq!(terminal.run(&["job", "frobnicate"]).await.0, 2);

    let (code, _, said) = terminal.run(&["queue", "drain", "try", "--reason", "a migration"]).await;
    assert!(code == 0 && said.contains("0 of its jobs run"), "{said}");
    let (code, _, wrong) = terminal.run(&["doctor"]).await;
    assert!(code == 1 && wrong.contains("try is paused since"), "{wrong}");
    assert!(wrong.contains("no worker takes jobs"), "{wrong}");
    let (code, lines, _) = terminal.run(&["health", "show"]).await;
    assert!(code == 1 && lines.starts_with("degraded: version "), "{lines}");
    assert!(lines.contains("\n! no worker takes jobs: trunkline fleet list\n"), "{lines}");
    let (code, answer, _) = terminal.run(&["health", "show", "-o", "json"]).await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((code, &answer["status"]), (1, &json!("degraded")));
    let (code, table, _) = terminal.run(&["schedule", "status"]).await;
    assert!(code == 0 && table.contains("every day at 02:00"), "{table}");
    assert_eq!(terminal.json(&["queue", "resume", "try"]).await, json!({ "name": "try" }));
    let (code, answer, _) = terminal.run(&["api", "get", "/v1/admin/queues/try"]).await;
    assert!(code == 0 && answer.contains("\"pause\": null"), "{answer}");
    for path in [
        "job",
        "queue",
        "parked",
        "schedule",
        "fleet",
        "audit",
        "webhook",
        "dead-letter",
        "key",
        "credential",
    ] {
        let listed = terminal.json(&[path, "list"]).await;
        assert!(listed["items"].is_array(), "{path}: {listed}");
    }
}

#[tokio::test]
async fn a_provider_s_secret_is_a_line_of_stdin_and_nothing_prints_it() {
    let stage = Stage::open().await;
    let terminal = Terminal { stage: &stage, key: tests::ADMIN_KEY };
    let set = ["credential", "set", "twilio_auth_token", "--grace-secs", "60", "--reason", "turn"];
    let dry = terminal.told(&[&set[..], &["--dry-run"]].concat(), "canary\n").await;
    assert!(dry.0 == 0 && dry.1.contains("a line of stdin"), "{dry:?}");
    assert_eq!(stage.db.number("select from product.provider_credentials").await, 0);
    let (code, _, why) = terminal.run(&set).await;
    assert!(code != 0 && why.contains("expected as a line on stdin"), "{why}");
    let done = terminal.told(&set, "canary-of-a-token-from-stdin\n").await;
    assert_eq!(done.0, 0, "{done:?}");
    let (_, table, _) = terminal.run(&["credential", "list"]).await;
    assert!(table.contains("twilio_auth_token"), "{table}");
    for text in [&dry.1, &dry.2, &done.1, &done.2, &table] {
        assert!(!text.contains("canary"), "{text}");
    }
    let as_argument = [&set[..], &["--secret", "x"]].concat();
    assert_eq!(terminal.run(&as_argument).await.0, 2, "it would stand in the list of processes");
    let retire = ["credential", "retire", "twilio_auth_token", "--reason", "back"];
    assert_eq!(terminal.run(&retire).await.0, 0);
    assert_eq!(terminal.run(&retire).await.0, 3);
}

#[tokio::test]
async fn an_order_that_names_what_was_read_is_refused_when_that_has_changed() {
    let stage = Stage::open().await;
    stage.noop().await;
    let terminal = Terminal { stage: &stage, key: tests::ADMIN_KEY };
    let show = ["queue", "show", "try"];
    let tag = terminal.json(&show).await["etag"].as_str().unwrap().to_owned();
    let set = ["queue", "set", "try", "--at-once-max", "3", "--reason", "r", "--if-match", &tag];
    assert_eq!(terminal.run(&set).await.0, 0);
    let (code, _, why) = terminal.run(&set).await;
    assert!(code == 4 && why.contains("412 precondition_failed"), "{why}");
    assert_eq!(terminal.json(&show).await["at_once_max"], 3);
    // What has no tag takes none.
    let words = ["job", "enqueue", "--kind", "noop", "--if-match", &tag];
    assert_eq!(terminal.run(&words).await.0, 2);
}

#[tokio::test]
async fn the_command_line_walks_all_pages_and_a_wrong_key_or_no_answer_have_numbers_of_their_own() {
    let stage = Stage::open().await;
    let terminal = Terminal { stage: &stage, key: tests::ADMIN_KEY };
    let mut tx = stage.begin().await;
    for _ in 0..205 {
        tx.enqueue(engine::NewJob::of_kind("noop", "try", json!({}))).await.unwrap();
    }
    tx.commit().await.unwrap();
    let (code, lines, _) = terminal.run(&["job", "list", "--all", "-o", "jsonl"]).await;
    assert_eq!((code, lines.lines().count()), (0, 205));
    let (_, table, _) = terminal.run(&["job", "list"]).await;
    assert_eq!(table.lines().count(), 22, "a head, twenty, and that there are more");
    let stranger = Terminal { stage: &stage, key: "not-the-operators-key" };
    let (code, _, why) = stranger.run(&["job", "list"]).await;
    assert!(code == 5 && !why.contains("not-the-operators-key"), "{why}");
    let nowhere = ["job", "list", "--url", "http://127.0.0.1:1"];
    assert_eq!(terminal.run(&nowhere).await.0, 7);
}

#[tokio::test]
async fn what_is_wrong_before_anything_is_asked_has_the_number_of_what_is_wrong_with_it() {
    let stage = Stage::open().await;
    let terminal = Terminal { stage: &stage, key: tests::ADMIN_KEY };
    for words in [
        &["job", "edit", "x", "--args", "{", "--reason", "r"][..],
        &["job", "list", "--filter", "state"],
        &["job", "redrive", "x", "--despite-deeds", "--reason", "r"],
        &["queue", "list", "--url", "nowhere"],
        &["queue", "list", "--url", "ftp://127.0.0.1"],
        &["api", "get", "v1/admin/queues"],
        &["api", "post", "/v1/admin/jobs", "--body", "{"],
    ] {
        let (code, out, why) = terminal.run(words).await;
        assert!(code == 2 && out.is_empty() && !why.is_empty(), "{words:?}: {code} {why}");
    }
    let nobody = Terminal { stage: &stage, key: "" };
    for words in [&["queue", "list"][..], &["doctor"], &["api", "get", "/v1/admin/queues"]] {
        let (code, _, why) = nobody.run(words).await;
        assert!(code == 5 && why.contains("set TRUNKLINE_API_KEY"), "{words:?}: {code} {why}");
    }
}

#[tokio::test]
async fn a_key_made_at_the_command_line_is_shown_whole_and_good_for_what_it_is_for() {
    let stage = Stage::open().await;
    let terminal = Terminal { stage: &stage, key: tests::ADMIN_KEY };
    let words = ["key", "create", "--name", "ada", "--scopes", "read, queues", "--reason", "r"];
    let (code, said, _) = terminal.run(&words).await;
    let key = said.split_whitespace().find(|word| word.starts_with("tlk_")).unwrap();
    assert_eq!((code, key.len()), (0, 89), "{said}");
    let hers = Terminal { stage: &stage, key };
    assert_eq!(hers.run(&["queue", "pause", "try", "--reason", "r"]).await.0, 0);
    let (code, _, why) = hers.run(&["job", "enqueue", "--kind", "noop"]).await;
    assert!(code == 5 && why.contains("scope_required"), "{why}");
    let id = key.split('_').nth(1).unwrap();
    let new = terminal.json(&["key", "rotate", id, "--grace-secs", "1"]).await["key"].clone();
    let new = Terminal { stage: &stage, key: new.as_str().unwrap() };
    assert_eq!(new.run(&["queue", "list"]).await.0, 0);
    assert_eq!(terminal.run(&["key", "revoke", id]).await.0, 0);
    assert_eq!(hers.run(&["queue", "list"]).await.0, 5);
}

#[tokio::test]
async fn a_customer_is_made_found_suspended_and_their_usage_written_to_a_file() {
    let stage = Stage::open().await;
    let terminal = Terminal { stage: &stage, key: tests::ADMIN_KEY };
    let made =
        terminal.json(&["tenant", "create", "--name", "Bakery", "--reason", "a pilot"]).await;
    let id = made["id"].as_str().unwrap();
    let (code, table, _) = terminal.run(&["tenant", "list", "--filter", "status=active"]).await;
    assert!(code == 0 && table.contains(id) && table.contains("Bakery"), "{table}");
    let words = ["tenant", "add-user", id, "--email", "a@bakery.example", "--first-name", "Ada"];
    let words = [&words[..], &["--last-name", "B"]].concat();
    assert!(terminal.json(&words).await["temporary_password"].is_string());
    let tag = terminal.json(&["tenant", "show", id]).await["etag"].as_str().unwrap().to_owned();
    let suspend = ["tenant", "suspend", id, "--reason", "noisy", "--if-match", &tag];
    assert_eq!(terminal.run(&suspend).await.0, 0);
    let (code, _, why) = terminal.run(&suspend).await;
    assert!(code == 4 && why.contains("412 precondition_failed"), "{why}");
    let days = ["--from", "2026-11-01", "--to", "2026-11-30"];
    let (code, file, _) = terminal.run(&[&["tenant", "usage", id][..], &days].concat()).await;
    assert!(
        code == 0 && file.starts_with("tenant_id,day,") && file.ends_with(",0,no\r\n"),
        "{file}"
    );
    assert_eq!(file.matches("\r\n").count(), 31);
    let (code, file, _) = terminal.run(&[&["tenant", "usage-of-all"][..], &days].concat()).await;
    assert!(code == 0 && file.contains(",Bakery,suspended,2026-11-01,2026-11-30,0,"), "{file}");
    assert_eq!(terminal.run(&["tenant", "show", "nobody"]).await.0, 3);
    stage.db.may_leave_jobs();
}

#[tokio::test]
async fn looking_whether_a_record_is_what_it_was_ends_with_another_code_when_it_is_not() {
    let stage = Stage::open().await;
    let terminal = Terminal { stage: &stage, key: tests::ADMIN_KEY };
    for number in 0..3 {
        let reason = format!("reason {number}");
        let words = ["queue", "pause", "try", "--reason", &reason];
        assert_eq!(terminal.run(&words).await.0, 0);
    }
    let mut tx = stage.begin().await;
    assert_eq!(tx.chain_audit(true, 10).await.unwrap().0, 3);
    tx.commit().await.unwrap();
    let (code, said, _) = terminal.run(&["audit", "verify"]).await;
    assert!(code == 0 && said.contains("engine: 3 rows are what they were"), "{said}");
    let noted = said.rsplit(' ').next().unwrap().trim();
    let again = ["audit", "verify", "--record", "engine", "--noted", noted];
    assert_eq!(terminal.run(&again).await.0, 0);
    assert_eq!(terminal.run(&["audit", "verify", "--noted", noted]).await.0, 2, "of which record?");
    let other = ["audit", "verify", "--record", "product", "--noted", noted];
    assert_eq!(terminal.run(&other).await.0, 1, "there is no such link in the other one");

    let mut superuser = stage.db.superuser().await;
    let change = "set session_replication_role = replica;
                  update trunkline.audit set reason = 'reason 7' where audit_id = 2";
    sqlx::raw_sql(change).execute(&mut superuser).await.unwrap();
    let (code, said, _) = terminal.run(&["audit", "verify", "-o", "json"]).await;
    let found: Value = serde_json::from_str(&said).unwrap();
    let broken = json!({ "link": 2, "id": 2, "what": "changed" });
    assert_eq!((code, &found["items"][1]["broken"]), (1, &broken), "{said}");
}

#[tokio::test]
async fn a_backfill_is_watched_until_somebody_stops_it_and_a_pipe_gets_no_bar() {
    let stage = Stage::open().await;
    let terminal = Terminal { stage: &stage, key: tests::ADMIN_KEY };
    let all = terminal.json(&["schedule", "list"]).await;
    let name = all["items"][0]["name"].as_str().unwrap().to_owned();
    let to = stage.db.now().await;
    let (from, to) = ((to - chrono::TimeDelta::days(3)).to_rfc3339(), to.to_rfc3339());
    let words = ["--from", &from, "--to", &to, "--reason", "they were lost", "--watch"];
    let words = [&["schedule", "backfill", &name][..], &words[..]].concat();
    let daily = ["schedule", "change", &name, "--cron", "5 4 * * *", "--reason", "r"];
    assert_eq!(terminal.run(&daily).await.0, 0);
    // Nobody works here, so that it goes on until it is stopped.
    let stop = async {
        wait_until("the backfill is there", async || {
            let seen = terminal.json(&["schedule", "show", &name]).await;
            seen["backfill"].is_object().then_some(())
        })
        .await;
        let stop = ["schedule", "stop-backfill", &name, "--reason", "they were not"];
        assert_eq!(terminal.run(&stop).await.0, 0);
    };
    let ((code, out, said), ()) = tokio::join!(terminal.run(&words), stop);
    assert!(code == 8 && said.contains("somebody has stopped it"), "{code} {out} {said}");
    assert!(out.contains("ticks") && !said.contains(['[', '\r']), "{out} {said}");
}
