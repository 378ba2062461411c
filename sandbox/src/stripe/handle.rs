//! The same control, typed, for the same process.

use std::{collections::BTreeMap, fmt, sync::Arc};

use chrono::TimeDelta;
use url::Url;

use super::{
    drift::Drift,
    events::Event,
    memory::{Charge, Subscription},
    mood::Mood,
    render::Shape,
    state::State,
    webhooks::Order,
};
use crate::{spell::Spell, traffic::Traffic};

/// A running sandbox. Cheap to clone; outlives the server harmlessly.
#[derive(Clone)]
pub struct Handle {
    pub(super) state: Arc<State>,
    pub(super) base_url: Url,
}

impl Handle {
    /// Where it listens: what `STRIPE_API_BASE` is set to.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// How requests are treated from now on. A [`Mood`] alone is a spell without end.
    pub fn set_mood(&self, spell: impl Into<Spell<Mood>>) {
        self.state.change(|memory| memory.spell = spell.into());
    }

    /// Where events are posted from now on.
    pub fn set_webhook(&self, url: Option<Url>) {
        self.state.set_endpoint(url);
    }

    /// How events arrive from now on.
    pub fn set_order(&self, order: Order) {
        self.state.change(|memory| memory.order = order);
    }

    /// In which shape objects are written from now on, whatever version was asked for.
    pub fn set_shape(&self, shape: Option<Shape>) {
        self.state.change(|memory| memory.shape = shape);
    }

    /// Moves Stripe's clock ahead of the wall's, for tests that have moved the database's.
    pub fn set_clock_ahead(&self, ahead: TimeDelta) {
        self.state.change(|memory| memory.clock.ahead = ahead);
    }

    /// A price under a name of the caller's.
    pub fn put_price(&self, id: &str, unit_amount_cents: i64) {
        self.state.change(|memory| memory.put_price(id, unit_amount_cents));
    }

    /// So many customers with a subscription each, made so long ago.
    pub fn seed(&self, count: u64, price: &str, age: TimeDelta) {
        self.state.change(|memory| memory.seed(count, price, age.num_seconds()));
    }

    /// Changes a subscription without telling. False: there is none.
    pub fn drift(&self, id: &str, drift: Drift) -> bool {
        self.state.change(|memory| memory.drift(id, drift))
    }

    /// Every so-many-th subscription drifts; says how many did.
    pub fn drift_every(&self, nth: usize, price: &str) -> usize {
        self.state.change(|memory| memory.drift_every(nth, price))
    }

    /// All subscriptions, oldest first.
    pub fn subscriptions(&self) -> Vec<Subscription> {
        self.state.read(|memory| memory.subscriptions.iter().cloned().collect())
    }

    /// Money that was taken, oldest first.
    pub fn charges(&self) -> Vec<Charge> {
        self.state.read(|memory| memory.charges.iter().cloned().collect())
    }

    /// Customers that are not deleted, by id.
    pub fn customers(&self) -> Vec<String> {
        let there = |memory: &super::memory::Memory| {
            let there = memory.customers.iter().filter(|it| !it.deleted);
            there.map(|it| it.id.clone()).collect()
        };
        self.state.read(there)
    }

    /// What was used, by identifier; one that was forgotten and counted again has the sum.
    pub fn usage(&self) -> BTreeMap<String, i64> {
        self.state.read(|memory| {
            let mut usage = BTreeMap::new();
            for it in &memory.usage {
                *usage.entry(it.identifier.clone()).or_default() += it.value;
            }
            usage
        })
    }

    /// Everything that has happened, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.state.read(|memory| memory.events.iter().cloned().collect())
    }

    /// Whether events are on their way.
    pub fn is_telling(&self) -> bool {
        self.state.endpoint().is_some()
            && self.state.read(|memory| memory.telling || !memory.untold.is_empty())
    }

    /// Requests and effects by route. The sandbox's own endpoints do not count.
    pub fn requests(&self) -> BTreeMap<String, Traffic> {
        self.state.read(|memory| memory.paths.snapshot())
    }

    /// All API requests that arrived, however they ended.
    pub fn requests_total(&self) -> u64 {
        self.requests().values().map(|traffic| traffic.requests).sum()
    }

    /// Forgets everything but whose account it is.
    pub fn reset(&self) {
        self.state.reset();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("base_url", &self.base_url.as_str()).finish_non_exhaustive()
    }
}
