//! What was read is named when it is changed: of two who change the same thing, the second hears what stands there now.

use api::{ROUTES, TAGGED};
use serde_json::{Value, json};
use tests::{Answer, Ask, TestApi};

use crate::stage::{Guest, Rows, Stage};

/// One of each kind of thing that has a tag, by the parameter of its path.
struct Things {
    job: String,
    parked: String,
    operation: String,
    tenant: String,
    schedule: String,
    worker: String,
    /// Of the tenant's own person.
    cookie: String,
}

impl Things {
    async fn of(stage: &Stage) -> Things {
        let demo = stage.active(Guest(1)).await;
        let cookie = stage.own_session(&demo).await;
        let later =
            json!({ "kind": "sleep", "args": { "ms": 1 }, "run_at": "2099-01-01T00:00:00Z" });
        let (job, parked) = (stage.new_job(&later).await, stage.new_job(&later).await);
        let park = format!(
            "update trunkline.waits set state = 'parked', cause = 'gave_up', reason = 'it broke', due = null
             where job_id = '{parked}'"
        );
        sqlx::query(sqlx::AssertSqlSafe(park)).execute(stage.db.owner()).await.unwrap();
        let preview = json!({ "deed": "retry", "state": "failed" });
        let made = stage.post("/v1/admin/operations").as_operator().json(&preview).send().await;
        let operation = made.is(202)["id"].as_str().unwrap().to_owned();
        let schedules = stage.get("/v1/admin/schedules").as_operator().send().await.is(200);
        let schedule = schedules["items"][0]["name"].as_str().unwrap().to_owned();
        let come = "insert into trunkline.workers (name, pool, version, expires_at)
                    values ('w', 'default', '1', trunkline.now() + interval '1 hour') returning worker_id";
        let worker: i32 = sqlx::query_scalar(come).fetch_one(stage.db.owner()).await.unwrap();
        let worker = worker.to_string();
        Things { job, parked, operation, tenant: demo.tenant, schedule, worker, cookie }
    }

    fn path(&self, path: &str) -> String {
        let id = match path.split('/').nth(3) {
            Some("operations") => &self.operation,
            Some("workers") => &self.worker,
            Some("businesses") => &self.tenant,
            Some("parked") => &self.parked,
            _ if path.ends_with("/answer") => &self.parked,
            _ => &self.job,
        };
        let name = if path.contains("/schedules/") { &self.schedule } else { "try" };
        path.replace("{id}", id).replace("{name}", name).replace("{tenant}", &self.tenant)
    }

    /// An order, with the method that its route has.
    fn order(&self, stage: &Stage, path: &str) -> Ask {
        let mut all = ROUTES.iter().filter(|route| route.path == path && route.method != "GET");
        let method = all.next().unwrap().method.parse().unwrap();
        self.by(stage.ask(&method, &self.path(path)), path)
    }

    /// Asked by whoever may.
    fn by(&self, ask: Ask, path: &str) -> Ask {
        if path == "/api/voice" { ask.cookie(&self.cookie) } else { ask.as_operator() }
    }

    async fn read(&self, stage: &Stage, path: &str) -> Answer {
        self.by(stage.get(&self.path(path)), path).send().await
    }
}

