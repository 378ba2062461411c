//! From verb to verb.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use clients::twilio::twiml::{Connect, Dial, Record, RejectReason, Verb};
use tokio::{
    sync::mpsc,
    time::{timeout, timeout_at},
};

use super::{
    Deed, LiveCall, Oddity, Placement, Recording,
    forms::{self, Form},
    hand::Live,
    moment::What,
    person::Person,
    stream::{self, Closed},
};
use crate::{speech, twilio::state::State};

/// A call that asks more often how to go on goes in circles.
const DOCUMENTS_MAX: usize = 200;

/// What a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// How a call goes on.
enum Next {
    /// With the next verb.
    On,
    /// With another document.
    Document(Vec<Verb>),
    /// It is over, in Twilio's word.
    Over(&'static str),
}

/// Places a call; it goes on as a task of its own.
pub(in crate::twilio) fn place(
    state: &Arc<State>,
    base_url: &str,
    placement: Placement,
) -> LiveCall {
    let (live, todo) = Live::new(Arc::clone(state), base_url.to_owned(), placement);
    state.remember(&live);
    let task = Call { live: Arc::clone(&live), todo, person: None };
    state.live_tasks.spawn(task.run());
    LiveCall(live)
}

/// Waits until the caller hangs up, which they do when their patience is over.
async fn hung_up(live: &Live, patience: Duration) {
    // The time, or the end of the call, whichever comes first.
    let _ = timeout_at(live.placed + patience, live.over.cancelled()).await;
    live.end();
}

struct Call {
    live: Arc<Live>,
    todo: mpsc::Receiver<Deed>,
    /// The caller, from the first stream on.
    person: Option<Person>,
}

impl Call {
    async fn run(mut self) {
        let live = Arc::clone(&self.live);
        let patience = live.placement.patience / live.placement.speed.max(1);
        if let Recording::ToldBefore(url) = &live.placement.recording {
            self.tell_recording(url).await;
        }
        let status = {
            let mut talk = std::pin::pin!(self.talk());
            tokio::select! {
                biased;
                status = &mut talk => status,
                // Whoever hangs up still says goodbye.
                () = hung_up(&live, patience) => {
                    timeout(GOODBYE, talk).await.unwrap_or("completed")
                }
            }
        };
        self.end(status).await;
    }

    async fn end(&self, status: &'static str) {
        let live = &self.live;
        let now = live.state.now();
        let secs = live.placed.elapsed().as_secs() * u64::from(live.placement.speed);
        if let Some(url) = &live.placement.status_url {
            live.tell(url, &forms::of_end(live, status, secs, now)).await;
        }
        if let Recording::ToldAfter(url) = &live.placement.recording {
            self.tell_recording(url).await;
        }
        live.keep(What::Ended { status });
        live.write(|story| story.status = status);
        live.state.changed();
    }

    async fn tell_recording(&self, url: &str) {
        let sid = self.live.state.new_sid("RE");
        let form = forms::of_recording(&self.live, &sid, 7, self.live.state.now());
        self.live.tell(url, &form).await;
    }

    /// From the first webhook to the last verb.
    async fn talk(&mut self) -> &'static str {
        let live = Arc::clone(&self.live);
        let form = forms::of_call(&live, "ringing");
        let token = live.state.new_sid("");
        let Some((first, mut verbs)) = live.ask(&live.placement.url, &form, &token).await else {
            return "failed";
        };
        if live.placement.oddity == Oddity::PostsTwice {
            let again = live.ask(&live.placement.url, &form, &token).await;
            live.keep(What::Repeated { alike: again.is_some_and(|(second, _)| second == first) });
        }
        for _ in 0..DOCUMENTS_MAX {
            match self.document(verbs).await {
                Next::On => return "completed",
                Next::Over(status) => return status,
                Next::Document(next) => verbs = next,
            }
        }
        "failed"
    }

    async fn document(&mut self, verbs: Vec<Verb>) -> Next {
        let mut verbs = VecDeque::from(verbs);
        while let Some(verb) = verbs.pop_front() {
            if self.live.over.is_cancelled() {
                return Next::Over("completed");
            }
            if self.live.status() == "ringing" && !matches!(verb, Verb::Reject { .. }) {
                self.live.write(|story| story.status = "in-progress");
            }
            match self.verb(verb).await {
                Next::On => {}
                next @ (Next::Document(_) | Next::Over(_)) => return next,
            }
        }
        Next::On
    }

