//! A code that fails after it was replaced: that says nothing of the one that works now.

use domain::MessageId;
use sandbox::twilio::{CallbackOrder, Mood, Spell};
use tests::{holds, rest, wait_until};
use workflows::{
    demo_code::DemoCode,
    demo_signup::{NOT_DELIVERED, NotDelivered},
    sms_status::SmsStatus,
};

use crate::{
    proof::{ends_well, heard},
    stage::{Props, SIGN_UP, SignUp, Stage},
};

const CODES: &str = "select from product.demo_verification_codes";

/// A sign-up whose first code has arrived, of which Twilio has not reported anything.
async fn with_a_code(stage: &Stage) -> SignUp {
    stage.phone.set_callback_order(CallbackOrder::None);
    let signup = stage.sign_up().await;
    stage.code(&signup).await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    signup
}

/// An operator has a new code sent.
async fn a_new_code(stage: &Stage, signup: &SignUp) {
    let before = stage.phone.messages_to(&signup.phone).len();
    stage.run(DemoCode { tenant: signup.tenant }).await;
    wait_until("it has come", async || {
        holds(stage.phone.messages_to(&signup.phone).len() > before)
    })
    .await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
}

/// Twilio says that it could not deliver a text; everybody whom that concerns has heard of it.
async fn was_not_delivered(stage: &Stage, message: Option<MessageId>, sid: &str) {
    let report = SmsStatus {
        message,
        sid: sid.to_owned(),
        status: "undelivered".to_owned(),
        error_code: Some(30_003),
    };
    stage.run(report).await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
}

#[tokio::test]
async fn a_late_report_of_a_code_that_an_operator_has_replaced_leaves_the_new_one_alone() {
    for by_voice in ["1", "0"] {
        let variables = vec![("TRUNKLINE_OTP_BY_VOICE", by_voice)];
        let stage = Stage::with(Props { variables, ..Props::default() }).await;
        let _worker = stage.worker().await;
        let signup = with_a_code(&stage).await;
        let first = stage.phone.messages_to(&signup.phone)[0].sid.clone();
        a_new_code(&stage, &signup).await;
        was_not_delivered(&stage, None, &first).await;
        assert_eq!(stage.db.number(CODES).await, 2, "no third one");
        assert!(stage.phone.calls().is_empty(), "nobody is rung");
        let code = stage.code_now(&signup).unwrap();
        ends_well(&stage, &signup, &code).await;
    }
}

#[tokio::test]
async fn a_late_report_of_a_code_that_was_given_up_leaves_the_one_in_its_place_alone() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    stage.phone.set_callback_order(CallbackOrder::None);
    stage.phone.set_mood(Spell { for_requests: Some(4), ..Spell::from(Mood::ServerError) });
    let signup = stage.sign_up().await;
    let code = wait_until("the second code arrives", async || {
        stage.skip_pause().await;
        stage.code_now(&signup)
    })
    .await;
    rest::at_rest(&stage.db, &SIGN_UP).await;
    let first = "select message_id::text from product.messages order by created_at limit 1";
    let first = stage.db.text(first).await.parse().unwrap();
    was_not_delivered(&stage, Some(first), "SM0123456789abcdef0123456789abcdef").await;
    assert_eq!(stage.db.number(CODES).await, 2, "no third one");
    assert!(stage.phone.calls().is_empty(), "nobody is rung");
    ends_well(&stage, &signup, &code).await;
}

#[tokio::test]
async fn a_report_of_the_code_that_works_is_followed_by_a_call_also_if_an_operator_had_it_sent() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = with_a_code(&stage).await;
    let first = stage.phone.messages_to(&signup.phone)[0].sid.clone();
    a_new_code(&stage, &signup).await;
    was_not_delivered(&stage, None, &first).await;
    let second = stage.phone.messages_to(&signup.phone)[0].sid.clone();
    was_not_delivered(&stage, None, &second).await;
    let code = heard(&stage, &signup).await;
    assert_eq!(stage.db.number(CODES).await, 3);
    ends_well(&stage, &signup, &code).await;
}

#[tokio::test]
async fn a_report_that_the_version_before_has_passed_on_is_heard_without_the_message() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    let signup = with_a_code(&stage).await;
    let run = stage.job_of(&signup).await.summary.id;
    let mut tx = stage.engine.begin().await.unwrap();
    tx.signal(run, NOT_DELIVERED, &(), None).await.unwrap();
    tx.commit().await.unwrap();
    let code = heard(&stage, &signup).await;
    ends_well(&stage, &signup, &code).await;
}

#[test]
fn what_is_passed_on_of_a_report_names_the_message() {
    let news = NotDelivered { message: MessageId::mint() };
    let told = serde_json::to_value(news).unwrap();
    assert_eq!(told, serde_json::json!({ "message": news.message }));
}
