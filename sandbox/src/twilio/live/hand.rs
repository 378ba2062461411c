//! A call in somebody's hand.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Deed, Placement,
    moment::{Story, What},
};
use crate::twilio::state::State;

/// Deeds that wait to be done.
const DEEDS_MAX: usize = 1_000;

/// What the call's task and everybody else share.
pub(in crate::twilio) struct Live {
    pub(in crate::twilio) sid: String,
    pub(super) account_sid: String,
    pub(super) base_url: String,
    pub(super) placement: Placement,
    pub(super) state: Arc<State>,
    pub(super) placed: Instant,
    pub(in crate::twilio) placed_at: DateTime<Utc>,
    /// The call is over: the caller hung up, or the API ended it.
    pub(super) over: CancellationToken,
    deeds: mpsc::Sender<Deed>,
    story: Mutex<Story>,
    changes: watch::Sender<u64>,
}

impl Live {
    pub(super) fn new(
        state: Arc<State>,
        base_url: String,
        placement: Placement,
    ) -> (Arc<Self>, mpsc::Receiver<Deed>) {
        let sid = placement.sid.clone().unwrap_or_else(|| state.new_sid("CA"));
        let story = Story { sid: sid.clone(), status: "ringing", ..Story::default() };
        let (deeds, todo) = mpsc::channel(DEEDS_MAX);
        let live = Self {
            sid,
            account_sid: state.options.account_sid.clone(),
            base_url,
            placement,
            over: state.stop.child_token(),
            placed_at: state.now(),
            state,
            placed: Instant::now(),
            deeds,
            story: Mutex::new(story),
            changes: watch::Sender::new(0),
        };
        (Arc::new(live), todo)
    }

    pub(super) fn keep(&self, what: What) {
        let at_ms = self.placed.elapsed().as_secs_f64() * 1_000.0;
        self.write(|story| story.keep(at_ms, what));
    }

    /// Changes what is told of the call, and wakes those who wait for it.
    pub(super) fn write(&self, act: impl FnOnce(&mut Story)) {
        self.measure(act);
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Changes what nobody waits for.
    pub(super) fn measure(&self, act: impl FnOnce(&mut Story)) {
        act(&mut self.story.lock());
    }

    pub(in crate::twilio) fn story(&self) -> Story {
        self.story.lock().clone()
    }

    pub(in crate::twilio) fn status(&self) -> &'static str {
        self.story.lock().status
    }

    /// The caller does this when the script is over. Whether there is room.
    pub(in crate::twilio) fn then(&self, deed: Deed) -> bool {
        self.deeds.try_send(deed).is_ok()
    }

    /// Ends the call as if the caller hung up.
    pub(in crate::twilio) fn end(&self) {
        self.over.cancel();
    }

    pub(in crate::twilio) fn from(&self) -> &str {
        &self.placement.from
    }

    pub(in crate::twilio) fn to(&self) -> &str {
        &self.placement.to
    }
}

/// A call that was placed. Cheap to clone; dropping it does not end the call.
#[derive(Clone)]
pub struct LiveCall(pub(super) Arc<Live>);

impl LiveCall {
    /// `CA` and 32 hex digits.
    pub fn sid(&self) -> &str {
        &self.0.sid
    }

    /// What has happened so far.
    pub fn story(&self) -> Story {
        self.0.story()
    }

    /// The caller does this when the script is over. Whether there is room.
    pub fn then(&self, deed: Deed) -> bool {
        self.0.then(deed)
    }

    /// The caller hangs up, now.
    pub fn hang_up(&self) {
        self.0.end();
    }

    /// Waits until `look` finds what it looks for in the call's story; it is asked again after everything that happens.
    pub async fn until<T>(&self, mut look: impl FnMut(&Story) -> Option<T>) -> T {
        let mut changes = self.0.changes.subscribe();
        loop {
            changes.mark_unchanged();
            let found = look(&self.0.story.lock());
            if let Some(found) = found {
                return found;
            }
            if changes.changed().await.is_err() {
                // The sender lives in what this handle holds.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits for the end of the call.
    pub async fn ended(&self) -> Story {
        self.until(|story| story.is_over().then(|| story.clone())).await
    }
}

impl fmt::Debug for LiveCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveCall").field("sid", &self.0.sid).finish_non_exhaustive()
    }
}
