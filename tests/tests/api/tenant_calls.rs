//! A tenant's calls, as its people see them, and how they want them to be taken.

use domain::{
    CallId, Locale, PhoneNumber, RequestId,
    calls::{
        self, About, CallStatus, Direction, News,
        kept::Kept,
        requests::{self, NewRequest, RequestKind},
        transcripts::{self, NewTranscript},
    },
};
use engine::Sealed;
use serde_json::{Value, json};

use crate::stage::{Demo, Guest, Stage};

const CALLER: &str = "+436641112233";

pub(crate) fn sid(number: u32) -> String {
    format!("CA{number:032x}")
}

/// What a worker would have done, and the provider.
impl Stage {
    /// A call of a tenant's that is over.
    pub(crate) async fn call(&self, demo: &Demo, number: u32) -> CallId {
        let from = PhoneNumber::from_e164(CALLER).unwrap();
        let about = About {
            tenant: Some(demo.id()),
            direction: Some(Direction::Inbound),
            from: Some(&from),
            to: None,
        };
        let mut tx = self.begin().await;
        let at = tx.now().await.unwrap() + chrono::TimeDelta::seconds(number.into());
        let news = News {
            status: CallStatus::Completed,
            at: Some(at),
            duration_secs: Some(42),
            sip_response_code: None,
        };
        calls::apply(&mut tx, &sid(number), about, &news).await.unwrap();
        let call = calls::get(&mut tx, &sid(number)).await.unwrap().unwrap().call;
        tx.commit().await.unwrap();
        call
    }

    /// What was said in it.
    pub(crate) async fn transcript(&self, demo: &Demo, call: CallId, is_sealed: bool) {
        let mut tx = self.begin().await;
        let said = json!([{ "who": "caller", "text": "Es brennt!", "at_ms": 7 }]);
        let kept = |value: Value| {
            if is_sealed {
                Kept::Sealed(tx.seal(&value).unwrap().into_bytes())
            } else {
                Kept::Open(value)
            }
        };
        let (said, summary) = (kept(said), kept(json!("A fire.")));
        let new = NewTranscript {
            call,
            tenant: demo.id(),
            locale: Locale::De,
            ended: "hung_up",
            turns: 1,
            said,
            is_urgent: true,
            kept_days: 2,
        };
        assert!(transcripts::put(&mut tx, &new).await.unwrap());
        transcripts::summarise(&mut tx, call, &summary).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// What a caller left.
    pub(crate) async fn request(&self, demo: &Demo, call: CallId) -> RequestId {
        let mut tx = self.begin().await;
        let details = json!({ "name": "Maria", "text": "Bitte melden.", "wanted": null });
        let sealed: Sealed<Value> = tx.seal(&details).unwrap();
        let new = NewRequest {
            request: RequestId::mint(),
            tenant: demo.id(),
            call,
            kind: RequestKind::Message,
            phone: None,
            details: Kept::Sealed(sealed.into_bytes()),
            is_urgent: false,
            kept_days: 2,
        };
        requests::put(&mut tx, &new).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        new.request
    }
}

#[tokio::test]
async fn calls_are_listed_in_pages_the_latest_first() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let cookie = stage.own_session(&demo).await;
    for number in 1..=5 {
        stage.call(&demo, number).await;
    }
    let (mut seen, mut path) = (Vec::new(), "/api/calls?limit=2".to_owned());
    for _ in 0..3 {
        let page = stage.get(&path).cookie(&cookie).send().await.is(200);
        for item in page["items"].as_array().unwrap() {
            seen.push(item["callSid"].as_str().unwrap().to_owned());
            assert_eq!((&item["from"], &item["durationSecs"]), (&json!(CALLER), &json!(42)));
        }
        let cursor = page["next_cursor"].as_str().unwrap_or_default();
        path = format!("/api/calls?limit=2&cursor={cursor}");
    }
    assert!(path.ends_with("cursor="), "{path}");
    assert_eq!(seen, [5, 4, 3, 2, 1].map(sid));
    for wrong in ["limit=0", "limit=201", "cursor=x", "cursor=c1", "from=x"] {
        let path = format!("/api/calls?{wrong}");
        stage.get(&path).cookie(&cookie).send().await.problem(422, "invalid_fields");
    }
}

#[tokio::test]
async fn what_was_said_is_shown_alike_whether_it_is_kept_sealed_or_not_and_not_when_its_time_is_over()
 {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let cookie = stage.own_session(&demo).await;
    for is_sealed in [false, true] {
        let call = stage.call(&demo, u32::from(is_sealed)).await;
        stage.transcript(&demo, call, is_sealed).await;
        stage.request(&demo, call).await;
        let path = format!("/api/calls/{call}");
        let shown = stage.get(&path).cookie(&cookie).send().await.is(200);
        assert_eq!(shown["transcript"]["said"][0]["text"], "Es brennt!");
        assert_eq!(shown["transcript"]["summary"], "A fire.");
        assert_eq!(
            (&shown["isUrgent"], &shown["requests"][0]["name"]),
            (&json!(true), &json!("Maria"))
        );
        let in_the_clear = "select from product.call_transcripts t where t::text like '%brennt%'";
        assert_eq!(stage.db.number(in_the_clear).await, 1, "one of them is sealed");
    }
    stage.db.advance(std::time::Duration::from_hours(49)).await;
    let mut tx = stage.begin().await;
    assert_eq!(transcripts::clean(&mut tx).await.unwrap(), 4, "two transcripts, two requests");
    tx.commit().await.unwrap();
    // The demo's session ends with the demo, but the rows are what counts here.
    assert_eq!(stage.db.number("select from product.call_transcripts").await, 0);
}

