//! What a caller hears.

use std::sync::atomic::Ordering;

use sandbox::twilio::{Oddity, Recording, What};

use crate::house::House;

const HELLO: &str = "Hello! How can I help you?";

fn closed_by(story: &sandbox::twilio::Story) -> Vec<&'static str> {
    let by = |what: &What| if let What::StreamClosed { by } = what { Some(*by) } else { None };
    story.moments.iter().filter_map(|moment| by(&moment.what)).collect()
}

#[tokio::test]
async fn a_caller_is_greeted_heard_and_answered() {
    let house = House::open().await;
    let story = house.call(&["listen", "say my knee hurts", "listen", "press 1", "hang up"]).await;
    assert_eq!(story.heard(), [HELLO, "You said: my knee hurts"]);
    assert_eq!((story.status, closed_by(&story)), ("completed", vec!["caller"]));
    let announced = What::Announced { text: "Welcome.".to_owned() };
    assert!(story.moments.iter().any(|moment| moment.what == announced));
    assert_eq!(house.bridge.keys.lock().as_str(), "1");
    assert_eq!(house.field("/status", "CallStatus"), "completed");
    assert_eq!(
        (house.posts("/incoming"), house.posts("/route"), house.posts("/status")),
        (1, 1, 1)
    );
    assert!(story.frames_in > 0 && story.delays_micros.len() as u64 == story.frames_in);
    let model = &house.openai.realtime_sessions()[0];
    let said: Vec<_> = model.said.iter().map(|said| (said.by, said.words.as_str())).collect();
    let answer = "You said: my knee hurts";
    assert_eq!(said, [("assistant", HELLO), ("user", "my knee hurts"), ("assistant", answer)]);
    assert!(!house.openai.take_delays_micros().is_empty());
}

#[tokio::test]
async fn who_speaks_up_is_listened_to_and_the_model_knows_what_was_heard() {
    // Slowly: more than a second of a busy machine goes by before all of the answer would have been heard.
    let house = House::speaking(5).await;
    let long = "say tell me everything about the opening hours of all your shops in the country";
    let story =
        house.call(&["listen", long, "interrupt 800", "say stop", "listen", "hang up"]).await;
    let heard = story.heard();
    let whole =
        "You said: tell me everything about the opening hours of all your shops in the country";
    assert!(heard[1].len() < whole.len() && whole.starts_with(heard[1]), "{heard:?}");
    assert_eq!(heard[2], "You said: stop");
    assert!(
        story
            .moments
            .iter()
            .any(|moment| matches!(moment.what, What::Cleared { marks } if marks > 0))
    );
    let model = &house.openai.realtime_sessions()[0];
    let cut = model.said.iter().find(|said| said.truncated).unwrap();
    assert!(whole.starts_with(&cut.words) && cut.words.len() < whole.len(), "{}", cut.words);
    // All marks have come back: those that were heard, and those that were cleared.
    let marks = house.bridge.marks.lock();
    assert!(marks.iter().map(String::as_str).eq(
        (1..=marks.len()).map(|it| format!("m{it}")).collect::<Vec<_>>().iter().map(String::as_str)
    ));
}

