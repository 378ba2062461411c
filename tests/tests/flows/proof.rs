//! How a phone is proven when the text with the code does not get there.

use std::time::Duration;

use domain::{
    scope,
    switches::{self, Switch},
};
use sandbox::twilio::{CallbackOrder, Callee, Mood, Spell};
use serde_json::json;
use tests::{holds, rest, wait_until};

use crate::{
    census::Census,
    stage::{Props, SIGN_UP, SignUp, Stage},
};

/// The code in a call: its digits, one by one.
fn spoken(stage: &Stage, signup: &SignUp) -> Option<String> {
    let calls = stage.phone.calls();
    let call = calls.iter().find(|call| call.to == signup.phone)?;
    let said = call.twiml.split("</Say>").next()?.rsplit(": ").next()?.to_owned();
    let digits: String = said.chars().filter(char::is_ascii_digit).collect();
    (digits.len() == 6).then_some(digits)
}

pub(crate) async fn heard(stage: &Stage, signup: &SignUp) -> String {
    wait_until("somebody is rung", async || {
        stage.skip_pause().await;
        spoken(stage, signup)
    })
    .await
}

pub(crate) async fn ends_well(stage: &Stage, signup: &SignUp, code: &str) {
    let (status, answer) = stage.type_in(signup, code).await;
    assert_eq!(status, 202, "{answer}");
    wait_until("the demo is there", async || {
        stage.skip_pause().await;
        holds(stage.status(signup).await == "active")
    })
    .await;
    assert_eq!(Census::of(&stage.db, signup.tenant).await.signup, "active");
    rests(stage).await;
}

/// Nothing is left, not even a call that is still being looked at.
async fn rests(stage: &Stage) {
    wait_until("everything is over", async || {
        if let Some(sleep) = rest::sleep_of(&stage.db, &["otp_by_voice", "demo_signup"]).await {
            stage.advance(sleep).await;
        }
        holds(rest::is_at_rest(&stage.db, &SIGN_UP).await && unfinished(stage).await == 0)
    })
    .await;
    stage.comes_to_rest().await;
}

async fn unfinished(stage: &Stage) -> i64 {
    stage.db.number("select from trunkline.waits union all select from trunkline.leases").await
}

async fn switch(stage: &Stage, switch: Switch, is_on: bool) {
    let mut tx = stage.engine.begin().await.unwrap();
    scope::platform(&mut tx).await.unwrap();
    if is_on {
        switches::turn_on(&mut tx, switch, "a test", "operator:test", None).await.unwrap();
    } else {
        switches::turn_off(&mut tx, switch, None, "operator:test").await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_code_that_nobody_can_prove_sent_is_replaced_and_never_repeated() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    // The message is not taken, and no look at the list succeeds while the first one is in doubt.
    stage.phone.set_mood(Spell { for_requests: Some(4), ..Spell::from(Mood::ServerError) });
    let signup = stage.sign_up().await;
    let code = wait_until("a code arrives", async || {
        stage.skip_pause().await;
        stage.code_now(&signup)
    })
    .await;
    let issued = "select from product.demo_verification_codes";
    assert_eq!(stage.db.number(issued).await, 2, "the first code was given up");
    assert_eq!(stage.phone.messages_to(&signup.phone).len(), 1);
    ends_well(&stage, &signup, &code).await;
}

#[tokio::test]
async fn a_number_that_takes_no_texts_is_called_instead() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up_as("+15005550009").await; // Twilio: not a mobile number
    let code = heard(&stage, &signup).await;
    assert_eq!(stage.phone.messages_to(&signup.phone).len(), 0);
    let said = stage.phone.calls()[0].twiml.clone();
    assert!(said.contains("<Say language=\"de-DE\""), "{said}");
    ends_well(&stage, &signup, &code).await;
}

