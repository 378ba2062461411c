//! What a caller hears.

use domain::voice::Outcome;
use sandbox::{openai::RealtimeMood, twilio::What};

use crate::house::{House, announced, streams};

#[tokio::test]
async fn a_caller_is_heard_and_answered_until_they_hang_up() {
    let house = House::open().await;
    let _worker = house.worker(4).await;
    let (story, outcome) = house
        .call(&["say my knee hurts", "listen", "say it is the left one", "listen", "hang up"])
        .await;
    assert_eq!(story.heard(), ["You said: my knee hurts", "You said: it is the left one"]);
    assert_eq!((outcome, streams(&story)), (Some(Outcome::HungUp), 1));
    let sessions = house.model.realtime_sessions();
    let brought: Vec<_> = sessions[0].said.iter().map(|said| said.by).collect();
    assert_eq!(brought, ["user", "assistant", "user", "assistant"]);
}

#[tokio::test]
async fn whoever_interrupts_is_listened_to_and_the_model_knows_what_was_heard() {
    let house = House::open().await;
    let _worker = house.worker(4).await;
    let long = "say tell me everything about the opening hours of all your shops in the country";
    let (story, _) = house.call(&[long, "interrupt 800", "say stop", "listen", "hang up"]).await;
    let whole =
        "You said: tell me everything about the opening hours of all your shops in the country";
    let heard = story.heard();
    assert!(heard[0].len() < whole.len() && whole.starts_with(heard[0]), "{heard:?}");
    assert!(story.moments.iter().any(|it| matches!(it.what, What::Cleared { .. })));
    let sessions = house.model.realtime_sessions();
    assert!(sessions[0].said.iter().any(|said| said.truncated), "{:?}", sessions[0].said);
}

#[tokio::test]
async fn keys_are_told_to_the_model() {
    let house = House::open().await;
    let _worker = house.worker(4).await;
    house.call(&["say one moment", "listen", "press 4", "press #", "listen", "hang up"]).await;
    let sessions = house.model.realtime_sessions();
    assert!(
        sessions[0].said.iter().any(|said| said.words == "[pressed 4#]"),
        "{:?}",
        sessions[0].said
    );
}

#[tokio::test]
async fn a_speech_service_that_breaks_once_is_dialed_again_with_what_was_said() {
    let house = House::open().await;
    let _worker = house.worker(4).await;
    let ringing = house.stays("my name is Anna").await;
    house.model.end_conversations();
    house.hears(&ringing, 2).await;
    ringing.live.hang_up();
    let story = house.ended(&ringing).await;
    assert_eq!((house.closed(&ringing).await, streams(&story)), (Some(Outcome::HungUp), 1));
    let sessions = house.model.realtime_sessions();
    assert_eq!(sessions.len(), 2);
    assert!(
        sessions[1].said.iter().any(|said| said.words == "my name is Anna"),
        "{:?}",
        sessions[1].said
    );
}

#[tokio::test]
async fn a_caller_is_told_when_the_speech_service_cannot_be_had() {
    let house = House::open().await;
    house.model.set_realtime_mood(RealtimeMood::Refuses);
    let _worker = house.worker(4).await;
    let (story, outcome) = house.call(&["say hello", "listen"]).await;
    assert_eq!(outcome, Some(Outcome::AiFailed));
    assert!(announced(&story)[0].contains("nicht erreichbar"), "{:?}", announced(&story));
}