#[tokio::test]
async fn a_wish_calls_a_tool_and_its_answer_is_heard() {
    let house = House::open().await;
    let story = house.call(&["listen", "say send me the link please", "listen"]).await;
    assert_eq!(story.heard()[1], "All right. The link was sent.");
    let model = &house.openai.realtime_sessions()[0];
    let call = model.said.iter().find(|said| said.by == "call").unwrap();
    assert_eq!(call.words, r#"text_link {"link":"send me the link please"}"#);
}

#[tokio::test]
async fn a_call_outlives_its_stream() {
    let house = House::open().await;
    house.bridge.drops.store(2, Ordering::Relaxed);
    let story = house.call(&["listen", "hang up"]).await;
    assert_eq!(closed_by(&story).last(), Some(&"caller"));
    assert_eq!(closed_by(&story).len(), 3, "{:#?}", story.moments);
    assert_eq!(house.posts("/ended"), 2);
    assert!(story.heard().contains(&HELLO), "{:?}", story.heard());
}

#[tokio::test]
async fn odd_calls_do_what_odd_calls_do() {
    let house = House::open().await;
    let odd = |oddity| {
        let mut placement = house.placement(&["listen", "hang up"]);
        placement.oddity = oddity;
        placement
    };
    let twice = house.ended(&house.twilio.place_call(odd(Oddity::PostsTwice))).await;
    assert!(twice.moments.iter().any(|moment| moment.what == What::Repeated { alike: true }));
    for (oddity, error) in [(Oddity::NoStream, 31901), (Oddity::ForgesHandshake, 31920)] {
        let story = house.ended(&house.twilio.place_call(odd(oddity))).await;
        assert!(story.moments.iter().any(|moment| moment.what == What::StreamRefused { error }));
        assert!(
            story
                .moments
                .iter()
                .any(|it| it.what == What::Announced { text: "Goodbye.".to_owned() })
        );
    }
    assert_eq!(house.field("/stream-status", "StreamEvent"), "stream-error");
    let dropped = house.ended(&house.twilio.place_call(odd(Oddity::DropsLine))).await;
    assert_eq!(closed_by(&dropped), ["caller"]);
}

#[tokio::test]
async fn a_caller_may_hang_up_at_any_time_and_says_goodbye_to_the_stream() {
    let house = House::open().await;
    let call = house.twilio.place_call(house.placement(&[]));
    call.until(|story| (story.heard() == [HELLO]).then_some(())).await;
    call.hang_up();
    assert_eq!(closed_by(&house.ended(&call).await), ["caller"]);
    // The bridge leaves the model when it has read all that the stream said.
    house.openai.until(|it| (!it.realtime_sessions()[0].open).then_some(())).await;
    assert_eq!(house.bridge.stops.load(Ordering::Relaxed), 1);
    let mut hasty = house.placement(&[]);
    hasty.speed = 1;
    let call = house.twilio.place_call(hasty);
    call.until(|story| (story.status == "in-progress").then_some(())).await;
    call.hang_up();
    let story = house.ended(&call).await;
    assert_eq!((story.status, closed_by(&story).len()), ("completed", 0));
    assert_eq!((house.posts("/route"), house.posts("/status")), (1, 2));
}

#[tokio::test]
async fn a_recording_may_be_told_before_the_call() {
    let house = House::open().await;
    let mut placement = house.placement(&["hang up"]);
    placement.recording = Recording::ToldBefore(format!("{}/recording", house.bridge.base));
    house.ended(&house.twilio.place_call(placement)).await;
    let paths: Vec<_> = house.bridge.posts.lock().iter().map(|(path, _)| path.clone()).collect();
    assert_eq!((paths[0].as_str(), paths[1].as_str()), ("/recording", "/incoming"));
}

#[tokio::test]
async fn the_api_shows_a_call_and_ends_it() {
    let house = House::open().await;
    let call = house.twilio.place_call(house.placement(&["wait 3600000"]));
    let http = clients::http::client(clients::http::REQUEST_TIMEOUT).unwrap();
    let url = house.twilio.base_url().join(&format!(
        "2010-04-01/Accounts/AC00000000000000000000000000000001/Calls/{}.json",
        call.sid()
    ));
    let url = url.unwrap();
    let account = "AC00000000000000000000000000000001";
    call.until(|story| (story.status == "in-progress").then_some(())).await;
    let end = |status: &'static str| {
        http.post(url.clone()).basic_auth(account, Some("token")).form(&[("Status", status)]).send()
    };
    assert_eq!(end("bogus").await.unwrap().status(), 400);
    assert_eq!(end("completed").await.unwrap().status(), 200);
    house.ended(&call).await;
    assert_eq!(end("completed").await.unwrap().status(), 400);
    let shown = http.get(url).basic_auth(account, Some("token")).send().await.unwrap();
    let shown: serde_json::Value = shown.json().await.unwrap();
    assert_eq!((&shown["status"], &shown["direction"]), (&"completed".into(), &"inbound".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_at_once_are_all_heard() {
    let house = House::open().await;
    let calls: Vec<_> = (0..50)
        .map(|number| {
            let said = format!("say I am number {number}");
            let mut placement = house.placement(&["wait 500", &said, "wait 2500", "hang up"]);
            (placement.speed, placement.chars_per_sec) = (1, 50);
            (number, house.twilio.place_call(placement))
        })
        .collect();
    for (number, call) in calls {
        let story = house.ended(&call).await;
        let heard = story.heard().concat();
        assert!(heard.ends_with(&format!("You said: I am number {number}")), "{heard}");
    }
}
