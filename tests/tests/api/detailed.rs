//! What somebody on call asks first: how everything is, in one answer, also when parts of it do not answer; and how that went
//! which runs by the clock.

use std::time::{Duration, Instant};

use daemon::telemetry::Metrics;
use serde_json::{Value, json};
use tests::{Proxy, TestApi, holds, wait_until};
use tokio_util::sync::CancellationToken;

use crate::stage::{Guest, Stage};

/// Statements of one answer, besides those that say what time it is.
const STATEMENTS_MAX: usize = 5;

/// An answer about a database that says nothing: a second, and what a busy machine adds.
const ANSWERED_WITHIN: Duration = Duration::from_millis(1900);

const PATHS: [&str; 2] = ["/health/detailed", "/api/health/detailed"];

impl Stage {
    /// A worker that has entered itself, and does nothing.
    async fn staffed(&self, version: &str) {
        let worker = format!(
            "insert into trunkline.workers (name, pool, version, expires_at)
             values ('default:1', 'default', '{version}', trunkline.now() + interval '1 hour')"
        );
        self.sql(&worker).await;
    }

    async fn sql(&self, statement: &str) {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(self.db.owner()).await.unwrap();
    }

    async fn detailed(&self, status: u16) -> Value {
        let answer = self.get(PATHS[0]).as_operator().send_unchecked().await.is(status);
        let says = if status == 200 { "healthy" } else { "degraded" };
        assert_eq!(answer["status"], says, "{answer}");
        answer
    }

    async fn queue(&self, name: &str, order: &str, body: Value) {
        let path = format!("/v1/admin/queues/{name}/{order}");
        self.post(&path).as_operator().json(&body).send().await.is(200);
    }
}

