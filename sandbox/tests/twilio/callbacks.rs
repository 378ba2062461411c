use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    routing::post,
};
use clients::twilio::{
    MessageStatus, NewMessage, StatusCallback,
    signature::{Payload, verify},
};
use sandbox::twilio::CallbackOrder;
use tokio::{net::TcpListener, sync::mpsc, task::AbortHandle};
use url::Url;

use crate::harness::{ACCOUNT, ALICE, Sandbox, text, token};

/// One webhook as it arrived.
struct Hook {
    uri: String,
    signature: String,
    idempotency_token: String,
    params: Vec<(String, String)>,
}

/// Takes webhooks on a free port.
struct Receiver {
    base: Url,
    hooks: mpsc::UnboundedReceiver<Hook>,
    /// The most that were answered at the same time.
    crowd_max: Arc<AtomicUsize>,
    server: AbortHandle,
}

#[derive(Clone)]
struct Desk {
    hooks: mpsc::UnboundedSender<Hook>,
    crowd: Arc<AtomicUsize>,
    crowd_max: Arc<AtomicUsize>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn receive(
    State(desk): State<Desk>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let crowd = desk.crowd.fetch_add(1, Ordering::SeqCst) + 1;
    desk.crowd_max.fetch_max(crowd, Ordering::SeqCst);
    for _ in 0..10 {
        tokio::task::yield_now().await; // lets others in, if there are any
    }
    let header = |name| headers.get(name).unwrap().to_str().unwrap().to_owned();
    let hook = Hook {
        uri: uri.to_string(),
        signature: header("x-twilio-signature"),
        idempotency_token: header("i-twilio-idempotency-token"),
        params: form_urlencoded::parse(&body).into_owned().collect(),
    };
    desk.hooks.send(hook).unwrap();
    desk.crowd.fetch_sub(1, Ordering::SeqCst);
    StatusCode::NO_CONTENT
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let (sender, hooks) = mpsc::unbounded_channel();
        let crowd_max = Arc::default();
        let desk = Desk { hooks: sender, crowd: Arc::default(), crowd_max: Arc::clone(&crowd_max) };
        let app = Router::new().route("/sms-status", post(receive)).with_state(desk);
        let server = tokio::spawn(async { axum::serve(listener, app).await }).abort_handle();
        Self { base, hooks, crowd_max, server }
    }

    fn url(&self) -> Url {
        self.base.join("sms-status?sm=42&note=a%20b'c#rc=2&rp=all").unwrap()
    }

    fn text(&self, body: &str) -> NewMessage {
        NewMessage { status_callback: Some(self.url()), ..text(ALICE, body) }
    }

    /// What arrived up to now.
    fn arrived(&mut self) -> Vec<Hook> {
        std::iter::from_fn(|| self.hooks.try_recv().ok()).collect()
    }
}

/// The statuses of one message's webhooks, in the order of their arrival, each verified.
async fn hooks_in(order: CallbackOrder) -> Vec<(MessageStatus, String)> {
    let (sandbox, mut receiver) = (Sandbox::start().await, Receiver::start().await);
    sandbox.handle.set_callback_order(order);
    let sent = sandbox.twilio.send_message(&receiver.text("Grüße 👋")).await.unwrap();
    sandbox.until(|handle| handle.callbacks_pending() == 0).await;
    assert_eq!(sandbox.handle.messages()[0].status, MessageStatus::Delivered);

    let mut seen = Vec::new();
    for hook in receiver.arrived() {
        let configured = receiver.url().to_string();
        let payload = Payload::Form(&hook.params);
        assert!(verify(&configured, payload, &hook.signature, &[token()]));
        assert!(!verify(&configured, payload, &hook.signature, &["other".into()]));
        let path = configured.strip_prefix(receiver.base.as_str()).unwrap();
        assert_eq!(format!("{}#rc=2&rp=all", &hook.uri[1..]), path);

        let callback = StatusCallback::parse(&hook.params).unwrap();
        assert_eq!((&callback.message_sid, callback.account_sid.as_str()), (&sent.sid, ACCOUNT));
        assert_eq!(callback.to.as_deref(), Some(ALICE));
        seen.push((callback.status, hook.idempotency_token));
    }
    sandbox.stop().await;
    seen
}

fn statuses(hooks: &[(MessageStatus, String)]) -> Vec<&'static str> {
    hooks.iter().map(|(status, _)| status.as_str()).collect()
}

#[tokio::test]
async fn progress_is_reported_in_order_signed_as_twilio_signs() {
    let hooks = hooks_in(CallbackOrder::InOrder).await;
    assert_eq!(statuses(&hooks), ["sent", "delivered"]);
    assert_ne!(hooks[0].1, hooks[1].1);
}

#[tokio::test]
async fn progress_can_be_reported_out_of_order() {
    assert_eq!(statuses(&hooks_in(CallbackOrder::Shuffled).await), ["delivered", "sent"]);
}

#[tokio::test]
async fn a_repeated_report_carries_the_token_of_the_first() {
    let hooks = hooks_in(CallbackOrder::Duplicated).await;
    assert_eq!(statuses(&hooks), ["sent", "sent", "delivered", "delivered"]);
    assert_eq!(hooks[0].1, hooks[1].1);
    assert_eq!(hooks[2].1, hooks[3].1);
}

#[tokio::test]
async fn progress_can_go_unreported() {
    assert_eq!(statuses(&hooks_in(CallbackOrder::None).await), [""; 0]);
}

#[tokio::test]
async fn a_message_arrives_even_if_nobody_listens_for_its_reports() {
    let sandbox = Sandbox::start().await;
    let nobody = Receiver::start().await.url(); // dropped, and its port with it
    let message = NewMessage { status_callback: Some(nobody), ..text(ALICE, "x") };
    sandbox.twilio.send_message(&message).await.unwrap();
    sandbox.until(|handle| handle.callbacks_pending() == 0).await;
    assert_eq!(sandbox.handle.messages()[0].status, MessageStatus::Delivered);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_messages_are_reported_completely_through_few_connections() {
    const MESSAGES: usize = 300;
    let (sandbox, mut receiver) = (Sandbox::start().await, Receiver::start().await);
    for number in 0..MESSAGES {
        sandbox.twilio.send_message(&receiver.text(&number.to_string())).await.unwrap();
    }
    sandbox.until(|handle| handle.callbacks_pending() == 0).await;
    assert_eq!(receiver.arrived().len(), 2 * MESSAGES);
    assert!(receiver.crowd_max.load(Ordering::SeqCst) <= 16);
    sandbox.stop().await;
}

#[tokio::test]
async fn a_message_with_a_lost_reply_is_still_reported() {
    let (sandbox, mut receiver) = (Sandbox::start().await, Receiver::start().await);
    sandbox.handle.set_mood(sandbox::twilio::Mood::LosesReply);
    sandbox.twilio.send_message(&receiver.text("x")).await.unwrap_err();
    sandbox.until(|handle| handle.callbacks_pending() == 0).await;
    assert_eq!(receiver.arrived().len(), 2);
    sandbox.stop().await;
}
