//! Texts in both directions: who is answered by whom, and who is left alone.

use std::time::Duration;

use domain::{
    conversations::ConversationMode,
    messaging::MessagingSettings,
    scope,
    sending::Occasion,
    tenants::{self, TenantStatus},
};
use engine::Workflow;
use sandbox::twilio::{Mood, Spell};
use tests::{holds, rest, wait_until};

use crate::shop::{PERSON, Shop, at_any_hour};

#[tokio::test]
async fn a_text_is_answered_by_the_assistant_from_the_tenants_own_number() {
    let shop = Shop::open().await;
    shop.hears("Are you open tomorrow?").await;
    shop.rests().await;
    assert_eq!(shop.said(), ["You said: Are you open tomorrow?"]);
    assert_eq!(shop.stage.phone.messages_to(PERSON)[0].from, shop.number);
    let asked = &shop.stage.model.completions()[0];
    assert!(asked.messages[0].1.contains("telephone assistant"), "the tenant's own instruction");
    let log = "select from product.messages m join product.message_bodies b using (message_id)
               join product.conversations c using (conversation_id) where c.channel = 'sms'";
    assert_eq!(shop.stage.db.number(log).await, 2, "both are in the conversation");
    // The next one is answered with what was said before.
    shop.hears("And on Sunday?").await;
    shop.rests().await;
    let asked = &shop.stage.model.completions()[0];
    let roles: Vec<_> = asked.messages.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "user"]);
}

#[tokio::test]
async fn the_same_text_posted_again_is_one_text_and_one_answer() {
    let shop = Shop::open().await;
    let inbound = |sid: &str| sandbox::twilio::Inbound {
        from: PERSON.to_owned(),
        to: shop.number.clone(),
        body: "Hello?".to_owned(),
        url: Some(shop.stage.url("/telephony/sms")),
        sid: Some(sid.to_owned()),
        opt_out_type: None,
    };
    let sid = "SM0123456789abcdef0123456789abcdef";
    let posts = (0..6).map(|_| shop.stage.phone.receive(inbound(sid)));
    for answer in futures::future::join_all(posts).await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#);
    }
    shop.rests().await;
    assert_eq!(shop.said().len(), 1);
    let came_in = "select from product.messages where direction = 'inbound'";
    assert_eq!(shop.stage.db.number(came_in).await, 1);
}

#[tokio::test]
async fn stop_is_kept_to_and_start_ends_it() {
    let shop = Shop::open().await;
    for (stop, start) in [("STOP", "START"), ("stopp!", "Anmelden"), ("Revoke", "ja")] {
        let before = shop.said().len();
        shop.hears(stop).await;
        shop.rests().await;
        shop.hears("One more question").await;
        shop.enqueue(shop.message(PERSON, Occasion::Answer).job()).await;
        shop.rests().await;
        assert_eq!(shop.said().len(), before, "{stop}: nobody writes to them");
        assert_eq!(shop.newest().await, ("skipped".to_owned(), "opted_out".to_owned()));
        if stop == "Revoke" {
            // Twilio's own list has to be ended by one of Twilio's own words.
            shop.hears("UNSTOP").await;
        }
        shop.hears(start).await;
        shop.rests().await;
        shop.hears("And now?").await;
        shop.rests().await;
        assert!(shop.said().len() > before, "{start}: they are answered again");
    }
}

#[tokio::test]
async fn help_is_answered_unless_the_provider_has_answered_it() {
    let shop = Shop::open().await;
    shop.hears("Hilfe").await;
    shop.rests().await;
    assert_eq!(shop.said().len(), 1);
    assert!(shop.said()[0].contains("STOP"), "{:?}", shop.said());
    assert!(shop.stage.model.completions().is_empty());
    let american = "+12025550143";
    assert_eq!(shop.stage.write(american, &shop.number, "HELP").await, 200);
    shop.rests().await;
    assert!(shop.stage.phone.messages_to(american).is_empty());
}

/// Each comes while the answer to the question is still being asked for.
#[tokio::test]
async fn a_question_is_answered_whatever_follows_it_that_asks_nothing() {
    for later in ["", " \u{a0}\n", "INFO", "hilfe", "START"] {
        let shop = Shop::open().await;
        shop.stage.model.set_mood(Spell { for_requests: Some(1), ..Mood::RateLimited.into() });
        shop.hears("Are you open tomorrow?").await;
        wait_until("the model has let it wait", async || {
            rest::pause_of(&shop.stage.db, &["ai_reply"]).await
        })
        .await;
        shop.hears(later).await;
        rest::at_rest(&shop.stage.db, &["sms_inbound"]).await;
        let answer = "You said: Are you open tomorrow?".to_owned();
        wait_until("it is answered", async || {
            if let Some(pause) = rest::pause_of(&shop.stage.db, &["ai_reply"]).await {
                shop.stage.advance(pause).await;
            }
            holds(shop.said().contains(&answer))
        })
        .await;
        shop.rests().await;
        let answers = shop.said().iter().filter(|said| **said == answer).count();
        assert_eq!(answers, 1, "{later:?}");
    }
}

