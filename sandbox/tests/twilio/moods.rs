use std::time::{Duration, Instant};

use clients::{http, twilio::Error};
use sandbox::twilio::{Mood, Options, Spell};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::harness::{ACCOUNT, ALICE, OURS, Sandbox, client, options, text, token};

fn once(mood: Mood) -> Spell {
    Spell { for_requests: Some(1), ..mood.into() }
}

#[tokio::test]
async fn rate_limited_asks_to_wait_a_second_and_does_nothing() {
    let sandbox = Sandbox::start().await;
    sandbox.handle.set_mood(once(Mood::RateLimited));
    let error = sandbox.send(ALICE, "x").await.unwrap_err();
    let Error::RateLimited { retry_after } = error else { panic!("{error:?}") };
    assert_eq!(retry_after, Some(Duration::from_secs(1)));
    assert_eq!(sandbox.traffic(), (1, 0));

    sandbox.send(ALICE, "x").await.unwrap();
    assert_eq!(sandbox.handle.messages_to(ALICE)[0].attempts, 2);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_server_error_does_nothing() {
    let sandbox = Sandbox::start().await;
    sandbox.handle.set_mood(Mood::ServerError);
    for _ in 0..2 {
        let error = sandbox.send(ALICE, "x").await.unwrap_err();
        assert!(matches!(error, Error::ServerError { status: 500 }), "{error:?}");
    }
    let error = sandbox.twilio.list_messages(ALICE, OURS, 1).await.unwrap_err();
    assert!(matches!(error, Error::ServerError { status: 500 }), "{error:?}");
    assert_eq!(sandbox.traffic(), (3, 0));
    sandbox.stop().await;
}

#[tokio::test]
async fn a_lost_reply_leaves_a_message_that_a_probe_finds() {
    let sandbox = Sandbox::start().await;
    sandbox.handle.set_mood(Mood::LosesReply);
    let error = sandbox.send(ALICE, "x").await.unwrap_err();
    assert!(matches!(error, Error::Unknown(_)), "{error:?}");

    let found = sandbox.twilio.list_messages(ALICE, OURS, 20).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].sid, sandbox.handle.messages_to(ALICE)[0].sid);
    sandbox.until(|handle| handle.callbacks_pending() == 0).await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_lost_reply_is_a_closed_connection_without_a_byte() {
    let sandbox = Sandbox::start().await;
    for (mood, messages) in [(Mood::LosesReply, 1), (Mood::Down, 1)] {
        sandbox.handle.set_mood(mood);
        let address = sandbox.handle.base_url().socket_addrs(|| None).unwrap()[0];
        let mut stream = TcpStream::connect(address).await.unwrap();
        let body = "To=%2B4367712345678&From=%2B15005550006&Body=x";
        let credentials = "QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpzYW5kYm94LXRva2Vu";
        let request = format!(
            "POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json HTTP/1.1\r\nHost: {address}\r\n\
             Authorization: Basic {credentials}\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
            body.len(),
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Whether the end is a FIN or a reset is the kernel's choice.
        let _ = stream.read_to_end(&mut answer).await;
        assert_eq!(answer, b"", "{mood:?}");
        assert_eq!(sandbox.handle.messages_to(ALICE).len(), messages, "{mood:?}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn down_takes_nothing_and_answers_nothing() {
    let sandbox = Sandbox::start().await;
    sandbox.handle.set_mood(Mood::Down);
    let error = sandbox.send(ALICE, "x").await.unwrap_err();
    assert!(matches!(error, Error::Unknown(_) | Error::NotSent(_)), "{error:?}");
    let error = sandbox.twilio.list_messages(ALICE, OURS, 1).await.unwrap_err();
    assert!(matches!(error, Error::Unknown(_) | Error::NotSent(_)), "{error:?}");
    assert_eq!(sandbox.traffic(), (2, 0));

    sandbox.handle.set_mood(Mood::Accepts);
    sandbox.send(ALICE, "x").await.unwrap();
    assert_eq!(sandbox.handle.messages().len(), 1);
    sandbox.stop().await;
}

#[tokio::test]
async fn slow_answers_late_or_too_late_but_takes_the_message_at_once() {
    let delay = Duration::from_millis(300);
    let sandbox = Sandbox::start_with(Options { slow_delay: delay, ..options() }).await;
    sandbox.handle.set_mood(Mood::Slow);
    let start = Instant::now();
    sandbox.send(ALICE, "late").await.unwrap();
    assert!(start.elapsed() >= delay);

    let hasty = http::client(Duration::from_millis(100)).unwrap();
    let hasty = client(sandbox.handle.base_url(), ACCOUNT, token(), hasty);
    let error = hasty.send_message(&text(ALICE, "too late")).await.unwrap_err();
    assert!(matches!(&error, Error::Unknown(source) if source.is_timeout()), "{error:?}");
    sandbox.until(|handle| handle.messages_to(ALICE)[0].body == "too late").await;
    sandbox.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_slow_answers() {
    let sandbox = Sandbox::start().await;
    let hour = Some(Duration::from_hours(1));
    sandbox.handle.set_mood(Spell { delay: hour, ..Mood::Slow.into() });
    let twilio = sandbox.twilio.clone();
    let held = tokio::spawn(async move { twilio.send_message(&text(ALICE, "x")).await });
    sandbox.until(|handle| handle.messages_to(ALICE).len() == 1).await;
    sandbox.stop().await;
    held.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_ratio_touches_some_requests_and_counts_them() {
    let sandbox = Sandbox::start().await;
    let answer =
        sandbox.control("mood", r#"{"mood":"server_error","for_requests":5,"ratio":0.5}"#).await;
    assert_eq!(answer.0, 200, "{}", answer.1);
    let (mut sent, mut failed) = (0, 0);
    while failed < 5 {
        match sandbox.send(ALICE, "x").await {
            Ok(_) => sent += 1,
            Err(_) => failed += 1,
        }
        assert!(sent + failed < 100);
    }
    assert!(sent > 0, "the coin of this seed falls both ways");
    for _ in 0..5 {
        sandbox.send(ALICE, "x").await.unwrap();
    }
    sandbox.stop().await;
}