#[tokio::test]
async fn a_text_that_is_not_delivered_is_followed_by_a_call_with_a_new_code() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = SignUp { phone: "+436641234500".to_owned(), ..stage_signup(&stage).await };
    let code = heard(&stage, &signup).await;
    let texted = stage.code_now(&signup).unwrap();
    let (status, answer) = stage.type_in(&signup, &texted).await;
    assert_eq!((status, &answer["code"]), (400, &json!("code_wrong")), "the first code is dead");
    ends_well(&stage, &signup, &code).await;
}

/// The report comes over the webhook's route while the text's own job is still in doubt: before the sign-up waits for it.
#[tokio::test]
async fn a_report_that_comes_before_the_sign_up_waits_for_it_is_kept_and_delivered() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    stage.phone.set_mood(Spell { for_requests: Some(1), ..Spell::from(Mood::LosesReply) });
    let signup = SignUp { phone: "+436641234500".to_owned(), ..stage_signup(&stage).await };
    let kept = "select from trunkline.signals";
    wait_until("the signal is there", async || holds(stage.db.number(kept).await == 1)).await;
    let waits = "select from trunkline.jobs j join trunkline.kinds k using (kind_id)
                 join trunkline.ready r using (job_id) where k.name = 'demo_signup'";
    assert_eq!(stage.db.number(waits).await, 0, "nobody is woken by what nobody waits for");
    let code = heard(&stage, &signup).await;
    ends_well(&stage, &signup, &code).await;
    assert_eq!(stage.db.number(kept).await, 0);
}

async fn stage_signup(stage: &Stage) -> SignUp {
    stage.phone.set_undeliverable("+436641234500", 30_003);
    stage.sign_up_as("+436641234500").await
}

#[tokio::test]
async fn whom_neither_text_nor_call_reaches_is_not_signed_up() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    stage.phone.set_callee(Callee::NoAnswer);
    let signup = stage.sign_up_as("+15005550009").await;
    wait_until("the sign-up is over", async || {
        stage.skip_pause().await;
        if stage.phone.calls().len() < 3
            && let Some(sleep) = rest::sleep_of(&stage.db, &["otp_by_voice"]).await
        {
            stage.advance(sleep).await;
        }
        holds(stage.status(&signup).await == "failed")
    })
    .await;
    rests(&stage).await;
    assert_eq!(stage.phone.calls().len(), 2, "rung twice, and no more");
    assert_eq!(Census::of(&stage.db, signup.tenant).await, Census::nothing("failed"));
}

/// The first call is in Twilio's list beside the second, of which nobody knows the outcome.
#[tokio::test]
async fn a_second_call_whose_reply_was_lost_is_not_taken_for_the_first() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    switch(&stage, Switch::VoiceCodes, true).await;
    stage.phone.set_callee(Callee::Busy);
    let signup = stage.sign_up().await;
    heard(&stage, &signup).await;
    stage.phone.set_callee(Callee::Answers);
    stage.phone.set_mood(Spell { for_requests: Some(1), ..Spell::from(Mood::LosesReply) });
    let code = wait_until("they are rung again", async || {
        if let Some(sleep) = rest::sleep_of(&stage.db, &["otp_by_voice"]).await {
            stage.advance(sleep).await;
        }
        stage.skip_pause().await;
        spoken(&stage, &signup).filter(|_| stage.phone.calls().len() == 2)
    })
    .await;
    wait_until("the call is looked at", async || {
        stage.skip_pause().await;
        if let Some(sleep) = rest::sleep_of(&stage.db, &["otp_by_voice"]).await {
            stage.advance(sleep).await;
        }
        holds(stage.newest("otp_by_voice").await.summary.state.is_final())
    })
    .await;
    assert_eq!(stage.newest("otp_by_voice").await.output, Some(json!("heard")));
    assert_eq!(stage.phone.calls().len(), 2, "rung twice, and no more");
    ends_well(&stage, &signup, &code).await;
}