#[tokio::test]
async fn a_yes_after_a_question_is_answered_with_it_once() {
    let shop = Shop::open().await;
    shop.stage.model.set_mood(Spell { for_requests: Some(1), ..Mood::RateLimited.into() });
    shop.hears("Can I come at nine?").await;
    wait_until("the model has let it wait", async || {
        rest::pause_of(&shop.stage.db, &["ai_reply"]).await
    })
    .await;
    shop.hears("Ja").await;
    wait_until("it is answered", async || {
        if let Some(pause) = rest::pause_of(&shop.stage.db, &["ai_reply"]).await {
            shop.stage.advance(pause).await;
        }
        holds(!shop.said().is_empty())
    })
    .await;
    shop.rests().await;
    assert_eq!(shop.said(), ["You said: Ja"]);
}

#[tokio::test]
async fn while_a_person_answers_the_assistant_is_silent() {
    let shop = Shop::open().await;
    shop.mode_is(ConversationMode::Human).await;
    shop.hears("Are you there?").await;
    shop.rests().await;
    assert!(shop.said().is_empty());
    assert_eq!(shop.stage.model.requests_total(), 0, "nobody even asks it");
    shop.enqueue(shop.message(PERSON, Occasion::Answer).job()).await;
    shop.rests().await;
    assert_eq!(shop.said().len(), 1, "the person can answer");
}

#[tokio::test]
async fn an_assistant_that_is_switched_off_says_nothing() {
    let shop = Shop::open().await;
    shop.wants(MessagingSettings { ai_response_enabled: false, ..at_any_hour() }).await;
    shop.hears("Hello?").await;
    shop.rests().await;
    assert!(shop.said().is_empty());
    assert_eq!(shop.mode().await, "ai");
}

#[tokio::test]
async fn an_outage_of_the_model_asks_the_owner_once_and_is_followed_by_no_late_answers() {
    let shop = Shop::open().await;
    shop.stage.model.set_mood(Mood::Down);
    shop.hears("Can I come at nine?").await;
    wait_until("the owner is told", async || {
        rest::at_rest(&shop.stage.db, &["ai_reply", "sms_inbound", "send_sms"]).await;
        if shop.mode().await == "ai" {
            shop.stage.advance(Duration::from_secs(5)).await;
        }
        holds(shop.mode().await == "awaiting_human")
    })
    .await;
    shop.rests().await;
    let alert = &shop.stage.phone.messages_to(&shop.owner.phone)[0].body;
    assert!(alert.contains(PERSON), "whom to answer: {alert}");
    shop.stage.model.set_mood(Mood::Accepts);
    shop.hears("Hello?").await;
    shop.rests().await;
    assert!(shop.said().is_empty(), "{:?}", shop.said());
    let alerts = "select from product.messages where purpose = 'owner_alert'";
    assert_eq!(shop.stage.db.number(alerts).await, 1, "once is enough");
}

#[tokio::test]
async fn a_slow_or_refusing_model_is_asked_again_within_the_deadline() {
    let shop = Shop::open().await;
    for mood in [Mood::RateLimited, Mood::ServerError, Mood::LosesReply] {
        let before = shop.said().len();
        shop.stage.model.set_mood(Spell { for_requests: Some(1), ..Spell::from(mood) });
        shop.hears("Hello?").await;
        wait_until("it is answered", async || {
            if let Some(pause) = rest::pause_of(&shop.stage.db, &["ai_reply"]).await {
                shop.stage.advance(pause).await;
            }
            holds(shop.said().len() > before)
        })
        .await;
        shop.rests().await;
    }
}

#[tokio::test]
async fn a_suspended_tenant_neither_hears_nor_speaks() {
    let shop = Shop::open().await;
    let mut tx = shop.stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    tenants::move_to(&mut tx, shop.tenant(), TenantStatus::Suspended, "a test").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shop.stage.write(PERSON, &shop.number, "Hello?").await, 403);
    assert_eq!(shop.stage.write(PERSON, &shop.number, "STOP").await, 200, "that counts even now");
    shop.rests().await;
    shop.enqueue(shop.message("+436601111111", Occasion::Answer).job()).await;
    shop.rests().await;
    assert_eq!(shop.newest().await, ("skipped".to_owned(), "tenant_closed".to_owned()));
}
