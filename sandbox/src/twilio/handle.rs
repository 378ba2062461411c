//! The same control, typed, for the same process.

use std::{collections::BTreeMap, fmt, sync::Arc};

use chrono::TimeDelta;
use url::Url;

use super::{
    call::{Call, Callee},
    callbacks::CallbackOrder,
    inbound::{self, Inbound, InboundAnswer},
    live::{self, LiveCall, Placement},
    mood::Spell,
    number::{Change, Number},
    state::State,
    store::TEXTS_MAX,
    text::Text,
    traffic::Traffic,
};

/// A running sandbox. Cheap to clone; outlives the server harmlessly.
#[derive(Clone)]
pub struct Handle {
    pub(super) state: Arc<State>,
    pub(super) base_url: Url,
}

impl Handle {
    /// Where it listens: what `TWILIO_API_BASE` is set to.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// How requests are treated from now on. A [`Mood`](super::Mood) alone is a spell without end.
    pub fn set_mood(&self, spell: impl Into<Spell>) {
        self.state.set_spell(spell.into());
    }

    /// How callbacks of messages that are accepted from now on arrive.
    pub fn set_callback_order(&self, order: CallbackOrder) {
        self.state.set_order(order);
    }

    /// The person no longer wants texts: 21610 from now on.
    pub fn opt_out(&self, phone: impl Into<String>) {
        self.state.opt_out(phone.into());
    }

    /// A person writes a text: Twilio posts it to the webhook.
    ///
    /// # Errors
    ///
    /// When nobody answers there.
    pub async fn receive(&self, inbound: Inbound) -> Result<InboundAnswer, reqwest::Error> {
        inbound::deliver(&self.state, inbound).await
    }

    /// A person calls one of our numbers.
    pub fn place_call(&self, placement: Placement) -> LiveCall {
        live::place(&self.state, self.base_url.as_str(), placement)
    }

    /// How calls end from now on.
    pub fn set_callee(&self, callee: Callee) {
        self.state.set_callee(callee);
    }

    /// Calls that were placed, newest first.
    pub fn calls(&self) -> Vec<Call> {
        self.state.calls()
    }

    /// How messages that are accepted from now on end, by a phone: with this error instead of at the phone.
    pub fn set_undeliverable(&self, phone: impl Into<String>, error_code: u32) {
        self.state.set_undeliverable(phone.into(), error_code);
    }

    /// Moves Twilio's clock ahead of the wall's, for tests that have moved the database's.
    pub fn set_clock_ahead(&self, ahead: TimeDelta) {
        self.state.set_clock_ahead(ahead);
    }

    /// Messages to one phone, newest first.
    pub fn messages_to(&self, phone: &str) -> Vec<Text> {
        self.state.texts(|text| text.to == phone, 0, TEXTS_MAX).0
    }

    /// All messages, newest first.
    pub fn messages(&self) -> Vec<Text> {
        self.state.texts(|_| true, 0, TEXTS_MAX).0
    }

    /// The account's numbers, oldest first.
    pub fn numbers(&self) -> Vec<Number> {
        self.state.owned()
    }

    /// Something was recorded: it is kept under this name until it is deleted.
    pub fn keep_recording(&self, sid: impl Into<String>) {
        self.state.keep_recording(sid.into());
    }

    /// Recordings that are kept, by their names.
    pub fn recordings(&self) -> Vec<String> {
        self.state.recordings()
    }

    /// So many of the next purchases come too late: 21422.
    pub fn take_next_numbers(&self, count: u32) {
        self.state.market(|market| market.take_next(count));
    }

    /// The next purchase is made and answered with 500, and so many lists do not show it yet.
    pub fn fail_next_purchase(&self, lists_late: u32) {
        self.state.market(|market| market.fail_next(lists_late));
    }

    /// Somebody changes a number by hand: where its calls go.
    pub fn divert_number(&self, sid: &str, voice_url: &str) {
        let change = Change { voice_url: Some(voice_url.to_owned()), ..Change::default() };
        self.state.configure(sid, change, "/_sandbox/numbers");
    }

    /// Somebody gives a number back by hand.
    pub fn lose_number(&self, sid: &str) {
        self.state.give_back(sid, "/_sandbox/numbers");
    }

    /// Requests and effects by route. The sandbox's own endpoints do not count.
    pub fn requests(&self) -> BTreeMap<String, Traffic> {
        self.state.paths()
    }

    /// All API requests that arrived, however they ended.
    pub fn requests_total(&self) -> u64 {
        self.state.paths().values().map(|traffic| traffic.requests).sum()
    }

    /// Messages whose last status has not been reached and told.
    pub fn callbacks_pending(&self) -> usize {
        self.state.journeys.under_way()
    }

    /// Forgets messages, moods, opt-outs and counts. The ledger's file stays as it is.
    pub fn reset(&self) {
        self.state.reset();
    }

    /// Waits until `look` finds what it looks for; it is asked again after every change here.
    pub async fn until<T>(&self, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let mut changes = self.state.changes();
        loop {
            changes.mark_unchanged();
            if let Some(found) = look(self) {
                return found;
            }
            if changes.changed().await.is_err() {
                // The sender lives in the state that this handle holds.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("base_url", &self.base_url.as_str()).finish_non_exhaustive()
    }
}
