//! OpenAI's own client and ours, each held against our stand-in for OpenAI.

use std::time::Duration;

use clients::openai::{Config, OpenAi, Role, Turn};
use sandbox::{
    openai::{Handle, Options},
    twilio::Mood,
};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{packages, partner::Partner};

const KEY: &str = "sk-of-the-peers";

async fn sandbox() -> (Handle, DropGuard) {
    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (handle, serving) =
        sandbox::OpenAi::serve(listener, Options::new(KEY), stop.child_token()).unwrap();
    tokio::spawn(serving);
    (handle, stop.drop_guard())
}

#[tokio::test]
async fn openais_own_client_takes_the_sandbox_for_openai() {
    let Some(python) = packages::python("openai").await else { return };
    let (model, _stop) = sandbox().await;
    let mut theirs = Partner::start(&python, "openai_client", &[&model.api_base(), KEY]);
    let ask = json!({ "do": "ask", "model": "gpt-4.1-mini", "text": "Grüße 👋" });

    let answer = theirs.ask(&ask).await;
    assert_eq!(answer["text"], "You said: Grüße 👋");
    assert_eq!((&answer["object"], &answer["finish"]), (&json!("chat.completion"), &json!("stop")));
    assert_eq!(answer["tokens"], 6);

    for (mood, status) in [(Mood::RateLimited, 429), (Mood::ServerError, 500)] {
        model.set_mood(mood);
        assert_eq!(theirs.ask(&ask).await, json!({ "status": status }));
    }
    for mood in [Mood::Down, Mood::LosesReply] {
        model.set_mood(mood);
        assert_eq!(theirs.ask(&ask).await, json!({ "status": null }), "{mood:?}");
    }
    model.set_mood(Mood::Accepts);
    let empty = json!({ "do": "ask", "model": "gpt-4.1-mini", "text": null });
    assert_eq!(theirs.ask(&empty).await, json!({ "status": 400 }));
}

#[tokio::test]
async fn what_their_client_reads_ours_reads_alike() {
    let (model, _stop) = sandbox().await;
    model.set_answer(Some("Ja, bis 18 Uhr."));
    let http = clients::http::client(Duration::from_secs(30)).unwrap();
    let config = Config {
        base_url: model.api_base().parse().unwrap(),
        api_key: KEY.into(),
        model: "gpt-4.1-mini".to_owned(),
    };
    let turn = |role, text: &str| Turn { role, text: text.to_owned() };
    let turns = vec![turn(Role::Instruction, "Be kind."), turn(Role::Person, "Offen?")];
    let ours = OpenAi::new(http, &config).answer(turns, 100).await.unwrap();
    assert_eq!(ours, "Ja, bis 18 Uhr.");
    let asked = model.completions();
    let roles: Vec<_> = asked[0].messages.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(roles, ["system", "user"]);
}