    async fn verb(&mut self, verb: Verb) -> Next {
        match verb {
            Verb::Say { text, .. } => {
                let millis = speech::millis(&text, self.live.placement.chars_per_sec);
                self.pass(Duration::from_millis(millis)).await;
                self.live.keep(What::Announced { text });
                Next::On
            }
            Verb::Pause { secs } => {
                self.pass(Duration::from_secs(secs.into())).await;
                Next::On
            }
            Verb::Redirect { url } => self.go(&url, &self.form("in-progress")).await,
            Verb::Connect(connect) => self.connect(connect).await,
            Verb::Dial(dial) => self.dial(dial).await,
            Verb::Record(record) => self.record(record).await,
            Verb::Hangup => Next::Over("completed"),
            Verb::Reject { reason: RejectReason::Busy } => Next::Over("busy"),
            Verb::Reject { reason: RejectReason::Rejected } => Next::Over("no-answer"),
            // In a call there is nobody to text.
            Verb::Message { .. } => Next::On,
        }
    }

    /// So much of the call's time goes by.
    async fn pass(&self, time: Duration) {
        let time = time / self.live.placement.speed.max(1);
        // The time, or the end of the call, whichever comes first.
        let _ = timeout(time, self.live.over.cancelled()).await;
    }

    fn form(&self, status: &str) -> Form {
        forms::of_call(&self.live, status)
    }

    /// Asks an address, which may be relative, how to go on.
    async fn go(&self, url: &str, form: &Form) -> Next {
        let base = url::Url::parse(&self.live.placement.url).ok();
        let url = match base.and_then(|base| base.join(url).ok()) {
            // What is absolute is signed as it was told, byte for byte.
            _ if url.contains("://") => url.to_owned(),
            Some(joined) => joined.into(),
            None => return Next::Over("failed"),
        };
        let token = self.live.state.new_sid("");
        match self.live.ask(&url, form, &token).await {
            Some((_, verbs)) => Next::Document(verbs),
            // Twilio says "an application error has occurred" and hangs up.
            None => Next::Over("failed"),
        }
    }

    async fn connect(&mut self, connect: Connect) -> Next {
        let live = Arc::clone(&self.live);
        let placement = &live.placement;
        let person = self.person.get_or_insert_with(|| {
            let stays = placement.script.is_empty();
            Person::new(placement.script.clone(), placement.chars_per_sec, stays)
        });
        person.reconnect();
        let closed = stream::hold(&live, &connect.stream, person, &mut self.todo).await;
        live.keep(What::StreamClosed { by: closed.as_str() });
        match (closed, connect.action) {
            (Closed::Caller, _) => Next::Over("completed"),
            (Closed::Server | Closed::Lost | Closed::Protocol | Closed::Never, Some(action)) => {
                self.go(&action, &self.form("in-progress")).await
            }
            (Closed::Server | Closed::Lost | Closed::Protocol | Closed::Never, None) => Next::On,
        }
    }

    /// Somebody else's phone rings.
    async fn dial(&self, dial: Dial) -> Next {
        let status = self.live.placement.dialled;
        self.pass(Duration::from_secs(3)).await;
        self.live.keep(What::Dialled { status });
        let Some(action) = dial.action else { return Next::On };
        let mut form = self.form("in-progress");
        form.push(("DialCallStatus".to_owned(), status.to_owned()));
        form.push(("DialCallSid".to_owned(), self.live.state.new_sid("CA")));
        if status == "completed" {
            form.push(("DialCallDuration".to_owned(), "3".to_owned()));
        }
        self.go(&action, &form).await
    }

    /// The caller leaves a message.
    async fn record(&self, record: Record) -> Next {
        let secs = record.max_secs.unwrap_or(3_600).min(5);
        self.pass(Duration::from_secs(secs.into())).await;
        self.live.keep(What::Recorded);
        let sid = self.live.state.new_sid("RE");
        let told = forms::of_recording(&self.live, &sid, secs.into(), self.live.state.now());
        if let Some(url) = &record.status_callback {
            self.live.tell(url, &told).await;
        }
        let Some(action) = record.action else { return Next::On };
        let mut form = self.form("in-progress");
        let wanted = ["RecordingSid", "RecordingUrl", "RecordingDuration"];
        form.extend(told.into_iter().filter(|(key, _)| wanted.contains(&key.as_str())));
        self.go(&action, &form).await
    }
}
