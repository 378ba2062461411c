//! People and tenants who are erased: nothing of them is left, and nobody else loses anything.

use std::time::Duration;

use domain::{PhoneNumber, sending::Occasion};
use engine::{State, Workflow};
use serde_json::{Value, json};
use tests::{holds, wait_until};

use crate::{
    post::Post,
    secrets::found_in,
    shop::{PERSON, Shop},
};

/// Somebody else.
const OTHER: &str = "+436607654399";

const SAID: &str = "my left knee hurts";
const SAID_BY_OTHER: &str = "my right elbow itches";

/// What somebody has at a tenant besides texts: a call that was over an hour ago with all that follows one, and a code. `{n}`
/// tells one from the other.
const CALLED: &str = "
    select set_config('trunkline.scope', 'platform', false);
    insert into product.calls (call_id, tenant_id, call_sid, direction, from_phone, to_phone, status, rank, started_at,
                               ended_at, duration_secs, created_at, updated_at)
        values ('00000000-0000-7000-8000-00000000000{n}', '{tenant}', 'CA' || repeat('{n}', 32), 'inbound', '{phone}',
                '+15550100000', 'completed', product.call_rank('completed'), trunkline.now() - interval '2 hours',
                trunkline.now() - interval '1 hour', 42, trunkline.now() - interval '2 hours',
                trunkline.now() - interval '1 hour');
    insert into product.call_transcripts (call_id, tenant_id, locale, ended, turns, said, summary, is_urgent, forget_at)
        values ('00000000-0000-7000-8000-00000000000{n}', '{tenant}', 'de-AT', 'hung_up', 1,
                jsonb_build_array(jsonb_build_object('who', 'caller', 'text', '{said}')), '{said}', false,
                trunkline.now() + interval '90 days');
    insert into product.call_requests (request_id, tenant_id, call_id, kind, phone, details, forget_at)
        values ('00000000-0000-7000-8000-00000000000{n}', '{tenant}', '00000000-0000-7000-8000-00000000000{n}', 'message',
                '{phone}', jsonb_build_object('text', '{said}'), trunkline.now() + interval '90 days');
    insert into product.call_recordings (recording_sid, call_sid, tenant_id, status, rank)
        values ('RE' || repeat('{n}', 32), 'CA' || repeat('{n}', 32), '{tenant}', 'completed',
                product.recording_rank('completed'));
    insert into product.demo_verification_codes (code_id, tenant_id, phone, expires_at, replaced_at)
        values ('00000000-0000-7000-8000-00000000000{n}', '{tenant}', '{phone}', trunkline.now() + interval '1 hour',
                trunkline.now());";

impl Shop {
    /// Somebody has called, and left something.
    async fn was_called_by(&self, phone: &str, said: &str, n: u8) {
        let n = n.to_string();
        let statement = CALLED.replace("{n}", &n).replace("{phone}", phone).replace("{said}", said);
        let statement = statement.replace("{tenant}", &self.tenant().to_string());
        let mut superuser = self.stage.db.superuser().await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut superuser).await.unwrap();
        self.stage.phone.keep_recording(format!("RE{}", n.repeat(32)));
    }

    async fn erase(&self, mut body: Value) -> Value {
        body["reason"] = "they asked for it".into();
        let (status, answer) = self.stage.post("/v1/admin/erasures", &body).await;
        assert_eq!(status, 202, "{answer}");
        answer
    }

    async fn preview(&self, body: &Value) -> Value {
        let (status, answer) = self.stage.post("/v1/admin/erasures/preview", body).await;
        assert_eq!(status, 200, "{answer}");
        answer["counts"].clone()
    }

    /// The newest order of the list.
    async fn last_order(&self) -> Value {
        let (status, list) = self.stage.get("/v1/admin/erasures", crate::stage::ADMIN_KEY).await;
        assert_eq!(status, 200, "{list}");
        list["items"][0].clone()
    }

    async fn found(&self, words: &[&str]) -> Vec<String> {
        found_in(&self.stage, &["product", "trunkline"], words).await
    }
}

fn hash_of(shop: &Shop, phone: &str) -> String {
    let phone = PhoneNumber::from_e164(phone).unwrap();
    domain::erasures::hash_to_hex(phone.digest(&shop.stage.pepper()).as_bytes())
}

