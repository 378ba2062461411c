//! What a failed request is known to mean, learnt from real sockets.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up its server has failed")]

use std::time::Duration;

use clients::{
    http,
    transport::{Departure, departure},
    twilio::{Config, Error, NewMessage, Twilio},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::Url;

/// Long enough for a loaded machine to connect to itself, short enough to wait for.
const PATIENCE: Duration = Duration::from_millis(500);

async fn listener() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    (listener, url)
}

fn twilio(api_base: Url) -> Twilio {
    let config = Config {
        api_base,
        account_sid: "AC00000000000000000000000000000001".into(),
        auth_token: "token".into(),
    };
    Twilio::new(http::client(PATIENCE).unwrap(), config).unwrap()
}

fn hello() -> NewMessage {
    NewMessage {
        to: "+4367712345678".into(),
        from: "+15005550006".into(),
        body: "Code 123456".into(),
        status_callback: None,
        validity_period_secs: Some(600),
    }
}

/// Reads until the end of the request's head.
async fn head_read(stream: &mut TcpStream) -> String {
    let mut head = String::new();
    while !head.contains("\r\n\r\n") {
        let mut chunk = [0; 1024];
        let read = stream.read(&mut chunk).await.unwrap();
        assert!(read > 0, "closed early: {head}");
        head.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
    }
    head
}

/// Sends a message to a server that treats its one connection as it is told.
async fn send_to<F>(serve: impl FnOnce(TcpStream) -> F) -> Error
where
    F: Future<Output = ()>,
{
    let (listener, url) = listener().await;
    let server = async { serve(listener.accept().await.unwrap().0).await };
    let (twilio, message) = (twilio(url), hello());
    let (answer, ()) = tokio::join!(twilio.send_message(&message), server);
    answer.unwrap_err()
}

#[tokio::test]
async fn a_refused_connection_means_that_nothing_was_sent() {
    let (listener, url) = listener().await;
    drop(listener);
    let error = twilio(url.clone()).send_message(&hello()).await.unwrap_err();
    assert!(matches!(error, Error::NotSent(_)), "{error:?}");

    let error = http::client(PATIENCE).unwrap().get(url).send().await.unwrap_err();
    assert_eq!(departure(&error), Departure::NotSent);
}

#[tokio::test]
async fn a_failed_tls_handshake_means_that_nothing_was_sent() {
    let (listener, mut url) = listener().await;
    url.set_scheme("https").unwrap();
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"I speak no TLS\r\n\r\n").await.unwrap();
    };
    let (twilio, message) = (twilio(url), hello());
    let (answer, ()) = tokio::join!(twilio.send_message(&message), server);
    let error = answer.unwrap_err();
    assert!(matches!(error, Error::NotSent(_)), "{error:?}");
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_means_that_nobody_knows() {
    let error = send_to(|stream| async move { drop(stream) }).await;
    assert!(matches!(error, Error::Unknown(_)), "{error:?}");

    let error = send_to(|mut stream| async move {
        head_read(&mut stream).await;
    })
    .await;
    assert!(matches!(error, Error::Unknown(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_means_that_nobody_knows() {
    let (listener, url) = listener().await;
    let error = twilio(url).send_message(&hello()).await.unwrap_err(); // the backlog connects
    assert!(matches!(&error, Error::Unknown(source) if source.is_timeout()), "{error:?}");
    drop(listener);
}

#[tokio::test]
async fn an_accepting_answer_that_is_cut_off_is_unreadable_not_unknown() {
    let error = send_to(|mut stream| async move {
        head_read(&mut stream).await;
        let cut = b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"sid\":";
        stream.write_all(cut).await.unwrap();
    })
    .await;
    assert!(matches!(error, Error::Unreadable { status: 201 }), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let error = send_to(|mut stream| async move {
        head_read(&mut stream).await;
        let moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(moved).await.unwrap();
    })
    .await;
    assert!(matches!(error, Error::Unreadable { status: 302 }), "{error:?}");
}

#[tokio::test]
async fn no_error_shows_a_phone_a_text_or_a_url() {
    let (listener, url) = listener().await;
    drop(listener);
    let twilio = twilio(url);
    let sent = twilio.send_message(&hello()).await.unwrap_err();
    let listed = twilio.list_messages("+4367712345678", "+15005550006", 20).await.unwrap_err();
    let shown = format!("{sent} {sent:?} {listed} {listed:?}");
    for hidden in ["43677", "15005550006", "123456", "AC0000"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[test]
fn an_api_base_without_a_path_is_refused() {
    let config = Config {
        api_base: "mailto:someone@example.com".parse().unwrap(),
        account_sid: "AC1".into(),
        auth_token: "token".into(),
    };
    assert!(Twilio::new(http::client(PATIENCE).unwrap(), config).is_err());
}