/// A body that the order takes.
fn body_of(path: &str) -> Value {
    match path.rsplit('/').next().unwrap() {
        "args" => json!({ "args": { "ms": 2 }, "reason": "r" }),
        "fork" => json!({ "step": "a" }),
        "answer" => json!({ "claim": 0, "answer": "retry" }),
        "start" => json!({ "expect": 1, "reason": "r" }),
        "settings" => json!({ "at_once_max": 3, "reason": "r" }),
        "change" => json!({ "cron": "1 2 3 * *", "reason": "r" }),
        "backfill" => {
            json!({ "from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "reason": "r" })
        }
        "maintenance" => json!({ "mode": "demo_disabled", "reason": "r" }),
        "voice" => json!({ "voiceMode": "off" }),
        "{id}" => json!({ "status": "SUSPENDED" }),
        _ => json!({ "reason": "r" }),
    }
}

fn is_tag(text: &str) -> bool {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.is_some_and(|it| it.len() == 32 && it.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Sets a queue's limit, if it is still what was read.
async fn limit(api: &TestApi, max: u32, tag: &str) -> Answer {
    let ask = api.post("/v1/admin/queues/try/settings").as_operator().header("if-match", tag);
    ask.json(&json!({ "at_once_max": max, "reason": "r" })).send().await
}

#[tokio::test]
async fn whatever_can_be_changed_is_read_with_a_tag_and_whoever_has_it_is_sent_no_body() {
    let stage = Stage::open().await;
    let things = Things::of(&stage).await;
    for it in TAGGED {
        let path = it.read_at;
        let first = things.read(&stage, path).await;
        first.is(200);
        let tag = first.header("etag").to_owned();
        assert!(is_tag(&tag), "{path}: {tag}");
        assert_eq!(things.read(&stage, path).await.header("etag"), tag, "{path}");
        let asked = async |have: &str| {
            let ask = things.by(stage.get(&things.path(path)), path);
            ask.header("if-none-match", have).send().await
        };
        for have in [&*tag, &format!("W/{tag}"), &format!("\"x\", {tag}"), "*"] {
            let same = asked(have).await;
            assert_eq!((same.status, &*same.text), (304, ""), "{path} {have}: {same:?}");
            assert_eq!(same.header("etag"), tag, "{path}");
        }
        asked("\"x\"").await.is(200);
        asked("x").await.problem(400, "bad_request");
        let nobody = stage.get(&things.path(path)).header("if-none-match", "x").send().await;
        assert_eq!(nobody.status, 401, "what is wrong with it is nobody's business: {nobody:?}");
    }
}

#[tokio::test]
async fn every_order_about_what_has_a_tag_is_refused_with_another_one_and_changes_nothing() {
    let stage = Stage::open().await;
    let things = Things::of(&stage).await;
    let before = Rows::count(&stage.db).await;
    for it in TAGGED {
        let tag = things.read(&stage, it.read_at).await.header("etag").to_owned();
        for path in it.changed_at {
            let order = async |tag: &str| {
                let ask = things.order(&stage, path);
                ask.header("if-match", tag).json(&body_of(path)).send().await
            };
            let refused = order("\"00000000000000000000000000000000\"").await;
            let problem = refused.problem(412, "precondition_failed");
            assert_eq!(problem["etag"], json!(tag), "{path}");
            order(&format!("W/{tag}")).await.problem(412, "precondition_failed");
            for malformed in ["x", "\"x", "\"x\" \"y\"", ""] {
                order(malformed).await.problem(400, "bad_request");
            }
        }
        let now = things.read(&stage, it.read_at).await;
        assert_eq!(now.header("etag"), tag, "{}", it.read_at);
    }
    assert_eq!(Rows::count(&stage.db).await, before);
}

#[tokio::test]
async fn what_is_not_there_is_missing_whatever_the_condition_says() {
    let stage = Stage::open().await;
    for tag in ["*", "\"x\""] {
        let ask = stage.post("/v1/admin/queues/nowhere/settings").as_operator();
        let body = json!({ "at_once_max": 1, "reason": "r" });
        ask.header("if-match", tag).json(&body).send().await.problem(404, "not_found");
    }
}

#[tokio::test]
async fn an_order_about_what_has_no_tag_takes_no_condition() {
    let stage = Stage::open().await;
    for (path, body) in [
        ("/v1/admin/jobs", json!({ "kind": "noop" })),
        ("/v1/admin/keys", json!({ "name": "ada", "role": "viewer" })),
        ("/v1/admin/numbers", json!({ "phone": "+436601234567" })),
    ] {
        let ask = stage.post(path).as_operator().header("if-match", "*").json(&body);
        ask.send().await.problem(400, "bad_request");
    }
}

#[tokio::test]
async fn of_two_who_change_the_same_at_two_instances_one_wins_and_the_other_hears_of_it() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    stage.noop().await;
    let read = async || stage.get("/v1/admin/queues/try").as_operator().send().await;
    for round in 1..=20 {
        let tag = read().await.header("etag").to_owned();
        let (one, two) = (2 * round, 2 * round + 1);
        let both = tokio::join!(limit(&stage.api, one, &tag), limit(&other, two, &tag));
        let (won, (lost, wanted)) = match (both.0.status, both.1.status) {
            (200, 412) => (one, (both.1, two)),
            (412, 200) => (two, (both.0, one)),
            other => panic!("round {round}: {other:?}"),
        };
        let stands = read().await;
        assert_eq!(stands.is(200)["at_once_max"], won);
        let problem = lost.problem(412, "precondition_failed");
        assert_eq!(problem["etag"], stands.header("etag"), "what stands there is named");
        // Whoever has looked again decides anew.
        limit(&other, wanted, stands.header("etag")).await.is(200);
    }
}

#[tokio::test]
async fn arguments_that_somebody_else_has_edited_or_that_a_worker_has_seen_are_not_overwritten() {
    let stage = Stage::open().await;
    let later = json!({ "kind": "sleep", "args": { "ms": 1 }, "run_at": "2099-01-01T00:00:00Z" });
    let id = stage.new_job(&later).await;
    let path = format!("/v1/admin/jobs/{id}");
    let tag = async || {
        let read = stage.get(&path).as_operator().send().await;
        read.header("etag").to_owned()
    };
    let edit = async |ms: u32, tag: &str| {
        let ask = stage.post(&format!("{path}/args")).as_operator().header("if-match", tag);
        ask.json(&json!({ "args": { "ms": ms }, "reason": "r" })).send().await
    };
    let first = tag().await;
    edit(2, &first).await.is(202);
    edit(3, &first).await.problem(412, "precondition_failed");
    assert_eq!(stage.job(&id).await["args"], json!({ "ms": 2 }));
    edit(3, &tag().await).await.is(202);
    let third = tag().await;
    let body = json!({ "reason": "r" });
    stage.post(&format!("{path}/run-now")).as_operator().json(&body).send().await.is(202);
    assert_ne!(tag().await, third);
    edit(4, &third).await.problem(412, "precondition_failed");
    assert_eq!(stage.job(&id).await["args"], json!({ "ms": 3 }));
}

#[tokio::test]
async fn a_schedule_s_tag_stays_while_it_ticks_and_changes_with_what_is_wanted_of_it() {
    let stage = Stage::open().await;
    let schedules = stage.get("/v1/admin/schedules").as_operator().send().await.is(200);
    let path = format!("/v1/admin/schedules/{}", schedules["items"][0]["name"].as_str().unwrap());
    let tag = async || {
        let read = stage.get(&path).as_operator().send().await;
        read.header("etag").to_owned()
    };
    let first = tag().await;
    let tick = "update trunkline.schedules
                set last_at = next_at, next_at = next_at + interval '1 hour'";
    sqlx::query(tick).execute(stage.db.owner()).await.unwrap();
    assert_eq!(tag().await, first);
    let order = async |verb: &str, tag: &str| {
        let ask = stage.post(&format!("{path}/{verb}")).as_operator().header("if-match", tag);
        ask.json(&json!({ "reason": "r" })).send().await
    };
    order("pause", &first).await.is(200);
    order("resume", &first).await.problem(412, "precondition_failed");
    order("resume", &tag().await).await.is(200);
}

#[tokio::test]
async fn a_repeat_under_its_key_gets_the_first_answer_although_the_tag_is_another_one_by_then() {
    let stage = Stage::open().await;
    stage.noop().await;
    let read = stage.get("/v1/admin/queues/try").as_operator().send().await;
    let order = async |tag: &str| {
        let ask = stage.post("/v1/admin/queues/try/settings").as_operator().header("if-match", tag);
        let ask = ask.header("idempotency-key", "once");
        ask.json(&json!({ "at_once_max": 5, "reason": "r" })).send().await
    };
    order(read.header("etag")).await.is(200);
    let again = order(read.header("etag")).await;
    again.is(200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    // With another condition it is another request.
    order("*").await.problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn a_tenant_s_person_and_an_operator_do_not_overwrite_each_other_s_settings() {
    let stage = Stage::open().await;
    let things = Things::of(&stage).await;
    let operators = "/v1/admin/businesses/{tenant}/voice";
    let tag = things.read(&stage, operators).await.header("etag").to_owned();
    assert_eq!(things.read(&stage, "/api/voice").await.header("etag"), tag, "it is one thing");
    let put = async |path: &str, mode: &str| {
        let ask = things.by(stage.post(&things.path(path)), path).header("if-match", &tag);
        ask.json(&json!({ "voiceMode": mode })).send().await
    };
    put(operators, "off").await.is(200);
    put("/api/voice", "after_hours").await.problem(412, "precondition_failed");
    assert_eq!(things.read(&stage, "/api/voice").await.is(200)["voiceMode"], "off");
}

#[tokio::test]
async fn switches_that_nobody_has_touched_are_thrown_by_one_of_two() {
    let stage = Stage::open().await;
    let other = stage.another_api().await;
    let path = "/api/admin/maintenance";
    let tag = stage.get(path).as_operator().send().await.header("etag").to_owned();
    let turn = async |api: &TestApi, mode: &str| {
        let ask = api.post(path).as_operator().header("if-match", &tag);
        ask.json(&json!({ "mode": mode, "reason": "r" })).send().await.status
    };
    let both = tokio::join!(turn(&stage.api, "demo_disabled"), turn(&other, "sms_bypass"));
    assert!(matches!(both, (200, 412) | (412, 200)), "{both:?}");
}
