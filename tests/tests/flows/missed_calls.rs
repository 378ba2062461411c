//! Calls that nobody took: one text to whoever called, if they may be written to.

use std::time::Duration;

use domain::{
    PhoneNumber,
    calls::text_backs::Missed,
    messaging::{self, MessagingSettings},
    opt_outs::{self, Between, OptOutSource},
    scope,
};
use engine::Workflow;
use serde_json::json;
use tests::{holds, rest, wait_until};
use workflows::missed_call_textback::MissedCallTextback;

use crate::{
    post::Post,
    shop::{Shop, at_any_hour},
};

/// Who rings in [`Post::call`].
const CALLER: &str = "+436641234567";

impl Shop {
    /// Somebody rings, and the call ends like that.
    async fn is_rung(&self, call: u32, end: &str) {
        let sid = format!("CA{call:032x}");
        assert_eq!(Post::call(&sid, "ringing", &self.number).send(&self.stage).await, 204);
        assert_eq!(Post::call(&sid, end, &self.number).send(&self.stage).await, 204);
        self.rests().await;
    }

    /// What the caller was sent.
    fn texted(&self) -> Vec<String> {
        self.stage.phone.messages_to(CALLER).into_iter().map(|text| text.body).collect()
    }

    async fn last_text_back(&self) -> serde_json::Value {
        self.stage.newest("missed_call_textback").await.output.unwrap_or_default()
    }
}

#[tokio::test]
async fn who_was_not_answered_gets_one_text_however_often_it_is_told() {
    let shop = Shop::open().await;
    shop.is_rung(1, "no-answer").await;
    shop.is_rung(1, "no-answer").await;
    // Others may notice it, too.
    let call = shop
        .stage
        .db
        .text("select call_id::text from product.calls where from_phone is not null")
        .await;
    let again = MissedCallTextback { call: call.parse().unwrap(), why: Missed::Overflow };
    shop.enqueue(again.job()).await;
    shop.rests().await;
    assert_eq!(shop.last_text_back().await, json!("not_needed"));
    let texts = shop.texted();
    assert!(
        matches!(texts.as_slice(), [one] if one.contains("Huber") && one.contains("STOP")),
        "{texts:?}"
    );
    let from = shop.stage.phone.messages_to(CALLER)[0].from.clone();
    assert_eq!(from, shop.number, "an answer reaches the tenant");

    // Who rings again at once is not written to again; an hour later they are.
    shop.is_rung(2, "busy").await;
    assert_eq!(shop.texted().len(), 1);
    shop.stage.advance(Duration::from_mins(61)).await;
    shop.is_rung(3, "canceled").await;
    assert_eq!(shop.texted().len(), 2);
    let why = "select from product.call_text_backs where reason = 'unanswered'";
    assert_eq!(shop.stage.db.number(why).await, 2);
}

#[tokio::test]
async fn a_call_that_was_answered_is_not_apologised_for() {
    let shop = Shop::open().await;
    shop.is_rung(1, "completed").await;
    assert_eq!(shop.stage.db.number("select from product.call_text_backs").await, 0);
    assert!(shop.texted().is_empty());
}

#[tokio::test]
async fn each_gate_of_the_text_after_a_missed_call_says_why_it_was_not_sent() {
    let shop = Shop::open().await;
    let refused = async |call: u32, why: &str| {
        shop.is_rung(call, "no-answer").await;
        assert_eq!(shop.last_text_back().await, json!({ "refused": why }));
        assert!(shop.texted().is_empty());
        shop.stage.advance(Duration::from_mins(61)).await;
    };
    shop.wants(MessagingSettings { missed_call_sms_enabled: false, ..at_any_hour() }).await;
    refused(1, "switched_off").await;
    shop.wants(at_any_hour()).await;

    let between = |phone| Between { tenant: Some(shop.tenant()), sender: None, phone };
    let caller = PhoneNumber::from_e164(CALLER).unwrap();
    let mut tx = shop.stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    opt_outs::begin(&mut tx, between(&caller), OptOutSource::Keyword).await.unwrap();
    tx.commit().await.unwrap();
    refused(2, "opted_out").await;
    let mut tx = shop.stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    opt_outs::end(&mut tx, between(&caller), &shop.stage.pepper()).await.unwrap();
    tx.commit().await.unwrap();

    let mut superuser = shop.stage.db.superuser().await;
    let used_up = "
        update product.subscription_plans set conversations_monthly_max = 1;
        insert into product.conversations (conversation_id, tenant_id, phone)
            select '00000000-0000-7000-9000-000000000001', tenant_id, '+436600000001' from product.tenants;
        insert into product.conversation_months (conversation_id, tenant_id, month)
            select conversation_id, tenant_id, date_trunc('month', trunkline.now() at time zone 'Europe/Vienna')
            from product.conversations;";
    sqlx::raw_sql(used_up).execute(&mut superuser).await.unwrap();
    refused(3, "quota_used_up").await;
    let unpaid = "update product.subscriptions set status = 'cancelled'";
    sqlx::raw_sql(unpaid).execute(&mut superuser).await.unwrap();
    refused(4, "no_subscription").await;
}

#[tokio::test]
async fn at_night_the_text_waits_for_the_morning() {
    let shop = Shop::open().await;
    let minute = shop
        .stage
        .db
        .text(
            "select (extract(hour from trunkline.now() at time zone 'UTC') * 60
                     + extract(minute from trunkline.now() at time zone 'UTC'))::int::text",
        )
        .await;
    let minute: u16 = minute.parse().unwrap();
    let quiet = domain::quiet::QuietHours::new((minute + 1439) % 1440, (minute + 600) % 1440);
    let mut tx = shop.stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    let zone = "UTC".parse().unwrap();
    let wishes = MessagingSettings { zone, quiet, ..MessagingSettings::default() };
    messaging::put(&mut tx, shop.tenant(), &wishes).await.unwrap();
    tx.commit().await.unwrap();
    let sid = format!("CA{:032x}", 1);
    Post::call(&sid, "no-answer", &shop.number).send(&shop.stage).await;
    wait_until("it sleeps", async || {
        holds(rest::sleep_of(&shop.stage.db, &["send_sms"]).await.is_some())
    })
    .await;
    assert!(shop.texted().is_empty());
    shop.stage.advance(Duration::from_hours(10)).await;
    wait_until("it is sent", async || holds(shop.texted().len() == 1)).await;
    shop.rests().await;
}