#[tokio::test]
async fn without_the_fallback_a_text_that_cannot_be_sent_ends_the_sign_up() {
    let variables = vec![("TRUNKLINE_OTP_BY_VOICE", "0")];
    let stage = Stage::with(Props { variables, ..Props::default() }).await;
    let _worker = stage.worker().await;
    let signup = stage.sign_up_as("+15005550009").await;
    stage.becomes(&signup, "failed").await;
    rests(&stage).await;
    assert!(stage.phone.calls().is_empty());
}

#[tokio::test]
async fn operators_can_have_codes_spoken_at_once() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    switch(&stage, Switch::VoiceCodes, true).await;
    let signup = stage.sign_up().await;
    let code = heard(&stage, &signup).await;
    assert!(stage.phone.messages_to(&signup.phone).is_empty());
    ends_well(&stage, &signup, &code).await;
}

#[tokio::test]
async fn while_texts_are_switched_off_a_sign_up_is_kept_and_goes_on_afterwards() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    switch(&stage, Switch::SmsBypass, true).await;
    let signup = stage.sign_up().await;
    let skipped = "select from product.messages where status = 'skipped'";
    wait_until("the text is skipped", async || holds(stage.db.number(skipped).await == 1)).await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    // Longer than a code lives: it is kept all the same.
    for _ in 0..3 {
        stage.advance(Duration::from_mins(5)).await;
        rest::at_rest(&stage.db, &SIGN_UP).await;
    }
    assert_eq!(stage.status(&signup).await, "pending_verification");
    assert_eq!(stage.phone.requests_total(), 0, "nobody asked the provider for anything");
    switch(&stage, Switch::SmsBypass, false).await;
    let code = wait_until("a code arrives", async || {
        if stage.code_now(&signup).is_none() {
            stage.advance(Duration::from_mins(1)).await;
            rest::at_rest(&stage.db, &SIGN_UP).await;
        }
        stage.code_now(&signup)
    })
    .await;
    ends_well(&stage, &signup, &code).await;
}

#[tokio::test]
async fn while_texts_are_switched_off_an_operator_can_vouch() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    switch(&stage, Switch::SmsBypass, true).await;
    let signup = stage.sign_up().await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    stage.advance(Duration::from_mins(20)).await;
    let (status, answer) = stage
        .post(&format!("/v1/admin/demo/{}/verify", signup.tenant), &json!({ "reason": "rang" }))
        .await;
    assert_eq!(status, 202, "{answer}");
    stage.becomes(&signup, "active").await;
    rests(&stage).await;
}

#[tokio::test]
async fn a_report_for_which_there_is_no_message_yet_waits_for_it() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    stage.phone.set_callback_order(CallbackOrder::None);
    let signup = stage.sign_up().await;
    stage.verify(&signup).await;
    let sid = stage.phone.messages_to(&signup.phone)[0].sid.clone();
    // As if the report had overtaken the answer: nobody knows the provider's id yet.
    let hide = "update product.messages set provider_sid = null, status = 'pending', rank = 0";
    let mut superuser = stage.db.superuser().await;
    sqlx::raw_sql(hide).execute(&mut superuser).await.unwrap();
    let report = workflows::sms_status::SmsStatus {
        message: None,
        sid: sid.clone(),
        status: "delivered".to_owned(),
        error_code: None,
    };
    let mut tx = stage.engine.begin().await.unwrap();
    tx.enqueue(engine::Workflow::job(&report)).await.unwrap();
    tx.commit().await.unwrap();
    wait_until("it sleeps", async || {
        holds(rest::sleep_of(&stage.db, &["sms_status"]).await.is_some())
    })
    .await;
    let show =
        format!("update product.messages set provider_sid = '{sid}', status = 'queued', rank = 2");
    sqlx::raw_sql(sqlx::AssertSqlSafe(show)).execute(&mut superuser).await.unwrap();
    stage.advance(Duration::from_secs(5)).await;
    let delivered = "select from product.messages where status = 'delivered'";
    wait_until("it is applied", async || holds(stage.db.number(delivered).await == 1)).await;
    stage.becomes(&signup, "active").await;
    rests(&stage).await;
}
