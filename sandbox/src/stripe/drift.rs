//! What happens at Stripe without our hearing of it, and subscriptions that were always there.

use serde::Deserialize;

use super::{
    memory::{Customer, Memory, Price, Subscription},
    subscriptions::a_month_after,
};

/// New values of one subscription; what is not named stays. No event tells of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Stripe's word.
    pub status: Option<String>,
    /// `price_…`.
    pub price: Option<String>,
    /// How many.
    pub quantity: Option<i64>,
    /// Unix seconds.
    pub current_period_end: Option<i64>,
    /// Ends with the period.
    pub cancel_at_period_end: Option<bool>,
    /// Unix seconds.
    pub trial_end: Option<i64>,
    /// Real money.
    pub livemode: Option<bool>,
    /// Whose.
    pub customer: Option<String>,
}

impl Drift {
    fn apply(self, it: &mut Subscription) {
        fn set<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        set(&mut it.status, self.status);
        set(&mut it.price, self.price);
        set(&mut it.quantity, self.quantity);
        set(&mut it.current_period_end, self.current_period_end);
        set(&mut it.cancel_at_period_end, self.cancel_at_period_end);
        set(&mut it.livemode, self.livemode);
        set(&mut it.customer, self.customer);
        it.trial_end = self.trial_end.or(it.trial_end);
    }
}

/// The names of the n-th seeded customer and subscription, and the tenant that they say they are of.
pub(super) fn names_of(n: u64) -> (String, String, String) {
    let tenant = format!("00000000-0000-7000-8000-{n:012x}");
    (format!("cus_seed{n:010}"), format!("sub_seed{n:010}"), tenant)
}

impl Memory {
    /// A price under a name of the caller's.
    pub(super) fn put_price(&mut self, id: &str, unit_amount_cents: i64) {
        let created = self.now();
        self.prices.put(Price {
            id: id.to_owned(),
            product: "prod_seed".to_owned(),
            unit_amount_cents,
            currency: "eur".to_owned(),
            created,
        });
    }

    /// So many customers with a subscription each, made `age_secs` ago, of which no event tells.
    pub(super) fn seed(&mut self, count: u64, price: &str, age_secs: i64) {
        let created = self.now() - age_secs;
        for n in 1..=count {
            let (customer, subscription, tenant) = names_of(n);
            let metadata = [("tenant_id".to_owned(), tenant)].into();
            self.customers.put(Customer {
                id: customer.clone(),
                name: None,
                email: None,
                payment_method: Some("pm_card_visa".to_owned()),
                created,
                deleted: false,
                livemode: self.livemode,
                metadata: Clone::clone(&metadata),
            });
            self.subscriptions.put(Subscription {
                id: subscription,
                customer,
                status: "active".to_owned(),
                item: format!("si_seed{n:010}"),
                price: price.to_owned(),
                quantity: 1,
                created,
                canceled_at: None,
                cancel_at_period_end: false,
                trial_end: None,
                current_period_start: created,
                current_period_end: a_month_after(created),
                livemode: self.livemode,
                latest_invoice: None,
                metadata,
            });
        }
    }

    /// Changes a subscription behind our back. False: there is none.
    pub(super) fn drift(&mut self, id: &str, drift: Drift) -> bool {
        self.subscriptions.get_mut(id).map(|it| drift.apply(it)).is_some()
    }

    /// Every so-many-th subscription drifts, in a different way each; says how many did.
    pub(super) fn drift_every(&mut self, nth: usize, price: &str) -> usize {
        let now = self.now();
        let nth = nth.max(1);
        let mut changed = 0;
        for it in self.subscriptions.iter_mut().step_by(nth) {
            let drift = match changed % 6 {
                0 => Drift { status: Some("past_due".to_owned()), ..Drift::default() },
                1 => Drift { price: Some(price.to_owned()), ..Drift::default() },
                2 => Drift { quantity: Some(it.quantity + 1), ..Drift::default() },
                3 => Drift { current_period_end: Some(now + 90 * 86_400), ..Drift::default() },
                4 => Drift { cancel_at_period_end: Some(true), ..Drift::default() },
                _ => Drift { trial_end: Some(now + 7 * 86_400), ..Drift::default() },
            };
            drift.apply(it);
            changed += 1;
        }
        changed
    }
}
