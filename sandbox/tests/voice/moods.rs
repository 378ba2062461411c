//! A bad day of the speech model, and what it does not take.

use clients::openai::realtime::{Broken, ClientEvent, DialError, Item, Receiver, ServerEvent};
use sandbox::openai::{RealtimeMood, RealtimeSpell};

use crate::{
    bridge::{before, session},
    house::{House, model},
};

/// Once, and then all is well.
fn once(mood: RealtimeMood) -> RealtimeSpell {
    RealtimeSpell { times: Some(1), ..mood.into() }
}

/// Until an event for which `look` finds something.
async fn until<T>(events: &mut Receiver, look: impl Fn(ServerEvent<'_>) -> Option<T>) -> T {
    loop {
        let text = events.next().await.unwrap().expect("a goodbye instead of an event");
        if let Some(found) = ServerEvent::read(&text).ok().and_then(&look) {
            return found;
        }
    }
}

fn error(event: ServerEvent<'_>) -> Option<String> {
    if let ServerEvent::Error(error) = event { error.code } else { None }
}

#[tokio::test]
async fn a_door_may_be_closed_or_never_opened() {
    let house = House::open().await;
    let refused = |dialled: Result<_, DialError>| dialled.map(drop).unwrap_err();
    let stranger = model(&house.openai.realtime_url(), "sk-of-somebody-else");
    assert!(matches!(refused(stranger.dial().await), DialError::Rejected { status: 401 }));
    house.openai.set_realtime_mood(once(RealtimeMood::Refuses));
    let error = refused(house.bridge.model.dial().await);
    assert!(matches!(error, DialError::ServerError { status: 503 }), "{error:?}");
    house.openai.set_realtime_mood(once(RealtimeMood::Hangs));
    assert!(matches!(refused(house.bridge.model.dial().await), DialError::TimedOut));
    assert!(house.bridge.model.dial().await.is_ok());
    let nobody = model("ws://127.0.0.1:1/v1/realtime", "sk");
    assert!(matches!(refused(nobody.dial().await), DialError::Unreachable(_)));
}

#[tokio::test]
async fn noise_does_not_spoil_a_conversation() {
    for mood in [RealtimeMood::Chatters, RealtimeMood::Garbles] {
        let house = House::open().await;
        house.openai.set_realtime_mood(mood);
        let story = house.call(&["listen", "say hello", "listen"]).await;
        assert_eq!(story.heard()[1], "You said: hello", "{mood:?}");
        assert!(house.unknown() >= 2, "{mood:?}");
    }
}

#[tokio::test]
async fn a_model_may_go_in_the_middle_of_a_word() {
    let house = House::open().await;
    house.openai.set_realtime_mood(once(RealtimeMood::Dies));
    let story = house.call(&["listen"]).await;
    // What was on its way may be lost with the connection.
    let heard = story.heard().concat();
    assert!("Hello! How can I help you?".starts_with(&heard) && heard.len() < 26, "{heard}");
    let (_, mut events) = house.bridge.model.dial().await.unwrap();
    events.next().await.unwrap();
    house.openai.end_conversations();
    assert_eq!(events.next().await.err(), Some(Broken::Lost));
}

#[tokio::test]
async fn more_than_anybody_can_take_is_not_taken() {
    let house = House::open().await;
    house.openai.set_realtime_mood(RealtimeMood::Floods);
    let (mut model, mut events) = house.bridge.model.dial().await.unwrap();
    model.send(r#"{"type":"response.create"}"#).await.unwrap();
    let broken = loop {
        if let Err(broken) = events.next().await {
            break broken;
        }
    };
    assert_eq!(broken, Broken::TooLarge);
}

#[tokio::test]
async fn mistakes_are_told_and_end_nothing() {
    let house = House::open().await;
    let (mut model, mut events) = house.bridge.model.dial().await.unwrap();
    let mistakes = [
        ("nonsense", "invalid_json"),
        (r#"{"type":"beg"}"#, "invalid_value"),
        (r#"{"type":"response.cancel"}"#, "response_cancel_not_active"),
        (r#"{"type":"input_audio_buffer.append","audio":"?"}"#, "invalid_value"),
        (
            r#"{"type":"conversation.item.truncate","item_id":"x","content_index":0,"audio_end_ms":1}"#,
            "invalid_value",
        ),
        (
            r#"{"type":"session.update","session":{"type":"realtime","modalities":["audio"]}}"#,
            "unknown_parameter",
        ),
    ];
    for (mistake, code) in mistakes {
        model.send(mistake).await.unwrap();
        assert_eq!(until(&mut events, error).await, code, "{mistake}");
    }
    let mut text = String::new();
    let session = session();
    let told = [
        ClientEvent::Update(&session),
        ClientEvent::Add(before("Hello, this is the bakery.")),
        ClientEvent::Add(Item::FunctionCall {
            call_id: "call_1",
            name: "text_link",
            arguments: "{}",
        }),
        ClientEvent::Add(Item::FunctionOutput { call_id: "call_1", output: "Sent." }),
        ClientEvent::Respond { instructions: Some("Sorry, we were cut off.") },
    ];
    for event in told {
        event.write(&mut text);
        model.send(&text).await.unwrap();
    }
    let words = |event: ServerEvent<'_>| {
        let ServerEvent::TranscriptDone(done) = event else { return None };
        Some(done.words.0.into_owned())
    };
    assert_eq!(until(&mut events, words).await, "Sorry, we were cut off.");
    let known = house.openai.realtime_sessions();
    let brought: Vec<_> =
        known[0].said.iter().filter(|said| said.brought).map(|said| said.by).collect();
    assert_eq!(brought, ["assistant", "call", "output"]);
}

#[tokio::test]
async fn an_hour_ends_and_an_account_has_its_limits() {
    let house = House::open().await;
    let (mut model, mut events) = house.bridge.model.dial().await.unwrap();
    house.openai.set_realtime_mood(once(RealtimeMood::Fails));
    model.send(r#"{"type":"response.create"}"#).await.unwrap();
    let failed = |event: ServerEvent<'_>| {
        let ServerEvent::ResponseDone(done) = event else { return None };
        Some(format!("{:?}", done.status))
    };
    assert!(until(&mut events, failed).await.contains("rate_limit_exceeded"));
    house.openai.set_realtime_mood(once(RealtimeMood::Expires));
    model.send(r#"{"type":"response.create"}"#).await.unwrap();
    assert_eq!(until(&mut events, error).await, "session_expired");
    assert!(events.next().await.unwrap().is_none());
}
