//! Each message's way to the phone, and the webhooks about it.
//!
//! A journey is a list of steps with the same delay before each. Waiting journeys stand in one
//! queue, which therefore is in order of time by itself; only those that are telling somebody hold
//! a socket.

use std::{
    collections::VecDeque,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clients::{
    transport::{Departure, departure},
    twilio::{MessageStatus, signature},
};
use serde::Serialize;
use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, timeout_at},
};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};
use url::Url;

use super::{state::State, store::TEXTS_MAX, text::Text};

/// Webhooks under way at a time: enough to press on a server, few enough sockets to open.
const WEBHOOKS_MAX: usize = 16;

/// Twilio waits this long for a webhook's answer.
pub(super) const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(15);

/// How the webhooks about one message arrive. Twilio promises no order, and repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackOrder {
    /// `sent`, `delivered`.
    #[default]
    InOrder,
    /// `delivered`, `sent`.
    Shuffled,
    /// Each twice, the second time with the same idempotency token.
    Duplicated,
    /// None arrives. The message does.
    None,
}

impl CallbackOrder {
    /// Every order.
    pub const ALL: [Self; 4] = [Self::InOrder, Self::Shuffled, Self::Duplicated, Self::None];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InOrder => "in_order",
            Self::Shuffled => "shuffled",
            Self::Duplicated => "duplicated",
            Self::None => "none",
        }
    }

    /// What will happen to a message. There is no webhook for `queued`: the answer said that.
    pub(super) fn journey(
        self,
        sid: &str,
        fails: Option<u32>,
        mut token: impl FnMut() -> String,
    ) -> Journey {
        use MessageStatus::{Delivered, Sent, Undelivered};
        let last = if fails.is_some() { Undelivered } else { Delivered };
        let statuses = match self {
            Self::InOrder | Self::None => vec![Sent, last],
            Self::Shuffled => vec![last, Sent],
            Self::Duplicated => vec![Sent, Sent, last, last],
        };
        let (sent, delivered) = (token(), token());
        let token = |status| if status == Sent { sent.clone() } else { delivered.clone() };
        let told = self != Self::None;
        let step = |status: &MessageStatus| Step {
            status: *status,
            error_code: fails.filter(|_| *status == last),
            token: token(*status),
        };
        Journey { sid: sid.to_owned(), told, steps: statuses.iter().map(step).collect() }
    }
}

impl FromStr for CallbackOrder {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|order| order.as_str() == name).ok_or(())
    }
}

/// What is still to happen to one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Journey {
    sid: String,
    /// Whether webhooks tell of it.
    told: bool,
    steps: VecDeque<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    status: MessageStatus,
    error_code: Option<u32>,
    /// The same for every repetition of one webhook.
    token: String,
}

/// Where journeys begin.
#[derive(Clone)]
pub(super) struct Journeys {
    queue: mpsc::Sender<(Instant, Journey)>,
    under_way: Arc<AtomicUsize>,
}

/// Carries messages on.
pub(super) struct Carrier {
    queue: mpsc::Receiver<(Instant, Journey)>,
    http: reqwest::Client,
}

impl Journeys {
    pub(super) fn new(http: reqwest::Client) -> (Self, Carrier) {
        let (sender, queue) = mpsc::channel(TEXTS_MAX);
        (Self { queue: sender, under_way: Arc::default() }, Carrier { queue, http })
    }

    pub(super) fn start(&self, journey: Journey, delay: Duration) {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        self.resume(journey, delay);
    }

