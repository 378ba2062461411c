//! A pooler may stand between the engine and its database: correctness needs no session's memory.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use engine::{Engine, State};
use secrecy::{ExposeSecret, SecretString};
use tests::{Forgetful, WorkerOptions, seed::say, wait_until};

use crate::toy::{Act, Rig, registry};

#[tokio::test]
async fn nothing_needs_a_sessions_memory() {
    let rig = Rig::new().await;
    let pooler = Forgetful::before(rig.db.app_url()).await;
    let mut config = rig.db.engine_config_at(pooler.url().clone());
    config.direct_url = None; // found by polling, as without a way past the pooler
    let engine = Engine::connect(config.clone(), &rig.registry).await.unwrap();
    let first = rig.worker_at(config.clone(), WorkerOptions::default()).await;
    let acts = vec![
        Act::step("one"),
        Act::Line("two".to_owned()),
        Act::deed("three"),
        Act::entry("four"),
        Act::wait("go"),
        Act::Child(vec![Act::step("five")]),
        Act::step("six"),
    ];
    let job = rig.play(acts).await;
    rig.becomes(job, State::Waiting).await;
    rig.bury(first).await;
    let _second = rig.worker_at(config, WorkerOptions::default()).await;
    let mut tx = engine.begin().await.unwrap();
    tx.signal(job, "go", &1, Some("once")).await.unwrap();
    tx.commit().await.unwrap();
    rig.succeeds(job).await;
    let failing = rig.play([Act::entry("seven"), Act::body("permanent")]).await;
    rig.becomes(failing, State::Failed).await;
    for step in ["step:one", "do:three", "step:five", "step:six"] {
        assert_eq!(rig.world.count(step), 1, "{step}");
    }
    let lines = rig.ledger().await;
    assert_eq!(lines.iter().map(|(_, undone)| *undone).collect::<Vec<_>>(), [0, 0, 1]);
    engine.forget(&engine::Keep::default()).await.unwrap();
    assert!(pooler.forgotten() > 50, "{} transactions", pooler.forgotten());
}

/// The pooler of the distribution, where there is one.
struct PgBouncer {
    child: Child,
    home: PathBuf,
    url: SecretString,
}

impl PgBouncer {
    /// `None`, said loudly, where the program is missing.
    async fn start(rig: &Rig, mode: &str) -> Option<PgBouncer> {
        let program = Path::new("/usr/sbin/pgbouncer");
        if !program.exists() {
            say("SKIPPED: there is no pgbouncer here (apt-get install pgbouncer)");
            return None;
        }
        let mut url: url::Url = rig.db.app_url().expose_secret().parse().unwrap();
        let (host, port) = (url.host_str().unwrap().to_owned(), url.port().unwrap());
        let own = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let home = std::env::temp_dir().join(format!("pgbouncer-{}-{own}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        let (users, ini) = (home.join("users"), home.join("ini"));
        let user = format!("\"{}\" \"{}\"\n", url.username(), url.password().unwrap());
        std::fs::write(&users, user).unwrap();
        let config = format!(
            "[databases]\n* = host={host} port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = {mode}\ndefault_pool_size = 20\n\
             ignore_startup_parameters = extra_float_digits\n",
            users.display()
        );
        std::fs::write(&ini, config).unwrap();
        let mut command = Command::new(program);
        if rustix::process::getuid().is_root() {
            command.args(["-u", "nobody"]); // it refuses root
        }
        let child = command.arg(&ini).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        url.set_port(Some(own)).unwrap();
        url.query_pairs_mut().append_pair("sslmode", "disable");
        let bouncer = PgBouncer { child, home, url: String::from(url).into() };
        wait_until("the pooler listens", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", own)).await.ok().map(drop)
        })
        .await;
        Some(bouncer)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
        std::fs::remove_dir_all(&self.home).ok();
    }
}

#[tokio::test]
async fn a_pooler_that_loses_prepared_statements_is_refused_with_advice() {
    let rig = Rig::new().await;
    let Some(pooler) = PgBouncer::start(&rig, "transaction").await else { return };
    let version = Command::new("/usr/sbin/pgbouncer").arg("--version").output().unwrap();
    say(&String::from_utf8_lossy(&version.stdout));
    let mut config = rig.db.engine_config_at(pooler.url.clone());
    config.direct_url = None;
    let error = Engine::connect(config, &registry()).await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("1.21") && said.contains("session"), "{said}");
}

#[tokio::test]
async fn the_same_pooler_in_session_mode_will_do() {
    let rig = Rig::new().await;
    let Some(pooler) = PgBouncer::start(&rig, "session").await else { return };
    let mut config = rig.db.engine_config_at(pooler.url.clone());
    config.direct_url = None;
    let worker = rig.worker_at(config, WorkerOptions::default()).await;
    let job = rig.play([Act::step("one"), Act::entry("two"), Act::step("three")]).await;
    rig.succeeds(job).await;
    worker.drain(Duration::from_secs(5)).await;
}