#[tokio::test]
async fn of_a_person_who_is_erased_no_table_holds_a_word_and_nobody_else_loses_one() {
    let shop = Shop::open().await;
    shop.hears(SAID).await;
    assert_eq!(shop.stage.write(OTHER, &shop.number, SAID_BY_OTHER).await, 200);
    shop.rests().await;
    shop.hears("STOP").await;
    shop.rests().await;
    shop.was_called_by(PERSON, SAID, 1).await;
    shop.was_called_by(OTHER, SAID_BY_OTHER, 2).await;
    let facts = ["messages", "calls", "call_recordings", "opt_outs"];
    let count =
        async |table: &str| shop.stage.db.number(&format!("select from product.{table}")).await;
    let mut before = Vec::new();
    for table in facts {
        before.push(count(table).await);
    }
    assert!(!shop.found(&[&PERSON[1..], SAID]).await.is_empty());
    let others = shop.found(&[&OTHER[1..], SAID_BY_OTHER]).await;

    let who = json!({ "phone": PERSON });
    let counts = shop.preview(&who).await;
    assert_eq!((&counts["conversations"], &counts["call_recordings"]), (&json!(1), &json!(1)));
    assert!(!shop.found(&[&PERSON[1..]]).await.is_empty(), "a preview erases nothing");
    let ordered = shop.erase(who.clone()).await;
    assert_eq!(ordered["person"], hash_of(&shop, PERSON));
    shop.rests().await;

    assert_eq!(shop.found(&[&PERSON[1..], SAID]).await, [""; 0]);
    assert_eq!(shop.found(&[&OTHER[1..], SAID_BY_OTHER]).await, others);
    for (table, before) in facts.iter().zip(before) {
        assert_eq!(count(table).await, before, "{table}: facts stay");
    }
    assert_eq!(shop.stage.phone.recordings(), [format!("RE{}", "2".repeat(32))]);
    let order = shop.last_order().await;
    assert!(order["finished_at"].is_string(), "{order}");
    for part in ["message_bodies", "conversations", "call_transcripts", "call_requests", "calls"] {
        assert_eq!(order["counts"][part], counts[part], "{part}: {order}");
    }
    let told = order.to_string() + &ordered.to_string();
    assert!(!told.contains(&PERSON[1..]), "{told}");

    // What they wanted not to have they still do not get.
    shop.enqueue(shop.message(PERSON, Occasion::Notice).job()).await;
    shop.rests().await;
    assert_eq!(shop.newest().await, ("skipped".to_owned(), "opted_out".to_owned()));

    // Twice is once.
    shop.erase(who).await;
    shop.rests().await;
    let again = shop.last_order().await;
    assert!(again["finished_at"].is_string(), "{again}");
    assert_eq!(
        (&again["counts"]["conversations"], &again["counts"]["calls"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(shop.found(&[&PERSON[1..]]).await, [""; 0]);
}

#[tokio::test]
async fn what_was_planned_for_somebody_before_they_were_erased_is_not_sent() {
    let shop = Shop::open().await;
    let planned = shop.message(PERSON, Occasion::Notice);
    shop.erase(json!({ "phone": PERSON })).await;
    shop.rests().await;
    shop.enqueue(planned.job()).await;
    shop.rests().await;
    assert_eq!(shop.said(), [""; 0]);
    assert_eq!(shop.found(&[&PERSON[1..]]).await, [""; 0]);
    // Who comes back is somebody new.
    shop.enqueue(shop.message(PERSON, Occasion::Notice).job()).await;
    shop.rests().await;
    assert_eq!(shop.said().len(), 1);
}

#[tokio::test]
async fn a_hash_of_the_list_erases_the_same_person_again_as_after_a_restore() {
    let shop = Shop::open().await;
    shop.hears(SAID).await;
    shop.rests().await;
    shop.was_called_by(PERSON, SAID, 1).await;
    let nobody = "00".repeat(32);
    shop.erase(json!({ "person": nobody })).await;
    shop.rests().await;
    assert_eq!(shop.last_order().await["counts"], json!({}));
    shop.erase(json!({ "person": hash_of(&shop, PERSON), "tenant": shop.tenant() })).await;
    shop.rests().await;
    assert_eq!(shop.found(&[&PERSON[1..], SAID]).await, [""; 0]);
    assert!(shop.last_order().await["finished_at"].is_string());
}

#[tokio::test]
async fn while_a_call_goes_on_an_erasure_waits_and_what_is_told_of_it_later_is_erased_too() {
    // The person of `Post::call`.
    let caller = "+436641234567";
    let sid = format!("CA{}", "7".repeat(32));
    let shop = Shop::open().await;
    assert_eq!(Post::call(&sid, "in-progress", &shop.number).send(&shop.stage).await, 204);
    shop.rests().await;
    shop.erase(json!({ "phone": caller })).await;
    wait_until("it waits for the end of the call", async || {
        holds(shop.stage.newest("erase").await.summary.state == State::Waiting)
    })
    .await;
    assert_eq!(Post::call(&sid, "completed", &shop.number).send(&shop.stage).await, 204);
    wait_until("the call has ended", async || {
        let ended = "select from product.calls where ended_at is not null";
        holds(shop.stage.db.number(ended).await == 1)
    })
    .await;
    assert_eq!(Post::recording(&sid).send(&shop.stage).await, 204);
    shop.stage.phone.keep_recording(format!("RE{}", "7".repeat(32)));
    wait_until("it is known that it was recorded", async || {
        holds(shop.stage.db.number("select from product.call_recordings").await == 1)
    })
    .await;
    for _ in 0..3 {
        shop.stage.advance(Duration::from_mins(11)).await;
        let order = async || shop.stage.newest("erase").await.summary.state;
        wait_until("it goes on", async || {
            holds(matches!(order().await, State::Waiting | State::Succeeded))
        })
        .await;
    }
    shop.rests().await;
    assert_eq!(shop.found(&[&caller[1..]]).await, [""; 0]);
    assert_eq!(shop.stage.phone.recordings(), [""; 0]);
    // Late news of the call do not bring them back.
    assert_eq!(Post::call(&sid, "busy", &shop.number).send(&shop.stage).await, 204);
    shop.rests().await;
    assert_eq!(shop.found(&[&caller[1..]]).await, [""; 0]);
}

#[tokio::test]
async fn of_a_tenant_that_is_erased_an_id_is_left_that_its_usage_belongs_to() {
    let shop = Shop::open().await;
    shop.hears(SAID).await;
    shop.rests().await;
    shop.was_called_by(PERSON, SAID, 1).await;
    let whole =
        json!({ "tenant": shop.tenant(), "whole_tenant": true, "reason": "they asked for it" });
    let (status, refused) = shop.stage.post("/v1/admin/erasures", &whole).await;
    assert_eq!((status, &refused["code"]), (409, &json!("wrong_state")), "{refused}");
    // A key that is called after somebody, and the one before it.
    let keys = format!("/v1/admin/businesses/{}", shop.tenant());
    let key = json!({ "name": "Huber till" });
    assert_eq!(shop.stage.post(&format!("{keys}/keys"), &key).await.0, 201);
    assert_eq!(shop.stage.post(&format!("{keys}/rotate-key"), &json!({})).await.0, 201);
    let expire = format!("/v1/admin/demo/{}/expire", shop.tenant());
    assert_eq!(shop.stage.post(&expire, &json!({})).await.0, 202);
    shop.rests().await;
    let messages = shop.stage.db.number("select from product.messages").await;
    assert_eq!(shop.stage.db.number("select from product.tenant_keys").await, 2);
    shop.erase(json!({ "tenant": shop.tenant(), "whole_tenant": true })).await;
    shop.rests().await;
    let (owner, mail) = (&shop.owner.phone[1..], shop.owner.email.as_str());
    let words = [&PERSON[1..], SAID, owner, mail, "Huber", "huber"];
    assert_eq!(shop.found(&words).await, [""; 0]);
    let husk = format!(
        "select status || ' ' || company_name from product.tenants where tenant_id = '{}'",
        shop.tenant()
    );
    assert_eq!(shop.stage.db.text(&husk).await, "offboarded erased");
    assert_eq!(shop.stage.db.number("select from product.messages").await, messages);
    assert_eq!(shop.stage.db.number("select from product.tenant_keys").await, 0);
    let held = "select from product.phone_pool where tenant_id is not null";
    assert_eq!(shop.stage.db.number(held).await, 0);
    assert_eq!(shop.stage.phone.recordings(), [""; 0]);
    assert!(shop.last_order().await["finished_at"].is_string());
}
