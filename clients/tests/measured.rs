//! How long providers take and what came of it is measured for every request, whatever becomes of it.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up its server has failed")]

use std::time::Duration;

use clients::{
    http,
    twilio::{Config, Twilio},
};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Long enough for a loaded machine to connect to itself, short enough to wait for.
const PATIENCE: Duration = Duration::from_millis(500);

const PHONE: &str = "+4367712345678";

fn twilio(address: &str) -> Twilio {
    let config = Config {
        api_base: format!("http://{address}").parse().unwrap(),
        account_sid: "AC00000000000000000000000000000001".into(),
        auth_token: "token".into(),
    };
    Twilio::new(http::client(PATIENCE).unwrap(), config).unwrap()
}

/// Asks a server for messages that answers this, and then closes; none: that says nothing.
async fn ask(answer: Option<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let twilio = twilio(&listener.local_addr().unwrap().to_string());
    // What is not answered is held until the asking ends.
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).await.unwrap() > 0);
        if let Some(answer) = answer {
            stream.write_all(answer.as_bytes()).await.unwrap();
            return None;
        }
        Some(stream)
    };
    let (_, _held) = tokio::join!(twilio.list_messages(PHONE, PHONE, 1), serve);
}

/// What is counted while something is asked.
fn measured(asking: impl Future<Output = ()>) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    metrics::with_local_recorder(&recorder, || runtime.block_on(asking));
    handle.render()
}

/// Whether reading messages was counted once, with this outcome.
fn counted(text: &str, outcome: &str) -> bool {
    let says = [
        r#"provider="twilio""#.to_owned(),
        r#"operation="read_messages""#.to_owned(),
        format!(r#"outcome="{outcome}""#),
    ];
    let mut lines = text.lines().filter(|line| line.starts_with("provider_request_seconds_count{"));
    lines.any(|line| line.ends_with(" 1") && says.iter().all(|it| line.contains(it)))
}

#[test]
fn each_request_is_measured_once_by_what_came_of_it() {
    for (answer, outcome) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"messages\":[]}", "ok"),
        ("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", "refused"),
        ("HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", "rate_limited"),
        ("HTTP/1.1 502 Oh\r\nContent-Length: 0\r\n\r\n", "failed"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"messages\":", "failed"),
    ] {
        let text = measured(ask(Some(answer)));
        assert!(counted(&text, outcome), "{answer}: {text}");
        let series = text.lines().filter(|line| line.contains("_count{")).count();
        assert_eq!(series, 1, "{text}");
        assert!(!text.contains("43677") && !text.contains("AC0000"), "{text}");
    }
}

#[test]
fn who_does_not_answer_and_who_is_not_there_are_told_apart() {
    let silent = measured(ask(None));
    assert!(counted(&silent, "timed_out"), "{silent}");
    let gone = measured(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        twilio(&address).list_messages(PHONE, PHONE, 1).await.unwrap_err();
    });
    assert!(counted(&gone, "unreachable"), "{gone}");
}

#[test]
fn a_request_for_which_nobody_waits_any_more_is_measured_too() {
    let text = measured(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let twilio = twilio(&listener.local_addr().unwrap().to_string());
        let asking = twilio.list_messages(PHONE, PHONE, 1);
        tokio::select! {
            _ = asking => panic!("nobody has answered"),
            accepted = listener.accept() => drop(accepted.unwrap()),
        }
    });
    assert!(counted(&text, "given_up"), "{text}");
}
