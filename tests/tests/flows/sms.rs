//! What Twilio may do to a message, and what then must not happen: a second one.

use std::time::{Duration, Instant};

use sandbox::twilio::{CallbackOrder, Mood, Spell};
use tests::{holds, wait_until};

use crate::{
    census::Census,
    stage::{SignUp, Stage},
};

/// What every mood must lead to in the end.
async fn one_text_and_a_demo(stage: &Stage, signup: &SignUp) {
    let code = wait_until("the code arrives", async || {
        stage.skip_pause().await;
        stage.code_now(signup)
    })
    .await;
    assert_eq!(stage.type_in(signup, &code).await.0, 202);
    wait_until("the demo is there", async || {
        stage.skip_pause().await;
        holds(stage.status(signup).await == "active")
    })
    .await;
    // A code that nobody could prove sent was replaced; its row counts, too.
    let census = Census::of(&stage.db, signup.tenant).await;
    assert_eq!(census, Census { codes: census.codes, ..Census::whole() });
    wait_until("the message's run is over", async || {
        stage.skip_pause().await;
        holds(stage.newest("send_sms").await.summary.state.is_final())
    })
    .await;
    assert_eq!(stage.phone.messages_to(&signup.phone).len(), 1, "one text for one code");
    stage.comes_to_rest().await;
}

fn spell(mood: Mood, for_requests: u64) -> Spell {
    Spell { for_requests: Some(for_requests), ..Spell::from(mood) }
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    stage.phone.set_mood(Spell { delay: Some(Duration::from_millis(300)), ..spell(Mood::Slow, 1) });
    let signup = stage.sign_up().await;
    one_text_and_a_demo(&stage, &signup).await;
}

#[tokio::test]
async fn a_failure_of_twilios_own_is_looked_up_and_tried_again() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    stage.phone.set_mood(spell(Mood::ServerError, 1));
    let signup = stage.sign_up().await;
    one_text_and_a_demo(&stage, &signup).await;
}

#[tokio::test]
async fn failures_that_leave_the_outcome_open_never_lead_to_a_second_text() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    // The message, and the look whether it was taken: both fail.
    stage.phone.set_mood(spell(Mood::ServerError, 3));
    let signup = stage.sign_up().await;
    one_text_and_a_demo(&stage, &signup).await;
}

#[tokio::test]
async fn a_lost_reply_is_found_by_the_probe() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    stage.phone.set_mood(spell(Mood::LosesReply, 1));
    let signup = stage.sign_up().await;
    one_text_and_a_demo(&stage, &signup).await;
    let job = stage.newest("send_sms").await;
    assert!(job.steps.iter().any(|step| step.error.is_some()), "it was in doubt: {:#?}", job.steps);
}

#[tokio::test]
async fn an_outage_is_waited_out() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    stage.phone.set_mood(spell(Mood::Down, 4));
    let signup = stage.sign_up().await;
    one_text_and_a_demo(&stage, &signup).await;
}

#[tokio::test]
async fn a_wish_to_be_left_alone_for_a_while_is_honoured() {
    let stage = Stage::new().await;
    let _worker = stage.worker().await;
    stage.phone.set_mood(spell(Mood::RateLimited, 1)); // Retry-After: 1
    let before = Instant::now();
    let signup = stage.sign_up().await;
    let code = stage.code(&signup).await; // nobody moves the clock
    assert!(before.elapsed() >= Duration::from_secs(1), "it came after {:?}", before.elapsed());
    assert_eq!(stage.phone.messages_to(&signup.phone)[0].attempts, 2);
    assert_eq!(stage.type_in(&signup, &code).await.0, 202);
    one_text_and_a_demo_is_there(&stage, &signup).await;
}

async fn one_text_and_a_demo_is_there(stage: &Stage, signup: &SignUp) {
    stage.becomes(signup, "active").await;
    assert_eq!(stage.phone.messages_to(&signup.phone).len(), 1);
    stage.comes_to_rest().await;
}

#[tokio::test]
async fn reports_move_a_message_forward_only_in_whatever_order_they_come() {
    for order in CallbackOrder::ALL {
        let stage = Stage::new().await;
        let _worker = stage.worker().await;
        stage.phone.set_callback_order(order);
        let signup = stage.sign_up().await;
        stage.verify(&signup).await;
        stage.becomes(&signup, "active").await;
        stage.comes_to_rest().await;
        let word = if order == CallbackOrder::None { "queued" } else { "delivered" };
        let there = format!("select from product.messages where status = '{word}'");
        assert_eq!(stage.db.number(&there).await, 1, "{order:?}");
        let reports = stage.db.number("select from trunkline.inbox").await;
        assert_eq!(reports, if order == CallbackOrder::None { 0 } else { 2 }, "{order:?}");
    }
}
