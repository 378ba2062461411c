//! All objects. Instants are Unix seconds, amounts are cents.

use std::collections::BTreeMap;

use rand::{RngExt, rngs::StdRng};
use serde::Serialize;

use super::{
    events::Event,
    keys::Keys,
    mood::Mood,
    render::Shape,
    shelf::{Named, Shelf},
    webhooks::Order,
};
use crate::{clock::Clock, spell::Spell, traffic::Paths};

pub(super) type Metadata = BTreeMap<String, String>;

#[derive(Clone, Debug)]
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) payment_method: Option<String>,
    pub(super) created: i64,
    pub(super) deleted: bool,
    pub(super) livemode: bool,
    pub(super) metadata: Metadata,
}

#[derive(Clone, Debug)]
pub(super) struct Price {
    pub(super) id: String,
    pub(super) product: String,
    pub(super) unit_amount_cents: i64,
    pub(super) currency: String,
    pub(super) created: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Product {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created: i64,
}

/// A subscription as the sandbox keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// `sub_…`.
    pub id: String,
    /// `cus_…`.
    pub customer: String,
    /// Stripe's word.
    pub status: String,
    /// Its one line, `si_…`.
    pub item: String,
    /// `price_…`.
    pub price: String,
    /// How many.
    pub quantity: i64,
    /// When it was made.
    pub created: i64,
    /// When it ended.
    pub canceled_at: Option<i64>,
    /// Whether it ends with its period.
    pub cancel_at_period_end: bool,
    /// When its trial ends.
    pub trial_end: Option<i64>,
    /// The period that runs.
    pub current_period_start: i64,
    /// Its end.
    pub current_period_end: i64,
    /// Real money, or a test.
    pub livemode: bool,
    /// Its newest invoice.
    pub latest_invoice: Option<String>,
    /// What it was given.
    pub metadata: BTreeMap<String, String>,
}

#[derive(Clone, Debug)]
pub(super) struct Invoice {
    pub(super) id: String,
    pub(super) customer: String,
    pub(super) subscription: String,
    pub(super) status: &'static str,
    pub(super) amount_cents: i64,
    pub(super) charge: Option<String>,
    pub(super) created: i64,
}

/// Money that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Charge {
    /// `ch_…`.
    pub id: String,
    /// `pi_…`.
    pub payment_intent: String,
    /// From whom.
    pub customer: String,
    /// For what.
    pub invoice: String,
    /// How much, in cents.
    pub amount: i64,
    /// Whether it was given back.
    pub refunded: bool,
    /// When.
    pub created: i64,
}

/// Usage that was reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Usage {
    pub(super) identifier: String,
    pub(super) event_name: String,
    pub(super) customer: String,
    pub(super) value: i64,
    pub(super) timestamp: i64,
    /// When it was heard.
    pub(super) told_at: i64,
}

macro_rules! named {
    ($($kind:ty),+) => { $( impl Named for $kind { fn id(&self) -> &str { &self.id } } )+ };
}

named!(Customer, Price, Product, Subscription, Invoice, Charge, Event);

pub(super) struct Memory {
    pub(super) livemode: bool,
    pub(super) customers: Shelf<Customer>,
    pub(super) products: Shelf<Product>,
    pub(super) prices: Shelf<Price>,
    pub(super) subscriptions: Shelf<Subscription>,
    pub(super) invoices: Shelf<Invoice>,
    pub(super) charges: Shelf<Charge>,
    pub(super) events: Shelf<Event>,
    pub(super) usage: Vec<Usage>,
    pub(super) keys: Keys,
    pub(super) spell: Spell<Mood>,
    pub(super) shape: Option<Shape>,
    pub(super) order: Order,
    pub(super) paths: Paths,
    pub(super) clock: Clock,
    pub(super) random: StdRng,
    /// Events that nobody was told yet.
    pub(super) untold: Vec<String>,
    /// Events are on their way.
    pub(super) telling: bool,
}

impl Memory {
    pub(super) fn empty(livemode: bool, random: StdRng) -> Self {
        Self {
            livemode,
            customers: Shelf::default(),
            products: Shelf::default(),
            prices: Shelf::default(),
            subscriptions: Shelf::default(),
            invoices: Shelf::default(),
            charges: Shelf::default(),
            events: Shelf::default(),
            usage: Vec::new(),
            keys: Keys::default(),
            spell: Spell::default(),
            shape: None,
            order: Order::default(),
            paths: Paths::default(),
            clock: Clock::default(),
            random,
            untold: Vec::new(),
            telling: false,
        }
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now().timestamp()
    }

    /// A new name, such as `sub_1a2b…`.
    pub(super) fn mint(&mut self, prefix: &str) -> String {
        format!("{prefix}_{:024x}", self.random.random::<u128>() >> 32)
    }
}
