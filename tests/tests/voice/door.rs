//! Who is let in: hostile peers at the door of a voice worker, while a call goes on beside them.

use std::time::Duration;

use clients::twilio::signature;
use futures::{SinkExt, StreamExt};
use serde_json::json;
use tests::fleet::Worker;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest},
};

use crate::house::{ACCOUNT, House, KEY, PEPPER, TOKEN};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Longer than the door waits for the first words.
const SHOWN_OUT_WITHIN: Duration = Duration::from_secs(20);

fn url_of(worker: &Worker) -> String {
    format!("ws://{}/voice/w{}/stream", worker.listen(), worker.pid())
}

/// A handshake. The status of a refusal, otherwise.
async fn come(url: &str, signed_as: Option<&str>) -> Result<Socket, u16> {
    let mut request = url.into_client_request().unwrap();
    if let Some(signed_as) = signed_as {
        let signature = signature::sign(signed_as, &[], &TOKEN.into());
        request.headers_mut().insert("x-twilio-signature", signature.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

fn start(call_sid: &str, account: &str, token: &str) -> String {
    json!({
        "event": "start", "sequenceNumber": "1", "streamSid": "MZ1",
        "start": {
            "accountSid": account, "streamSid": "MZ1", "callSid": call_sid, "tracks": ["inbound"],
            "mediaFormat": { "encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1 },
            "customParameters": { "token": token },
        },
    })
    .to_string()
}

/// Whether the socket is closed from the other side.
async fn is_shown_out(mut socket: Socket) -> bool {
    let ended = async {
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() {
                break;
            }
        }
    };
    timeout(SHOWN_OUT_WITHIN, ended).await.is_ok()
}

#[tokio::test]
async fn nobody_gets_past_the_door_who_is_not_expected_and_a_call_beside_them_goes_on() {
    let house = House::open().await;
    let worker = house.worker(2).await;
    let url = url_of(&worker);
    let ringing = house.stays("good day").await;

    assert_eq!(come(&url, None).await.err(), Some(401), "unsigned");
    assert_eq!(come(&url, Some("ws://elsewhere/stream")).await.err(), Some(403), "forged");
    let other = url.replace("/voice/w", "/voice/x");
    assert_eq!(come(&other, Some(&other)).await.err(), Some(404), "another worker's");

    let call = "CA0123456789abcdef0123456789abcdef";
    let long = "x".repeat(100_000);
    let first_words = [
        start(call, ACCOUNT, "v1.no.token.at.all"),
        start(call, ACCOUNT, ""),
        start(call, "AC99999999999999999999999999999999", "v1"),
        json!({"event": "media", "streamSid": "MZ1", "media": {"payload": "//8="}}).to_string(),
        json!({"event": "stop", "streamSid": "MZ1", "stop": {}}).to_string(),
        "{".to_owned(),
        format!(r#"{{"event":"connected","protocol":"{long}"}}"#),
    ];
    for words in first_words {
        let mut socket = come(&url, Some(&url)).await.unwrap();
        socket.send(Message::text(words.clone())).await.ok();
        assert!(is_shown_out(socket).await, "{}", &words[..words.len().min(80)]);
    }
    let mut binary = come(&url, Some(&url)).await.unwrap();
    binary.send(Message::binary(vec![0; 10])).await.unwrap();
    assert!(is_shown_out(binary).await, "a binary frame");
    let silent = come(&url, Some(&url)).await.unwrap();
    assert!(is_shown_out(silent).await, "one that says nothing");

    // The token of the call that is under way: used, for this claim.
    let twiml = crate::routing::route_of(&house, &ringing).await;
    let token = token_of(&twiml);
    let call_sid = format!("CA{}", ringing.session.as_uuid().simple());
    let mut again = come(&url, Some(&url)).await.unwrap();
    again.send(Message::text(start(&call_sid, ACCOUNT, token))).await.unwrap();
    assert!(is_shown_out(again).await, "a token counts once");

    ringing.says("still here");
    house.hears(&ringing, 2).await;
    assert_eq!(ringing.live.story().heard()[1], "You said: still here");
    ringing.live.hang_up();
    house.ended(&ringing).await;
}

#[tokio::test]
async fn a_voice_worker_lets_in_and_speaks_by_what_was_set_and_not_by_its_environment() {
    let house = House::open().await;
    house.sets("twilio_auth_token", TOKEN).await;
    house.sets("openai_api_key", KEY).await;
    let old = "what-was-revoked-long-ago";
    let changes = [("TWILIO_AUTH_TOKEN", old), ("OPENAI_API_KEY", old)];
    let worker = house.worker_with(2, &changes).await;
    let ringing = house.stays("good day").await;
    assert_eq!(ringing.live.story().heard()[0], "You said: good day");
    assert_eq!(come(&url_of(&worker), None).await.err(), Some(401), "the door is shut to others");
    ringing.live.hang_up();
    house.ended(&ringing).await;
}

fn media(at_ms: u64, payload: &str) -> String {
    let media = json!({ "track": "inbound", "chunk": "1", "timestamp": at_ms.to_string(), "payload": payload });
    json!({ "event": "media", "sequenceNumber": "9", "streamSid": "MZ1", "media": media })
        .to_string()
}

/// A stream that was let in, of a call that nobody else speaks.
async fn let_in(house: &House, url: &str) -> Socket {
    let session = domain::VoiceSessionId::mint();
    let call_sid = format!("CA{}", session.as_uuid().simple());
    house.session(session, &call_sid).await;
    let twiml = crate::routing::route_of_session(house, session).await;
    let token = token_of(&twiml);
    let mut socket = come(url, Some(url)).await.unwrap();
    socket.send(Message::text(start(&call_sid, ACCOUNT, token))).await.unwrap();
    socket
}

fn token_of(twiml: &str) -> &str {
    twiml.split(r#"name="token" value=""#).nth(1).unwrap().split('"').next().unwrap()
}

#[tokio::test]
async fn a_stream_that_sends_what_is_none_is_closed_and_a_call_beside_it_goes_on() {
    let house = House::open().await;
    let worker = house.worker(8).await;
    let url = url_of(&worker);
    let ringing = house.stays("good day").await;
    let silence = "/////////////////////////////////////////w==";

    // Out of order, twice, of a later day, of a mark that nobody set: borne, and the stream goes on.
    let mut odd = let_in(&house, &url).await;
    let borne = [
        media(40_000, silence),
        media(20, silence),
        media(20, silence),
        json!({ "event": "mark", "streamSid": "MZ1", "mark": { "name": "7.99999" } }).to_string(),
        json!({ "event": "mark", "streamSid": "MZ1", "mark": { "name": "x" } }).to_string(),
        json!({ "event": "mood", "streamSid": "MZ1", "mood": [1, 2] }).to_string(),
        start("CA0123456789abcdef0123456789abcdef", ACCOUNT, ""),
    ];
    for frame in borne {
        odd.send(Message::text(frame)).await.unwrap();
    }
    assert!(timeout(Duration::from_secs(1), odd.next()).await.is_err(), "nothing is said to it");

    let garbage = ["{", "[]", "7", r#"{"event":"media","media":{"payload":"*"}}"#];
    for frame in garbage.iter().cycle().take(40) {
        odd.send(Message::text(*frame)).await.ok();
    }
    assert!(is_shown_out(odd).await, "garbage");
    let mut large = let_in(&house, &url).await;
    large.send(Message::text(media(20, &"/".repeat(100_000)))).await.ok();
    assert!(is_shown_out(large).await, "an oversized frame");
    let mut binary = let_in(&house, &url).await;
    binary.send(Message::binary(vec![0xff; 160])).await.unwrap();
    assert!(is_shown_out(binary).await, "a binary frame");
    assert!(worker.metric("voice_bad_frames_total").await > 20.0);

    ringing.says("still here");
    house.hears(&ringing, 2).await;
    assert_eq!(ringing.live.story().heard()[1], "You said: still here");
    ringing.live.hang_up();
    house.ended(&ringing).await;
}

#[tokio::test]
async fn a_token_is_for_its_minute_its_claim_and_its_call() {
    let house = House::open().await;
    let worker = house.worker(2).await;
    let url = url_of(&worker);
    let session = domain::VoiceSessionId::mint();
    let call_sid = format!("CA{}", session.as_uuid().simple());
    house.session(session, &call_sid).await;
    let good = crate::routing::route_of_session(&house, session).await;
    let pepper = domain::Pepper::new(PEPPER.into()).unwrap();
    let far = i64::from(i32::MAX);
    let token = |epoch, until, call_sid: &str| {
        domain::voice::token::mint(
            &pepper,
            &domain::voice::token::Grant { session, epoch, call_sid, until },
        )
    };
    for (why, token) in [
        ("its minute is over", token(1, 1_000_000, &call_sid)),
        ("of a claim that is over", token(0, far, &call_sid)),
        ("of a claim that is none yet", token(2, far, &call_sid)),
        ("of another call", token(1, far, "CA0123456789abcdef0123456789abcdef")),
    ] {
        let mut socket = come(&url, Some(&url)).await.unwrap();
        socket.send(Message::text(start(&call_sid, ACCOUNT, &token))).await.unwrap();
        assert!(is_shown_out(socket).await, "{why}");
    }
    // None of them has used up the one that is good.
    let mut socket = come(&url, Some(&url)).await.unwrap();
    socket.send(Message::text(start(&call_sid, ACCOUNT, token_of(&good)))).await.unwrap();
    assert!(timeout(Duration::from_secs(2), socket.next()).await.is_err(), "it is let in");
}

#[tokio::test]
async fn a_thousand_sockets_that_say_nothing_keep_no_call_away() {
    let house = House::open().await;
    let worker = house.worker(20).await;
    let url = url_of(&worker);
    let mut idle = Vec::new();
    let mut refused = 0;
    for _ in 0..1000 {
        match come(&url, Some(&url)).await {
            Ok(socket) => idle.push(socket),
            Err(503) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 0 && idle.len() >= 80, "{refused} refused, {} let wait", idle.len());
    drop(idle);
    let (story, _) = house.call(&["say good day", "listen", "hang up"]).await;
    assert_eq!(story.heard(), ["You said: good day"]);
}
