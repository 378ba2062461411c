//! How a subscription differs from what Stripe says. Pure.

use super::{facts::Facts, row::Billed};
use crate::word::words;

words! {
    /// How our books can differ from Stripe's.
    pub enum Kind ("kind of mismatch") {
        /// Stripe has a subscription of which we know nothing.
        MissingLocally = "missing_locally",
        /// Ours is live, and Stripe has none.
        MissingInStripe = "missing_in_stripe",
        /// Where it stands.
        Status = "status_differs",
        /// What is paid for.
        Plan = "plan_differs",
        /// How many.
        Quantity = "quantity_differs",
        /// When the period ends.
        PeriodEnd = "period_end_differs",
        /// Whether it ends with its period.
        CancelAtPeriodEnd = "cancel_at_period_end_differs",
        /// When the trial ends.
        TrialEnd = "trial_end_differs",
        /// Who pays: another customer than that of the tenant.
        Customer = "customer_differs",
        /// One tenant pays for two.
        Duplicate = "duplicate_subscription",
        /// Real money in our books and a test at Stripe, or the other way round.
        Livemode = "livemode_differs",
        /// A customer at Stripe whom no tenant of ours is.
        OrphanCustomer = "orphan_customer",
    }
}

impl Kind {
    /// Whether Stripe's word may simply be written into our books. What concerns who pays, or for whom, is for a person.
    pub fn is_safe(self) -> bool {
        match self {
            Self::MissingLocally
            | Self::MissingInStripe
            | Self::Status
            | Self::Plan
            | Self::Quantity
            | Self::PeriodEnd
            | Self::CancelAtPeriodEnd
            | Self::TrialEnd => true,
            Self::Customer | Self::Duplicate | Self::Livemode | Self::OrphanCustomer => false,
        }
    }
}

/// How a subscription of ours differs. One of another customer, or of the other mode, may not be the same subscription at
/// all: nothing else is said about it.
pub fn differences(ours: &Billed, facts: &Facts, live_expected: bool) -> Vec<Kind> {
    if facts.livemode != live_expected || ours.livemode.is_some_and(|it| it != facts.livemode) {
        return vec![Kind::Livemode];
    }
    if ours.customer.as_deref() != Some(&facts.customer) {
        return vec![Kind::Customer];
    }
    let mut found = Vec::new();
    let mut note = |differs: bool, kind| found.extend(differs.then_some(kind));
    note(ours.status != Some(facts.status), Kind::Status);
    // A subscription of several lines is none of ours any more; its price is left alone.
    note(facts.price.is_some() && ours.price != facts.price, Kind::Plan);
    note(ours.quantity != facts.quantity, Kind::Quantity);
    note(ours.period_end != facts.period_end, Kind::PeriodEnd);
    note(ours.cancel_at_period_end != facts.cancel_at_period_end, Kind::CancelAtPeriodEnd);
    note(ours.trial_end != facts.trial_end, Kind::TrialEnd);
    found
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::{DateTime, Utc};

    use super::{super::StripeStatus, *};
    use crate::{SubscriptionId, TenantId};

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).unwrap()
    }

    fn facts() -> Facts {
        Facts {
            stripe_id: "sub_1".to_owned(),
            customer: "cus_1".to_owned(),
            status: StripeStatus::Active,
            price: Some("price_1".to_owned()),
            quantity: 1,
            livemode: false,
            cancel_at_period_end: false,
            period_start: Some(at(0)),
            period_end: Some(at(100)),
            trial_end: None,
            created_at: at(0),
            tenant: None,
            subscription: None,
        }
    }

    fn ours() -> Billed {
        let facts = facts();
        Billed {
            subscription: SubscriptionId::mint(),
            tenant: TenantId::mint(),
            plan: "pro".to_owned(),
            standing: facts.status.standing(),
            stripe_id: facts.stripe_id,
            customer: Some(facts.customer),
            price: facts.price,
            status: Some(facts.status),
            quantity: facts.quantity,
            livemode: Some(facts.livemode),
            cancel_at_period_end: facts.cancel_at_period_end,
            period_end: facts.period_end,
            trial_end: facts.trial_end,
            seen_at: Some(at(1)),
            updated_at: at(1),
        }
    }

    #[test]
    fn what_agrees_does_not_differ_and_every_field_is_noticed_alone() {
        assert_eq!(differences(&ours(), &facts(), false), []);
        let table = [
            (Facts { status: StripeStatus::PastDue, ..facts() }, Kind::Status),
            (Facts { price: Some("price_2".to_owned()), ..facts() }, Kind::Plan),
            (Facts { quantity: 2, ..facts() }, Kind::Quantity),
            (Facts { period_end: Some(at(200)), ..facts() }, Kind::PeriodEnd),
            (Facts { cancel_at_period_end: true, ..facts() }, Kind::CancelAtPeriodEnd),
            (Facts { trial_end: Some(at(9)), ..facts() }, Kind::TrialEnd),
            (Facts { customer: "cus_2".to_owned(), ..facts() }, Kind::Customer),
            (Facts { livemode: true, ..facts() }, Kind::Livemode),
        ];
        for (facts, kind) in table {
            assert_eq!(differences(&ours(), &facts, false), [kind]);
        }
    }

    #[test]
    fn several_differences_are_all_told_but_not_of_a_subscription_that_may_be_anothers() {
        let much = Facts { quantity: 2, trial_end: Some(at(9)), ..facts() };
        assert_eq!(differences(&ours(), &much, false), [Kind::Quantity, Kind::TrialEnd]);
        let anothers = Facts { customer: "cus_2".to_owned(), ..much };
        assert_eq!(differences(&ours(), &anothers, false), [Kind::Customer]);
    }

    #[test]
    fn there_are_twelve_kinds_and_who_pays_is_for_a_person() {
        assert_eq!(Kind::ALL.len(), 12);
        let unsafe_ones: Vec<_> = Kind::ALL.iter().filter(|kind| !kind.is_safe()).collect();
        assert_eq!(
            unsafe_ones,
            [&Kind::Customer, &Kind::Duplicate, &Kind::Livemode, &Kind::OrphanCustomer]
        );
    }
}