#[tokio::test]
async fn what_callers_left_is_listed_and_seen_to() {
    let stage = Stage::open().await;
    let demo = stage.active(Guest(1)).await;
    let cookie = stage.own_session(&demo).await;
    let call = stage.call(&demo, 1).await;
    let (one, two) = (stage.request(&demo, call).await, stage.request(&demo, call).await);
    let list = async |query: &str| {
        let path = format!("/api/call-requests{query}");
        stage.get(&path).cookie(&cookie).send().await.is(200)
    };
    let page = list("?limit=1").await;
    assert_eq!(page["items"][0]["id"], json!(two));
    let next = format!("?limit=1&cursor={}", page["next_cursor"].as_str().unwrap());
    let page = list(&next).await;
    assert_eq!((&page["items"][0]["id"], &page["next_cursor"]), (&json!(one), &Value::Null));
    assert_eq!(page["items"][0]["phoneNumber"], CALLER, "where they called from");

    let path = format!("/api/call-requests/{one}");
    let done = async |body: Value| stage.post(&path).cookie(&cookie).json(&body).send().await;
    let first = done(json!({ "done": true })).await.is(200)["doneAt"].clone();
    assert!(first.is_string());
    assert_eq!(done(json!({ "done": true })).await.is(200)["doneAt"], first, "twice is once");
    assert_eq!(list("?status=open").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(done(json!({ "done": false })).await.is(200)["doneAt"], Value::Null);
    assert_eq!(list("?status=open").await["items"].as_array().unwrap().len(), 2);
    done(json!({})).await.problem(422, "invalid_fields");
    let record = stage.get("/v1/admin/audit?action=call_request.done").as_operator();
    let record = record.send().await.is(200);
    let noted = record["items"].as_array().unwrap().iter().map(|it| &it["details"]);
    let noted: Vec<_> = noted.map(|it| (&it["call_request"], &it["done"])).collect();
    let id = json!(one);
    assert_eq!(noted, [(&id, &json!(false)), (&id, &json!(true)), (&id, &json!(true))]);
    stage
        .get("/api/call-requests?status=lost")
        .cookie(&cookie)
        .send()
        .await
        .problem(422, "invalid_fields");
}

#[tokio::test]
async fn nobody_sees_the_calls_of_another_tenant() {
    let stage = Stage::open().await;
    let (mine, theirs) = (stage.active(Guest(1)).await, stage.active(Guest(2)).await);
    let cookie = stage.own_session(&mine).await;
    let call = stage.call(&theirs, 1).await;
    stage.transcript(&theirs, call, false).await;
    let request = stage.request(&theirs, call).await;
    for path in ["/api/calls", "/api/call-requests"] {
        let listed = stage.get(path).cookie(&cookie).send().await.is(200);
        assert_eq!(listed["items"], json!([]), "{path}");
    }
    for path in [format!("/api/calls/{call}"), "/api/calls/x".to_owned()] {
        stage.get(&path).cookie(&cookie).send().await.problem(404, "not_found");
    }
    let path = format!("/api/call-requests/{request}");
    let done = stage.post(&path).cookie(&cookie).json(&json!({ "done": true })).send().await;
    done.problem(404, "not_found");
    assert_eq!(stage.db.number("select from product.call_requests where status = 'open'").await, 1);
}

#[tokio::test]
async fn how_calls_are_taken_is_changed_by_the_tenant_and_by_operators_and_noted() {
    let stage = Stage::open().await;
    let (demo, other) = (stage.active(Guest(1)).await, stage.active(Guest(2)).await);
    let cookie = stage.own_session(&demo).await;
    let post =
        async |body: &Value| stage.post("/api/voice").cookie(&cookie).json(body).send().await;
    let usual = stage.get("/api/voice").cookie(&cookie).send().await.is(200);
    assert_eq!((&usual["voiceMode"], &usual["businessHours"]), (&json!("always"), &Value::Null));
    let hours = json!({ "voiceMode": "after_hours", "businessHours": { "mon": ["08:00-12:00"] } });
    post(&hours).await.is(200);
    let changed = post(&json!({ "greeting": "Guten Tag!" })).await.is(200);
    assert_eq!(changed["voiceMode"], "after_hours", "what is not named stays");
    assert_eq!(changed["businessHours"]["mon"], json!(["08:00-12:00"]));
    assert_eq!(changed["businessHours"]["sun"], json!([]));
    post(&json!({ "greeting": "Guten Tag!" })).await.is(200);
    post(&json!({ "voiceMode": "sometimes" })).await.problem(422, "invalid_fields");
    post(&json!({ "transferPhone": "12" })).await.problem(400, "invalid_phone");

    let path = format!("/v1/admin/businesses/{}/voice", demo.tenant);
    let by_operator =
        stage.post(&path).as_operator().json(&json!({ "voiceMode": "off" })).send().await;
    assert_eq!(by_operator.is(200)["greeting"], "Guten Tag!");
    assert_eq!(stage.get(&path).as_operator().send().await.is(200)["voiceMode"], "off");
    let theirs = format!("/v1/admin/businesses/{}/voice", other.tenant);
    assert_eq!(stage.get(&theirs).as_operator().send().await.is(200)["voiceMode"], "always");
    let nobody = "/v1/admin/businesses/0190a0a0-0000-7000-8000-000000000001/voice";
    stage.get(nobody).as_operator().send().await.problem(404, "not_found");
    let noted = "select from product.audit_log where action = 'voice.settings'";
    assert_eq!(stage.db.number(noted).await, 3, "the same again is no change");
}
