//! Our client, Twilio's own client and our stand-in for Twilio, each held against the others.

use std::time::Duration;

use clients::twilio::{Config, Error, NewMessage, Twilio};
use sandbox::twilio::{Handle, Options};
use serde_json::json;
use tests::{TWILIO_ACCOUNT, TWILIO_TOKEN};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use crate::{packages, partner::Partner, prism::Prism};

pub(crate) async fn sandbox() -> (Handle, DropGuard) {
    let stop = CancellationToken::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = Options::new(TWILIO_ACCOUNT, TWILIO_TOKEN);
    let (handle, serving) =
        sandbox::Twilio::serve(listener, options, stop.child_token()).await.unwrap();
    tokio::spawn(serving);
    (handle, stop.drop_guard())
}

pub(crate) fn our_client(api_base: &Url) -> Twilio {
    let http = clients::http::client(Duration::from_secs(30)).unwrap();
    let config = Config {
        api_base: api_base.clone(),
        account_sid: TWILIO_ACCOUNT.to_owned(),
        auth_token: TWILIO_TOKEN.into(),
    };
    Twilio::new(http, config).unwrap()
}

fn a_text(to: &str) -> NewMessage {
    NewMessage {
        to: to.to_owned(),
        from: "+15005550006".to_owned(),
        body: "Grüße 👋 & <mehr>".to_owned(),
        status_callback: Some("http://127.0.0.1:9/telephony/sms-status?sm=1".parse().unwrap()),
        validity_period_secs: Some(600),
    }
}

/// A violation would be a 422 of Prism's, and an answer of the sandbox that Twilio would not give a 500.
#[tokio::test]
async fn what_we_ask_and_what_the_sandbox_answers_is_as_twilio_describes_it() {
    let (twilio, _stop) = sandbox().await;
    let Some(prism) = Prism::in_front_of(twilio.base_url()).await else { return };
    let ours = our_client(prism.base());

    let sent = ours.send_message(&a_text("+4367712345678")).await.unwrap();
    let listed = ours.list_messages("+4367712345678", "+15005550006", 20).await.unwrap();
    assert_eq!(listed.first().map(|it| &it.sid), Some(&sent.sid));
    let refused = ours.send_message(&a_text("+15005550001")).await.unwrap_err();
    assert!(
        matches!(refused, Error::Rejected { status: 400, code: Some(21_211), .. }),
        "{refused}"
    );
    assert_eq!(twilio.messages_to("+4367712345678").len(), 1);

    // It would notice: a message to nobody does not get past it.
    let wrong = clients::http::client(Duration::from_secs(30)).unwrap();
    let url = format!("{}2010-04-01/Accounts/{TWILIO_ACCOUNT}/Messages.json", prism.base());
    let wrong = wrong.post(url).basic_auth(TWILIO_ACCOUNT, Some(TWILIO_TOKEN));
    let wrong = wrong.form(&[("Body", "to whom?")]).send().await.unwrap();
    assert_eq!(wrong.status(), 422);
    assert_eq!(twilio.messages().len(), 1);
}

#[tokio::test]
async fn twilios_own_client_takes_the_sandbox_for_twilio() {
    let Some(python) = packages::python("official").await else { return };
    let (twilio, _stop) = sandbox().await;
    let base = twilio.base_url().as_str().trim_end_matches('/');
    let mut theirs =
        Partner::start(&python, "twilio_client", &[base, TWILIO_ACCOUNT, TWILIO_TOKEN]);
    let send = |to: &str, body: &str| json!({ "do": "send", "to": to, "from": "+15005550006", "body": body });

    let text = theirs.ask(&send("+4367712345678", "Grüße 👋")).await;
    assert_eq!((&text["status"], &text["direction"]), (&json!("queued"), &json!("outbound-api")));
    let found = theirs.ask(&json!({ "do": "fetch", "sid": text["sid"] })).await;
    assert_eq!(found["body"], "Grüße 👋");
    for number in 0..25 {
        theirs.ask(&send("+4367712345679", &format!("text {number}"))).await;
    }
    let paged = json!({ "do": "list", "to": "+4367712345679", "page_size": 10 });
    assert_eq!(theirs.ask(&paged).await.as_array().unwrap().len(), 25, "it follows our pages");

    let refused = theirs.ask(&send("+15005550009", "x")).await;
    assert_eq!(refused, json!({ "status": 400, "code": 21_614 }));
    let nobody = theirs.ask(&json!({ "do": "fetch", "sid": format!("SM{:032x}", 7) })).await;
    assert_eq!(nobody, json!({ "status": 404, "code": 20_404 }));
}