/// What is found, the faults with a mark.
fn found(answer: &Value) -> Vec<String> {
    let said = answer["findings"].as_array().unwrap().iter();
    let mark = |it: &Value| if it["fault"] == true { "! " } else { "" };
    said.map(|it| mark(it).to_owned() + it["says"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn who_is_on_call_hears_in_one_answer_how_everything_is() {
    let stage = Stage::open().await;
    stage.staffed("7.8.9").await;
    let ready = stage.noop().await;
    stage.active(Guest(1)).await;
    let mut tx = stage.begin().await;
    let counted = domain::vitals::take(&mut tx).await.unwrap();
    domain::vitals::keep(&mut tx, &counted).await.unwrap();
    tx.commit().await.unwrap();
    for path in PATHS {
        let answer = stage.get(path).as_operator().send().await.is(200);
        assert_eq!((&answer["status"], &answer["findings"]), (&json!("healthy"), &json!([])));
        let process = &answer["process"];
        assert_eq!(process["version"], env!("CARGO_PKG_VERSION"));
        assert!(process["uptime_secs"].is_u64() && process["draining"] == false, "{process}");
        let database = &answer["database"];
        assert_eq!(
            (&database["reachable"], &database["in_recovery"]),
            (&json!(true), &json!(false))
        );
        assert!(database["latency_ms"].as_f64().unwrap() > 0.0, "{database}");
        let (used, max) = (&database["connections"], &database["connections_max"]);
        assert!(used.as_u64().unwrap() > 0 && used.as_u64() < max.as_u64(), "{database}");
        let version = database["version"].as_str().unwrap();
        assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{database}");
        let queues = answer["queues"]["items"].as_array().unwrap();
        let queue = queues.iter().find(|queue| queue["name"] == "try").unwrap();
        assert_eq!((&queue["jobs"]["ready"], &queue["running"]), (&json!(1), &json!(0)), "{ready}");
        assert!(queue["next_age_ms"].is_u64() && queue.get("latency_target_ms").is_some());
        let fleet = json!({ "live": 1, "draining": 0, "silent": 0, "running": 0, "versions": { "7.8.9": 1 } });
        assert_eq!(answer["workers"], json!({ "live": 1, "pools": { "default": fleet } }));
        let schedules = &answer["schedules"];
        assert_eq!((&schedules["late"], &schedules["items"]), (&json!(0), &json!([])));
        assert!(schedules["all"].as_u64().unwrap() > 10, "{schedules}");
        assert_eq!(
            (&answer["dead_letters"]["jobs"], &answer["parked"]["runs"]),
            (&json!(0), &json!(0))
        );
        let closed = json!({ "breaker": "closed", "until": null });
        assert_eq!(answer["providers"], json!({ "twilio": closed, "openai": closed }));
        let demos = &answer["demos"];
        assert_eq!((&demos["active"], &demos["verification_ratio"]), (&json!(1), &json!(1.0)));
        assert!(demos["creation_secs_mean"].as_f64().unwrap() >= 0.0, "{demos}");
        assert!(demos["counted_secs_ago"].as_f64().unwrap() >= 0.0, "{demos}");
        let share = answer["numbers"]["allocated_ratio"].as_f64().unwrap();
        assert!(share > 0.0 && share <= 1.0, "{answer}");
        let unchained = answer["audit"]["product"]["waiting"].as_u64().unwrap();
        assert!(unchained > 0 && answer["audit"]["engine"]["link"].is_null(), "{answer}");
    }
}

#[tokio::test]
async fn what_is_at_fault_is_a_503_and_what_somebody_wants_or_has_to_decide_is_none() {
    let stage = Stage::open().await;
    let nobody = stage.detailed(503).await;
    assert_eq!(found(&nobody), ["! no worker takes jobs"]);
    stage.staffed("1").await;
    stage.detailed(200).await;

    stage.queue("try", "pause", json!({ "reason": "a migration" })).await;
    let later = json!({ "kind": "sleep", "args": { "ms": 1 }, "run_at": "2099-01-01T00:00:00Z" });
    let parked = stage.new_job(&later).await;
    stage
        .sql(&format!(
            "update trunkline.waits set state = 'parked', cause = 'poison', reason = 'r', due = null
             where job_id = '{parked}'"
        ))
        .await;
    let wanted = stage.detailed(200).await;
    let said = found(&wanted);
    assert!(said.len() == 2 && said[0].starts_with("try is paused since"), "{said:?}");
    assert_eq!(said[1], "1 run waits for a person (poison)");
    assert_eq!(wanted["parked"]["by_cause"], json!({ "poison": 1 }));

    stage.queue("try", "resume", json!({})).await;
    stage.noop().await;
    stage.queue("try", "settings", json!({ "latency_target_ms": 500, "reason": "r" })).await;
    stage.db.advance(Duration::from_secs(5)).await;
    let behind = found(&stage.detailed(503).await);
    assert!(behind[0].starts_with("! try is behind: "), "{behind:?}");
    // While it is paused the same job waits because somebody wants it to.
    stage.queue("try", "pause", json!({ "reason": "a migration" })).await;
    let held = found(&stage.detailed(200).await);
    assert!(held.len() == 2 && held[0].starts_with("try is paused since"), "{held:?}");
    stage.queue("try", "resume", json!({})).await;
    let behind = found(&stage.detailed(503).await);
    assert!(behind[0].starts_with("! try is behind: "), "{behind:?}");
    stage.queue("try", "settings", json!({ "latency_target_ms": null, "reason": "r" })).await;
    stage.detailed(200).await;

    stage
        .sql(
            "insert into trunkline.gates (gate_id, form, scope, breaker) select
             encode(substr(sha256('\\x627265616b657200' || 'twilio'::bytea || '\\x0000'), 1, 16), 'hex')::uuid,
             'breaker', 'twilio', jsonb_build_object('trips', 1, 'phase', jsonb_build_object(
                 'phase', 'open', 'until', trunkline.now() + interval '5 minutes'))",
        )
        .await;
    let alone = stage.detailed(503).await;
    assert_eq!(alone["providers"]["twilio"]["breaker"], "open");
    assert!(alone["providers"]["twilio"]["until"].is_string(), "{alone}");
    let said = found(&alone);
    assert!(said.iter().any(|it| it.starts_with("! twilio failed again and again")), "{said:?}");
    stage.sql("delete from trunkline.gates").await;
    stage.detailed(200).await;

    let switch = async |body: Value| {
        stage.post("/api/admin/maintenance").as_operator().json(&body).send().await.is(200);
    };
    switch(json!({ "mode": "sms_bypass", "reason": "the carrier is down" })).await;
    let switched = stage.detailed(200).await;
    assert_eq!(switched["switches"]["sms_bypass"]["reason"], "the carrier is down");
    let said = found(&switched);
    let is_it = |it: &String| {
        it.starts_with("sms_bypass is on since ") && it.ends_with(": the carrier is down")
    };
    assert!(said.iter().any(is_it), "{said:?}");
    switch(json!({ "mode": "normal" })).await;
    assert_eq!(stage.detailed(200).await["switches"], json!({}));

    // Nobody makes ticks here.
    stage.db.advance(Duration::from_mins(3)).await;
    let late = stage.detailed(503).await;
    let shown = late["schedules"]["items"].as_array().unwrap();
    let minutely = shown.iter().find(|it| it["name"] == "serve-waitlist").unwrap();
    assert!(minutely["late_secs"].as_u64().unwrap() > 60, "{late}");
    assert!(late["schedules"]["late"].as_u64().unwrap() >= 4, "{late}");
    let said = found(&late);
    assert!(said.iter().any(|it| it.starts_with("! serve-waitlist is late: ")), "{said:?}");
}

#[tokio::test]
async fn a_part_that_cannot_be_read_says_so_in_its_place_and_the_others_are_told() {
    let stage = Stage::open().await;
    stage.staffed("1").await;
    stage.sql("alter table product.vitals rename to vitals_away").await;
    let answer = stage.detailed(503).await;
    let error = json!({ "error": "the database could not be asked" });
    assert_eq!((&answer["demos"], &answer["numbers"]), (&error, &error));
    assert_eq!(answer["audit"]["product"], error);
    assert!(answer["queues"]["items"].is_array() && answer["audit"]["engine"]["waiting"].is_u64());
    let says = "! how the product stands cannot be told: the database could not be asked";
    assert_eq!(found(&answer), [says]);
    stage.sql("alter table product.vitals_away rename to vitals").await;
    stage.sql("alter table trunkline.audit_links rename to links_away").await;
    let answer = stage.detailed(503).await;
    for part in ["providers", "dead_letters", "parked", "workers"] {
        assert_eq!(answer[part], error, "{part}");
    }
    assert_eq!(answer["database"]["reachable"], true);
    assert!(answer["queues"]["items"].is_array() && answer["switches"].is_object(), "{answer}");
}

#[tokio::test]
async fn while_the_database_says_nothing_the_answer_comes_within_a_second_or_two() {
    let stage = Stage::open().await;
    let proxy = Proxy::before(stage.db.app_url()).await;
    let engine = stage.db.engine_config_at(proxy.url().clone());
    let api = TestApi::start(engine, &tests::variables(), Metrics::detached()).await;
    let ask = async || api.get(PATHS[0]).as_operator().send_unchecked().await;
    // Once before, so that there are connections to wait for in vain.
    ask().await.is(503);
    proxy.blacken();
    for _ in 0..2 {
        let began = Instant::now();
        let answer = ask().await.is(503);
        let took = began.elapsed();
        assert!(took < ANSWERED_WITHIN, "{took:?}");
        assert_eq!(answer["status"], "degraded");
        assert!(answer["process"]["uptime_secs"].is_u64(), "{answer}");
        let database = &answer["database"];
        assert_eq!(
            (&database["reachable"], &database["latency_ms"]),
            (&json!(false), &Value::Null)
        );
        for part in ["queues", "workers", "schedules", "parked", "providers", "demos"] {
            assert_eq!(answer[part]["error"], "the database did not answer in time", "{part}");
        }
        assert_eq!(found(&answer), ["! the database did not answer in time"]);
    }
    // Where it comes back, the next answers know it.
    proxy.lighten();
    wait_until("it is reachable", async || {
        holds(ask().await.json()["database"]["reachable"] == true)
    })
    .await;
}

#[tokio::test]
async fn both_answers_ask_the_database_no_more_than_a_page_may() {
    let stage = Stage::open().await;
    let proxy = Proxy::before(stage.db.app_url()).await;
    let engine = stage.db.engine_config_at(proxy.url().clone());
    let api = TestApi::start(engine, &tests::variables(), Metrics::detached()).await;
    for path in [PATHS[0], PATHS[1], "/api/admin/background-jobs/status"] {
        proxy.listen();
        let answer = api.get(path).as_operator().send_unchecked().await;
        let heard = proxy.heard();
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
        let is_about_tables =
            |text: &String| ["from trunkline.", "from product."].iter().any(|it| text.contains(it));
        let asked: Vec<_> = heard.into_iter().filter(is_about_tables).collect();
        let is_told = (1..=STATEMENTS_MAX).contains(&asked.len());
        assert!(is_told, "{path} asks {} questions: {asked:#?}", asked.len());
    }
}

#[tokio::test]
async fn what_runs_by_the_clock_is_shown_in_words_with_its_last_run_its_next_and_its_day() {
    let stage = Stage::open().await;
    let look = async || {
        let path = "/api/admin/background-jobs/status";
        let answer = stage.get(path).as_operator().send().await.is(200);
        let items = answer["items"].as_array().unwrap().clone();
        assert!(items.len() > 10 && answer["at"].is_string(), "{answer}");
        items
    };
    let find = |items: &[Value], name: &str| {
        items.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name}")).clone()
    };
    let nightly = find(&look().await, "cleanup-stale-demo-tenants");
    assert_eq!(
        (&nightly["when"], &nightly["cron"], &nightly["timezone"]),
        (&json!("every day at 02:00"), &json!("0 2 * * *"), &json!("UTC"))
    );
    assert_eq!((&nightly["last"], &nightly["enabled"]), (&Value::Null, &json!(true)));
    assert!(nightly["next"].is_string() && nightly["paused"].is_null(), "{nightly}");
    assert_eq!((&nightly["ticks"]["made"], &nightly["ticks"]["failed"]), (&json!(0), &json!(0)));

    stage.db.advance(Duration::from_secs(90)).await;
    let stop = CancellationToken::new();
    let engine = stage.api.engine().clone();
    let making = tokio::spawn({
        let stop = stop.clone();
        async move { engine.schedule_until(stop).await }
    });
    wait_until("a tick is made", async || {
        holds(!find(&look().await, "serve-waitlist")["last"].is_null())
    })
    .await;
    stop.cancel();
    making.await.unwrap();
    let minutely = find(&look().await, "serve-waitlist");
    assert_eq!((&minutely["when"], &minutely["late_secs"]), (&json!("every minute"), &Value::Null));
    let last = &minutely["last"];
    assert_eq!((&last["state"], &last["finished_at"]), (&json!("ready"), &Value::Null));
    assert!(last["at"].is_string() && last["made_at"].is_string() && last["took_ms"].is_null());
    let ticks = &minutely["ticks"];
    assert!(ticks["made"].as_u64().unwrap() >= 1, "{ticks}");
    assert_eq!((&ticks["unfinished"], &ticks["failed"]), (&ticks["made"], &json!(0)), "{ticks}");

    let path = "/v1/admin/schedules/serve-waitlist/pause";
    let pause = json!({ "reason": "the pool is looked at" });
    stage.post(path).as_operator().json(&pause).send().await.is(200);
    let paused = find(&look().await, "serve-waitlist");
    assert_eq!((&paused["enabled"], &paused["next"]), (&json!(false), &Value::Null));
    assert_eq!(paused["paused"]["reason"], "the pool is looked at");
}

#[tokio::test]
async fn how_long_a_demo_took_is_counted_from_its_code_to_its_beginning() {
    let stage = Stage::open().await;
    let demo = stage.verified(Guest(1)).await;
    stage.db.advance(Duration::from_secs(30)).await;
    stage.provision(&demo).await;
    let mut tx = stage.begin().await;
    let counted = domain::vitals::take(&mut tx).await.unwrap();
    let secs = counted.creation_secs_mean.unwrap();
    assert!((30.0..60.0).contains(&secs), "{secs}");
}
