//! Where a call's audio goes, and what the caller is told when it goes nowhere.

use clients::twilio::signature;
use domain::{VoiceSessionId, voice::Outcome};
use tests::{holds, wait_until};

use crate::house::{House, Ringing, TOKEN, announced, streams};

/// What a webhook of a call is answered.
async fn ask(house: &House, path: &str, session: VoiceSessionId, more: &str) -> (u16, String) {
    let url = format!("{}{path}?s={session}{more}", house.base);
    let call_sid = format!("CA{}", session.as_uuid().simple());
    ask_as(&url, &call_sid).await
}

async fn ask_as(url: &str, call_sid: &str) -> (u16, String) {
    let form = [("CallSid", call_sid), ("CallStatus", "in-progress"), ("From", "+4367712345678")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let http = clients::http::client(std::time::Duration::from_secs(30)).unwrap();
    let signed = signature::sign(url, &form, &TOKEN.into());
    let request = http.post(url).header("x-twilio-signature", signed).form(&form);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// What a call that is under way would be answered if it asked for its route again.
pub(crate) async fn route_of(house: &House, ringing: &Ringing) -> String {
    ask(house, "/telephony/route", ringing.session, "").await.1
}

/// Where a session's call would be taken, when somebody has claimed it.
pub(crate) async fn route_of_session(house: &House, session: VoiceSessionId) -> String {
    wait_until("the session is claimed", async || {
        let twiml = ask(house, "/telephony/route", session, "").await.1;
        twiml.contains("name=\"token\"").then_some(twiml)
    })
    .await
}

async fn waiting(house: &House) -> VoiceSessionId {
    let session = VoiceSessionId::mint();
    house.session(session, &format!("CA{}", session.as_uuid().simple())).await;
    session
}

async fn is_claimed(house: &House) {
    wait_until("the session is claimed", async || {
        holds(house.db.number("select job_id from trunkline.leases").await == 1)
    })
    .await;
}

#[tokio::test]
async fn a_claim_is_answered_with_its_worker_and_a_repeat_with_the_very_same() {
    let house = House::open().await;
    let _worker = house.worker(2).await;
    let session = waiting(&house).await;
    is_claimed(&house).await;
    let first = ask(&house, "/telephony/route", session, "").await;
    assert!(
        first.1.contains("/voice/w") && first.1.contains(r#"<Parameter name="token""#),
        "{first:?}"
    );
    assert_eq!(first, ask(&house, "/telephony/route", session, "&n=3").await);
    let url = format!("{}/telephony/route?s={session}", house.base);
    let (status, _) = ask_as(&url, "CA00000000000000000000000000000000").await;
    assert_eq!(status, 400, "another call cannot have it");
}

#[tokio::test]
async fn nobody_free_is_said_in_the_end_and_the_session_is_over_with_it() {
    let house = House::open().await;
    let session = waiting(&house).await;
    let (_, again) = ask(&house, "/telephony/route", session, "").await;
    assert!(again.contains(r#"<Pause length="1"/>"#) && again.contains("n=1"), "{again}");
    let (_, told) = ask(&house, "/telephony/route", session, "&n=5").await;
    assert!(told.contains("besetzt") && told.ends_with("<Hangup/></Response>"), "{told}");
    assert_eq!(
        ask(&house, "/telephony/route", session, "&n=1").await.1,
        told,
        "a repeat hears it, too"
    );
    // Whoever claims it now finds it over, and keeps no slot for it.
    let _worker = house.worker(1).await;
    wait_until("its run ends", async || {
        let ended = "select job_id from trunkline.outcomes where state = 'succeeded'";
        holds(house.db.number(ended).await == 1)
    })
    .await;
    assert!(house.model.realtime_sessions().is_empty());
}

#[tokio::test]
async fn a_stream_that_ended_takes_the_session_away_once_and_asks_for_the_route_again() {
    let house = House::open().await;
    let _worker = house.worker(2).await;
    let session = waiting(&house).await;
    is_claimed(&house).await;
    let (_, told) = ask(&house, "/telephony/stream-ended", session, "&e=1").await;
    assert!(told.contains("/telephony/route?s="), "{told}");
    let epochs = "select job_id from trunkline.leases where epoch = 2";
    wait_until("it is claimed anew", async || holds(house.db.number(epochs).await == 1)).await;
    let (_, repeat) = ask(&house, "/telephony/stream-ended", session, "&e=1").await;
    assert_eq!(repeat, told);
    assert_eq!(house.db.number(epochs).await, 1, "a repeat does not take it from the next one");
}

#[tokio::test]
async fn a_call_without_a_free_slot_is_told_so_and_the_one_in_it_is_not_disturbed() {
    let house = House::open().await;
    let _worker = house.worker(1).await;
    let first = house.stays("good day").await;
    let (second, outcome) = house.call(&["say hello", "listen"]).await;
    assert_eq!((outcome, streams(&second)), (Some(Outcome::Overflow), 0));
    assert!(announced(&second)[0].contains("besetzt"), "{:?}", announced(&second));
    first.says("still here");
    house.hears(&first, 2).await;
    first.live.hang_up();
    assert_eq!(house.ended(&first).await.heard()[1], "You said: still here");
    assert_eq!(house.closed(&first).await, Some(Outcome::HungUp));
}

#[tokio::test]
async fn what_twilio_did_not_sign_is_not_answered() {
    let house = House::open().await;
    let http = clients::http::client(std::time::Duration::from_secs(30)).unwrap();
    for path in ["route", "stream-ended", "stream-status"] {
        let url = format!("{}/telephony/{path}?s={}", house.base, VoiceSessionId::mint());
        let answer = http.post(&url).form(&[("CallSid", "CA1")]).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 401, "{path}");
    }
}