    /// How many messages have not reached their last step.
    pub(super) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::Acquire)
    }

    fn resume(&self, journey: Journey, delay: Duration) {
        if journey.steps.is_empty() {
            self.end();
        } else if self.queue.try_send((Instant::now() + delay, journey)).is_err() {
            warn!("the sandbox's Twilio forgets a message's callbacks: stopped, or too many wait");
            self.end();
        }
    }

    fn end(&self) {
        self.under_way.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Carrier {
    /// Works until the sandbox stops.
    pub(super) async fn run(mut self, state: Arc<State>) {
        let (room, tasks) = (Arc::new(Semaphore::new(WEBHOOKS_MAX)), TaskTracker::new());
        while let Some(Some((due, journey))) =
            state.stop.run_until_cancelled(self.queue.recv()).await
        {
            // Waiting for the time to come and for the stop is one thing.
            if timeout_at(due, state.stop.cancelled()).await.is_ok() {
                break;
            }
            let Ok(permit) = room.clone().acquire_owned().await else { break };
            let (state, http) = (state.clone(), self.http.clone());
            tasks.spawn(async move {
                let stop = state.stop.clone();
                stop.run_until_cancelled(walk(journey, &state, &http)).await;
                drop(permit);
            });
        }
        tasks.close();
        tasks.wait().await;
    }
}

/// One step of a journey.
async fn walk(mut journey: Journey, state: &State, http: &reqwest::Client) {
    if let Some(step) = journey.steps.pop_front() {
        match state.advance(&journey.sid, step.status, step.error_code) {
            Some(text) if journey.told => tell(&text, &step, state, http).await,
            Some(_) => {}
            None => journey.steps.clear(), // forgotten by a reset
        }
    }
    state.journeys.resume(journey, state.options.callback_delay);
    state.changed();
}

/// Tells the message's owner of a step, and once more if nobody could be reached: Twilio's default.
async fn tell(text: &Text, step: &Step, state: &State, http: &reqwest::Client) {
    let Some(configured) = &text.status_callback else { return };
    let mut url = configured.clone();
    url.set_fragment(None);
    let params = form(text, step, &state.options.account_sid);
    for _ in 0..2 {
        match post(&url, &params, step, state, http).await {
            Ok(status) => {
                debug!(sid = text.sid, status = status.as_u16(), "a status callback was answered");
                return;
            }
            Err(error) if departure(&error) == Departure::NotSent => {}
            Err(_) => break,
        }
    }
    warn!(sid = text.sid, status = step.status.as_str(), "a status callback was not delivered");
}

async fn post(
    url: &Url,
    params: &[(String, String)],
    step: &Step,
    state: &State,
    http: &reqwest::Client,
) -> Result<reqwest::StatusCode, reqwest::Error> {
    let signature = signature::sign(url.as_str(), params, &state.options.auth_token);
    let request = http
        .post(url.clone())
        .header("X-Twilio-Signature", signature)
        .header("I-Twilio-Idempotency-Token", &step.token)
        .form(params);
    request.send().await.map(|response| response.status())
}

fn form(text: &Text, step: &Step, account_sid: &str) -> Vec<(String, String)> {
    let status = step.status;
    let mut fields = vec![
        ("MessageSid", text.sid.as_str()),
        ("SmsSid", &text.sid),
        ("MessageStatus", status.as_str()),
        ("SmsStatus", status.as_str()),
        ("AccountSid", account_sid),
        ("From", &text.from),
        ("To", &text.to),
        ("ApiVersion", "2010-04-01"),
    ];
    // yyMMddHHmm, as carriers write it.
    let received = text.updated_at.format("%y%m%d%H%M").to_string();
    if status == MessageStatus::Delivered {
        fields.push(("RawDlrDoneDate", &received));
    }
    let error_code = step.error_code.map(|code| code.to_string());
    if let Some(code) = &error_code {
        fields.push(("ErrorCode", code));
    }
    fields.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(order: CallbackOrder) -> Vec<(&'static str, String)> {
        let mut count = 0;
        let journey = order.journey("SM1", None, || {
            count += 1;
            count.to_string()
        });
        journey.steps.into_iter().map(|step| (step.status.as_str(), step.token)).collect()
    }

    #[test]
    fn repetitions_carry_the_token_of_the_first() {
        let step = |status, token: &str| (status, token.to_owned());
        assert_eq!(
            steps(CallbackOrder::Duplicated),
            [step("sent", "1"), step("sent", "1"), step("delivered", "2"), step("delivered", "2")]
        );
        assert_eq!(steps(CallbackOrder::Shuffled), [step("delivered", "2"), step("sent", "1")]);
    }
}
