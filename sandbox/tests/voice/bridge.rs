//! What stands between the two: webhooks that hand a call to a stream, and a stream that hands its audio to the model.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    body::Bytes,
    extract::{
        OriginalUri, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use clients::{
    openai::realtime::{
        ClientEvent, Item, Realtime, Role, ServerEvent, Session, Tool, TurnDetection,
    },
    twilio::{
        media::{Inbound, Pen},
        signature::{self, Payload},
        twiml::{Connect, Stream, Twiml, Voice},
    },
};
use parking_lot::Mutex;
use secrecy::SecretString;

/// What the bridge knows and remembers.
pub(crate) struct Bridge {
    pub(crate) base: String,
    pub(crate) token: SecretString,
    pub(crate) model: Realtime,
    /// Webhooks that came: path and form.
    pub(crate) posts: Mutex<Vec<(String, HashMap<String, String>)>>,
    /// Keys that callers have pressed.
    pub(crate) keys: Mutex<String>,
    /// Marks that came back.
    pub(crate) marks: Mutex<Vec<String>>,
    /// So many streams are dropped without a word as soon as the model speaks.
    pub(crate) drops: AtomicU64,
    pub(crate) unknown: AtomicU64,
    /// Streams that were ended by the caller with a goodbye.
    pub(crate) stops: AtomicU64,
}

pub(crate) fn router(bridge: Arc<Bridge>) -> Router {
    Router::new()
        .route("/incoming", post(webhook))
        .route("/route", post(webhook))
        .route("/ended", post(webhook))
        .route("/status", post(webhook))
        .route("/stream-status", post(webhook))
        .route("/recording", post(webhook))
        .route("/stream", get(stream))
        .with_state(bridge)
}

async fn webhook(
    State(bridge): State<Arc<Bridge>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let url = format!("{}{uri}", bridge.base);
    if !is_signed(&bridge, &url, &form, &headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let path = uri.path().to_owned();
    bridge.posts.lock().push((path.clone(), form.into_iter().collect()));
    let voice = Voice { language: "en-US".to_owned(), name: None };
    let base = &bridge.base;
    let twiml = match path.as_str() {
        "/incoming" => {
            Twiml::new().say("Welcome.", &voice).redirect(format!("{base}/route?s=1&x=2"))
        }
        "/route" => {
            let stream = Stream::to(format!("{}/stream", base.replacen("http", "ws", 1)))
                .reported_to(format!("{base}/stream-status"))
                .parameter("token", "\"<t>\"")
                .unwrap();
            Twiml::new().connect(Connect { action: None, stream }).redirect(format!("{base}/ended"))
        }
        "/ended" if bridge.drops.load(Ordering::Relaxed) > 0 => {
            bridge.drops.fetch_sub(1, Ordering::Relaxed);
            Twiml::new().redirect(format!("{base}/route"))
        }
        "/ended" => Twiml::new().say("Goodbye.", &voice).hang_up(),
        _ => return StatusCode::NO_CONTENT.into_response(),
    };
    ([("content-type", "text/xml")], twiml.to_xml()).into_response()
}

fn is_signed(bridge: &Bridge, url: &str, form: &[(String, String)], headers: &HeaderMap) -> bool {
    let given =
        headers.get("x-twilio-signature").and_then(|it| it.to_str().ok()).unwrap_or_default();
    signature::verify(url, Payload::Form(form), given, std::slice::from_ref(&bridge.token))
}

async fn stream(
    State(bridge): State<Arc<Bridge>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let url = format!("{}/stream", bridge.base.replacen("http", "ws", 1));
    if !is_signed(&bridge, &url, &[], &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    upgrade.on_upgrade(move |socket| async move {
        talk(socket, &bridge).await;
    })
}

pub(crate) fn session() -> Session {
    let tool = Tool {
        name: "text_link".to_owned(),
        description: "Texts a link to the caller.".to_owned(),
        parameters: serde_json::from_str(
            r#"{"type":"object","properties":{"link":{"type":"string"}},"required":["link"]}"#,
        )
        .unwrap(),
    };
    Session {
        instructions: "Be kind.".to_owned(),
        voice: "marin".to_owned(),
        tools: vec![tool],
        turn_detection: TurnDetection::default(),
        transcription_model: Some("gpt-4o-mini-transcribe".to_owned()),
        language: None,
        output_tokens_max: 1024,
    }
}

/// Ends with the stream or with the model.
async fn talk(mut socket: WebSocket, bridge: &Bridge) -> Option<()> {
    let (mut model, mut events) = bridge.model.dial().await.ok()?;
    let (mut pen, mut buffer) = (Pen::new(""), String::new());
    ClientEvent::Update(&session()).write(&mut buffer);
    model.send(&buffer).await.ok()?;
    // What is being heard, and how much of it was sent.
    let (mut item, mut marks): (Option<String>, u64) = (None, 0);
    let (mut clock, mut began) = (0, 0);
    loop {
        tokio::select! {
            message = socket.recv() => {
                let Ok(Message::Text(text)) = message? else { return None };
                match Inbound::read(&text).unwrap() {
                    Inbound::Start(start) => {
                        assert_eq!(start.parameters["token"], "\"<t>\"");
                        pen = Pen::new(&start.stream_sid);
                        ClientEvent::Respond { instructions: None }.write(&mut buffer);
                        model.send(&buffer).await.ok()?;
                    }
                    Inbound::Media(media) => {
                        clock = media.timestamp_ms.unwrap();
                        ClientEvent::Append(&media.payload).write(&mut buffer);
                        model.send(&buffer).await.ok()?;
                    }
                    Inbound::Dtmf(digit) => bridge.keys.lock().push(digit.digit),
                    Inbound::Mark(mark) => bridge.marks.lock().push(mark.name.into_owned()),
                    Inbound::Stop(_) => {
                        bridge.stops.fetch_add(1, Ordering::Relaxed);
                    }
                    Inbound::Connected(_) | Inbound::Unknown(_) => {}
                }
            }
            event = events.next() => {
                let text = event.ok()??;
                match ServerEvent::read(&text) {
                    Ok(ServerEvent::AudioDelta(delta)) => {
                        if item.as_deref() != Some(&*delta.item_id) {
                            (item, began) = (Some(delta.item_id.to_string()), clock);
                        }
                        pen.media(&delta.audio, &mut buffer);
                        socket.send(Message::Text(buffer.as_str().into())).await.ok()?;
                        marks += 1;
                        pen.mark(&format!("m{marks}"), &mut buffer);
                        socket.send(Message::Text(buffer.as_str().into())).await.ok()?;
                        if bridge.drops.load(Ordering::Relaxed) > 0 {
                            return None;
                        }
                    }
                    Ok(ServerEvent::SpeechStarted { .. }) => {
                        pen.clear(&mut buffer);
                        socket.send(Message::Text(buffer.as_str().into())).await.ok()?;
                        if let Some(item) = item.take() {
                            let heard = ClientEvent::Truncate { item_id: &item, audio_end_ms: clock - began };
                            heard.write(&mut buffer);
                            model.send(&buffer).await.ok()?;
                        }
                    }
                    Ok(ServerEvent::FunctionCall(call)) => {
                        let output = Item::FunctionOutput { call_id: &call.call_id, output: "The link was sent." };
                        for event in [ClientEvent::Add(output), ClientEvent::Respond { instructions: None }] {
                            event.write(&mut buffer);
                            model.send(&buffer).await.ok()?;
                        }
                    }
                    Ok(ServerEvent::Unknown(_)) | Err(_) => {
                        bridge.unknown.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(_) => {}
                }
            }
        }
    }
}

/// What was said before, as it is brought into a new conversation.
pub(crate) fn before(text: &str) -> Item<'_> {
    Item::Message { role: Role::Assistant, text }
}
