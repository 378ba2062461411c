//! The command line through a gateway that stands before the API: one that loses answers, breaks them off, or has had enough.

use std::{collections::VecDeque, io, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::stream;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tests::TestApi;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::commands::Terminal;
use crate::stage::Stage;

/// What is handed on of a request's head.
const CARRIED: [&str; 3] = ["authorization", "content-type", "idempotency-key"];

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// It is handed on, and the answer handed back.
    Passes,
    /// It is handed on, and nobody is said to be there.
    LosesTheAnswer,
    /// It is handed on, and of the answer only the beginning comes back.
    BreaksOff,
    /// It is refused for a second, as the API refuses whoever asks too often.
    HasEnough,
}

struct Gateway {
    url: String,
    inside: Arc<Inside>,
    _serving: AbortOnDropHandle<io::Result<()>>,
}

struct Inside {
    api: String,
    http: reqwest::Client,
    /// Of the next requests. Those after them pass.
    moods: Mutex<VecDeque<Mood>>,
}

impl Gateway {
    async fn before(api: &TestApi) -> Gateway {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inside = Arc::new(Inside {
            api: format!("http://{}", api.address()),
            http: clients::http::client(Duration::from_mins(1)).unwrap(),
            moods: Mutex::default(),
        });
        let router = Router::new().fallback(pass).with_state(Arc::clone(&inside));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        Gateway { url, inside, _serving: AbortOnDropHandle::new(serving) }
    }

    fn next(&self, moods: &[Mood]) {
        self.inside.moods.lock().extend(moods);
    }
}

async fn pass(State(inside): State<Arc<Inside>>, request: Request) -> Response {
    let mood = inside.moods.lock().pop_front().unwrap_or(Mood::Passes);
    if mood == Mood::HasEnough {
        return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response();
    }
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let url = format!("{}{}", inside.api, head.uri);
    let mut ask = inside.http.request(head.method, url).body(body);
    for name in CARRIED {
        if let Some(value) = head.headers.get(name) {
            ask = ask.header(name, value.clone());
        }
    }
    let answer = ask.send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    match mood {
        Mood::Passes | Mood::HasEnough => (status, text).into_response(),
        Mood::LosesTheAnswer => StatusCode::BAD_GATEWAY.into_response(),
        Mood::BreaksOff => {
            let pieces = [Ok(Bytes::from_static(b"{")), Err(io::Error::other("it broke off"))];
            (status, Body::from_stream(stream::iter(pieces))).into_response()
        }
    }
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_names_the_key_under_which_it_is_not_done_twice() {
    let stage = Stage::open().await;
    let terminal = Terminal { stage: &stage, key: tests::ADMIN_KEY };
    let gateway = Gateway::before(&stage.api).await;
    for mood in [Mood::LosesTheAnswer, Mood::BreaksOff] {
        gateway.next(&[mood]);
        let words = ["job", "enqueue", "--kind", "noop", "--reason", "r", "--url", &gateway.url];
        let (code, out, why) = terminal.run(&words).await;
        assert!(code == 7 && out.is_empty(), "{mood:?}: {code} {out} {why}");
        let (_, key) = why.split_once("send it again with --idempotency-key ").unwrap();
        let again = [&words[..], &["--idempotency-key", key.trim()]].concat();
        assert!(terminal.json(&again).await["id"].is_string(), "{mood:?}");
    }
    assert_eq!(stage.db.number("select from trunkline.jobs").await, 2);
    // One that reads has nothing to be done twice.
    gateway.next(&[Mood::LosesTheAnswer]);
    let (code, _, why) = terminal.run(&["job", "list", "--url", &gateway.url]).await;
    assert_eq!((code, why.as_str()), (7, "trunkline: 502 Bad Gateway\n"));
}

#[tokio::test]
async fn whoever_looks_again_and_again_goes_on_when_the_api_is_back() {
    let stage = Stage::open().await;
    let terminal = Terminal { stage: &stage, key: tests::ADMIN_KEY };
    let gateway = Gateway::before(&stage.api).await;
    let id = stage.noop().await;
    let cancel = ["job", "cancel", &id, "--mode", "graceful", "--reason", "r"];
    assert_eq!(terminal.run(&cancel).await.0, 0);
    gateway.next(&[Mood::LosesTheAnswer]);
    let words = ["job", "show", &id, "--watch=1", "--url", &gateway.url];
    let (code, out, why) = terminal.run(&words).await;
    assert!(code == 0 && out.contains("cancelled") && why.contains("502"), "{code} {out} {why}");
}

#[tokio::test]
async fn between_pages_the_command_line_waits_when_told_to_and_prints_what_it_has_read() {
    let stage = Stage::open().await;
    let terminal = Terminal { stage: &stage, key: tests::ADMIN_KEY };
    let gateway = Gateway::before(&stage.api).await;
    let mut tx = stage.begin().await;
    for _ in 0..205 {
        tx.enqueue(engine::NewJob::of_kind("noop", "try", json!({}))).await.unwrap();
    }
    tx.commit().await.unwrap();
    let list = ["job", "list", "--all", "--url", &gateway.url];
    let lines = [&list[..], &["-o", "jsonl"]].concat();
    gateway.next(&[Mood::Passes, Mood::HasEnough]);
    let (code, out, said) = terminal.run(&lines).await;
    assert_eq!((code, out.lines().count()), (0, 205), "{said}");
    assert!(said.contains("it goes on in 1 s"), "{said}");

    gateway.next(&[Mood::Passes, Mood::LosesTheAnswer]);
    let (code, out, said) = terminal.run(&lines).await;
    assert_eq!((code, out.lines().count()), (7, 100), "{said}");
    assert!(said.contains("not all: the first 100 were read"), "{said}");
    gateway.next(&[Mood::Passes, Mood::LosesTheAnswer]);
    let (code, out, _) = terminal.run(&[&list[..], &["-o", "json"]].concat()).await;
    let read: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, read["items"].as_array().unwrap().len()), (7, 100));
    assert!(read["next_cursor"].is_string(), "where it goes on");

    // Whoever has read nothing loses nothing, and is told at once.
    gateway.next(&[Mood::HasEnough]);
    let (code, out, _) = terminal.run(&lines).await;
    assert!(code == 6 && out.is_empty(), "{code} {out}");
}
