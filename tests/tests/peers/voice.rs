//! What a call by speech says, held against OpenAI's types and client, Twilio's builder of TwiML, and Pipecat's serializer.

use std::time::Duration;

use clients::{
    audio::{FRAME_BYTES, Mulaw, SILENCE},
    openai::realtime::{
        ClientEvent, Config, Item, Realtime, Role, ServerEvent, Session, Tool, TurnDetection,
    },
    twilio::{
        media::{Digit, Inbound, Media, Outbound},
        twiml::{Connect, Dial, Record, RejectReason, Stream, Twiml, Voice},
    },
};
use sandbox::{
    openai::{Handle, Options},
    speech,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{packages, partner::Partner};

const KEY: &str = "sk-of-the-peers";
const MODEL: &str = "gpt-realtime-2.1";

async fn sandbox() -> (Handle, DropGuard) {
    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options = Options::new(KEY);
    (options.think, options.delta_every) = (Duration::ZERO, Duration::ZERO);
    let (handle, serving) = sandbox::OpenAi::serve(listener, options, stop.child_token()).unwrap();
    tokio::spawn(serving);
    (handle, stop.drop_guard())
}

fn session() -> Session {
    let tool = Tool {
        name: "text_link".to_owned(),
        description: "Texts a link.".to_owned(),
        parameters: serde_json::from_str(r#"{"type":"object","properties":{}}"#).unwrap(),
    };
    Session {
        instructions: "Be kind.".to_owned(),
        voice: "marin".to_owned(),
        tools: vec![tool],
        turn_detection: TurnDetection { idle_timeout_ms: Some(8_000), ..TurnDetection::default() },
        transcription_model: Some("gpt-4o-mini-transcribe".to_owned()),
        language: Some("de".to_owned()),
        output_tokens_max: 1_024,
    }
}

/// What is said, and the pause that ends it, in frames of 20 ms.
fn frames(text: &str) -> Vec<Mulaw<'static>> {
    let audio = [speech::say(text, 50), vec![SILENCE; 30 * FRAME_BYTES]].concat();
    audio.chunks(FRAME_BYTES).map(Mulaw::encode).collect()
}

fn tree(event: ClientEvent<'_>) -> Value {
    let mut text = String::new();
    event.write(&mut text);
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn every_event_that_we_send_is_one_of_openais_types() {
    let Some(python) = packages::python("openai").await else { return };
    let mut theirs = Partner::start(&python, "openai_realtime", &["http://127.0.0.1:9/v1", KEY]);
    let (session, audio) = (session(), Mulaw::encode(&[SILENCE; FRAME_BYTES]));
    let message = |role| Item::Message { role, text: "Grüße \"👋\"" };
    let call = Item::FunctionCall { call_id: "call_1", name: "text_link", arguments: "{}" };
    let mut events: Vec<_> = [Role::System, Role::User, Role::Assistant]
        .map(|role| tree(ClientEvent::Add(message(role))))
        .to_vec();
    let others = [
        ClientEvent::Update(&session),
        ClientEvent::Append(&audio),
        ClientEvent::ClearInput,
        ClientEvent::Add(call),
        ClientEvent::Add(Item::FunctionOutput { call_id: "call_1", output: "Sent." }),
        ClientEvent::Truncate { item_id: "item_1", audio_end_ms: 740 },
        ClientEvent::Respond { instructions: None },
        ClientEvent::Respond { instructions: Some("Say sorry.") },
        ClientEvent::Cancel { response_id: None },
        ClientEvent::Cancel { response_id: Some("resp_1") },
    ];
    events.extend(others.map(tree));
    let judged = theirs.ask(&json!({ "do": "judge", "side": "client", "events": events })).await;
    assert_eq!(judged["problems"], json!([]));
    assert_eq!(judged["types"].as_array().unwrap().len(), 7, "{judged}");
    // The judge can tell.
    let beta = json!([{ "type": "session.update", "session": { "input_audio_format": "g711_ulaw" } }, { "type": "x" }]);
    let judged = theirs.ask(&json!({ "do": "judge", "side": "client", "events": beta })).await;
    assert_eq!(judged["problems"].as_array().unwrap().len(), 2, "{judged}");
}

/// A conversation with everything in it: what the sandbox tells of it.
async fn told_by(handle: &Handle) -> Vec<Value> {
    let config = Config {
        url: handle.realtime_url().parse().unwrap(),
        api_key: KEY.into(),
        model: MODEL.to_owned(),
        dial_timeout: Duration::from_secs(5),
    };
    let (mut model, mut events) = Realtime::new(config).unwrap().dial().await.unwrap();
    let (mut buffer, mut told, mut answers) = (String::new(), Vec::new(), 0);
    let mut item = String::new();
    ClientEvent::Update(&session()).write(&mut buffer);
    model.send(&buffer).await.unwrap();
    for event in [
        ClientEvent::ClearInput,
        ClientEvent::Cancel { response_id: None },
        ClientEvent::Respond { instructions: None },
    ] {
        event.write(&mut buffer);
        model.send(&buffer).await.unwrap();
    }
    while answers < 4 {
        let text = events.next().await.unwrap().unwrap();
        told.push(serde_json::from_str(&text).unwrap());
        let event = ServerEvent::read(&text).unwrap();
        if let ServerEvent::AudioDelta(delta) = &event {
            item = delta.item_id.to_string();
        }
        if let ServerEvent::RateLimits(_) = event {
            answers += 1;
            let (next, said) = match answers {
                1 => (ClientEvent::Truncate { item_id: &item, audio_end_ms: 100 }, "my knee hurts"),
                2 => (ClientEvent::ClearInput, "send me the link"),
                _ => {
                    let output = Item::FunctionOutput { call_id: "call_1", output: "Sent." };
                    ClientEvent::Add(output).write(&mut buffer);
                    model.send(&buffer).await.unwrap();
                    (ClientEvent::Respond { instructions: None }, "")
                }
            };
            next.write(&mut buffer);
            model.send(&buffer).await.unwrap();
            let speaks = if said.is_empty() { Vec::new() } else { frames(said) };
            for frame in speaks {
                ClientEvent::Append(&frame).write(&mut buffer);
                model.send(&buffer).await.unwrap();
            }
        }
    }
    told
}

#[tokio::test]
async fn every_event_that_the_sandbox_sends_is_one_of_openais_types() {
    let Some(python) = packages::python("openai").await else { return };
    let (model, _stop) = sandbox().await;
    let told = told_by(&model).await;
    let mut theirs = Partner::start(&python, "openai_realtime", &[&model.api_base(), KEY]);
    let judged = theirs.ask(&json!({ "do": "judge", "side": "server", "events": told })).await;
    assert_eq!(judged["problems"], json!([]));
    assert!(judged["types"].as_array().unwrap().len() >= 22, "{}", judged["types"]);
}

#[tokio::test]
async fn openais_own_client_speaks_with_the_sandbox() {
    let Some(python) = packages::python("openai").await else { return };
    let (model, _stop) = sandbox().await;
    let mut theirs = Partner::start(&python, "openai_realtime", &[&model.api_base(), KEY]);
    let session = tree(ClientEvent::Update(&session()))["session"].clone();
    let frames: Vec<_> =
        frames("are you open?").iter().map(|frame| frame.as_str().to_owned()).collect();
    let ask = json!({ "do": "converse", "model": MODEL, "session": session, "frames": frames });
    let answer = theirs.ask(&ask).await;
    assert_eq!(answer["heard"], "are you open?");
    assert_eq!(answer["said"], "You said: are you open?");
    assert!(answer["audio"].as_u64() > Some(8_000), "{answer}");
    for kind in
        ["session.created", "session.updated", "input_audio_buffer.speech_started", "response.done"]
    {
        assert!(answer["types"].as_array().unwrap().contains(&json!(kind)), "{kind}: {answer}");
    }
}

#[tokio::test]
async fn twilios_own_builder_writes_the_same_twiml() {
    let Some(python) = packages::python("official").await else { return };
    let mut theirs = Partner::start(&python, "twiml", &[]);
    let voice = Voice { language: "de-DE".to_owned(), name: Some("Polly.Vicki".to_owned()) };
    let stream =
        Stream::to("wss://a.b/voice/w1/stream").named("s1").reported_to("https://a.b/s?x=1&y=ü");
    let stream = stream.parameter("token", "t\"1&<2>'").unwrap().parameter("empty", "").unwrap();
    let dial = Dial {
        number: "+4312345".to_owned(),
        caller_id: Some("+15005550006".to_owned()),
        timeout_secs: Some(20),
        action: Some("/d?a&b".to_owned()),
    };
    let record = Record {
        max_secs: Some(120),
        silence_secs: Some(5),
        finish_on: Some("#".to_owned()),
        beep: true,
        action: Some("/r".to_owned()),
        status_callback: Some("/rs".to_owned()),
    };
    let ours = Twiml::new()
        .say("Grüße & <mehr> \"so\" 👋", &voice)
        .pause(1)
        .connect(Connect { action: Some("https://a.b/e".to_owned()), stream })
        .record(record)
        .dial(dial)
        .redirect("https://a.b/r?a=1&b=2")
        .reject(RejectReason::Busy)
        .hang_up();
    let verbs = json!([
        { "verb": "say", "text": "Grüße & <mehr> \"so\" 👋", "language": "de-DE", "voice": "Polly.Vicki" },
        { "verb": "pause", "length": 1 },
        { "verb": "connect", "action": "https://a.b/e", "method": "POST", "stream": {
            "url": "wss://a.b/voice/w1/stream", "name": "s1", "status_callback": "https://a.b/s?x=1&y=ü",
            "status_callback_method": "POST", "parameters": [["token", "t\"1&<2>'"], ["empty", ""]],
        } },
        { "verb": "record", "max_length": 120, "timeout": 5, "finish_on_key": "#", "play_beep": true,
          "action": "/r", "method": "POST", "recording_status_callback": "/rs" },
        { "verb": "dial", "number": "+4312345", "caller_id": "+15005550006", "timeout": 20, "action": "/d?a&b", "method": "POST" },
        { "verb": "redirect", "url": "https://a.b/r?a=1&b=2", "method": "POST" },
        { "verb": "reject", "reason": "busy" },
        { "verb": "hangup" },
    ]);
    let built = theirs.ask(&json!({ "do": "build", "verbs": verbs })).await;
    let read = theirs.ask(&json!({ "do": "read", "xml": ours.to_xml() })).await;
    assert_eq!(built, read);
    let answer = theirs.ask(&json!({ "do": "answer", "body": "Hi \"you\" & <me>" })).await;
    let ours = Twiml::new().message("Hi \"you\" & <me>").to_xml();
    assert_eq!(answer, theirs.ask(&json!({ "do": "read", "xml": ours })).await);
}

#[tokio::test]
async fn pipecats_serializer_and_ours_understand_each_other() {
    let Some(python) = packages::python_as_it_stands("pipecat").await else { return };
    let mut theirs = Partner::start(&python, "pipecat_twilio", &[]);
    let mut frame = String::new();
    let media = |audio: &[u8]| {
        Inbound::Media(Media {
            sequence: Some(4),
            chunk: Some(2),
            timestamp_ms: Some(40),
            stream_sid: "MZ1".into(),
            payload: Mulaw::encode(audio),
        })
    };
    media(&speech::say("a", 50)).write(&mut frame);
    let heard = theirs.ask(&json!({ "do": "read", "stream": "MZ1", "frame": frame })).await;
    assert_eq!((&heard["audio"], &heard["rate"]), (&json!(2 * FRAME_BYTES), &json!(8_000)));
    assert!(heard["loud"].as_u64() > Some(8_000), "{heard}");
    media(&[SILENCE; FRAME_BYTES]).write(&mut frame);
    assert_eq!(
        theirs.ask(&json!({ "do": "read", "stream": "MZ1", "frame": frame })).await["loud"],
        0
    );
    Inbound::Dtmf(Digit { sequence: Some(5), stream_sid: "MZ1".into(), digit: '#' })
        .write(&mut frame);
    let pressed = theirs.ask(&json!({ "do": "read", "stream": "MZ1", "frame": frame })).await;
    assert_eq!(pressed, json!({ "digit": "#" }));
    let said =
        theirs.ask(&json!({ "do": "write", "stream": "MZ1", "what": "audio", "ms": 40 })).await;
    let Outbound::Media { stream_sid, payload } =
        Outbound::read(said["frame"].as_str().unwrap()).unwrap()
    else {
        panic!("no audio: {said}")
    };
    assert_eq!((&*stream_sid, payload.millis()), ("MZ1", 40));
    let clear = theirs.ask(&json!({ "do": "write", "stream": "MZ1", "what": "clear" })).await;
    let clear = Outbound::read(clear["frame"].as_str().unwrap()).unwrap();
    assert_eq!(clear, Outbound::Clear { stream_sid: "MZ1".into() });
}
