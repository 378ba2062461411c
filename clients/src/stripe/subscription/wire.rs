//! A subscription as Stripe writes it, in today's shape and in that of 2017. Only the id is required: one that was made
//! must not look like one that was not.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{super::page::WireRef, Item, Subscription};

#[derive(Deserialize)]
pub(in super::super) struct WireSubscription {
    id: String,
    customer: Option<WireRef>,
    status: Option<String>,
    #[serde(default)]
    livemode: bool,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    cancel_at_period_end: bool,
    trial_end: Option<i64>,
    current_period_start: Option<i64>,
    current_period_end: Option<i64>,
    items: Option<WireItems>,
    latest_invoice: Option<WireRef>,
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct WireItems {
    data: Vec<WireItem>,
}

#[derive(Deserialize)]
struct WireItem {
    id: String,
    price: Option<WireRef>,
    plan: Option<WireRef>,
    quantity: Option<i64>,
    current_period_start: Option<i64>,
    current_period_end: Option<i64>,
}

impl From<WireSubscription> for Subscription {
    fn from(wire: WireSubscription) -> Self {
        let items = wire.items.map(|items| items.data).unwrap_or_default();
        let start = items.iter().filter_map(|item| item.current_period_start).min();
        let end = items.iter().filter_map(|item| item.current_period_end).max();
        Self {
            id: wire.id,
            customer: wire.customer.map(WireRef::into_id).unwrap_or_default(),
            status: wire.status.and_then(|word| word.parse().ok()),
            livemode: wire.livemode,
            created: wire.created,
            cancel_at_period_end: wire.cancel_at_period_end,
            trial_end: wire.trial_end,
            current_period_start: start.or(wire.current_period_start),
            current_period_end: end.or(wire.current_period_end),
            items: items.into_iter().map(Item::from).collect(),
            latest_invoice: wire.latest_invoice.map(WireRef::into_id),
            metadata: wire.metadata.unwrap_or_default(),
        }
    }
}

impl From<WireItem> for Item {
    fn from(wire: WireItem) -> Self {
        let price = wire.price.or(wire.plan).map(WireRef::into_id);
        Self { id: wire.id, price: price.unwrap_or_default(), quantity: wire.quantity.unwrap_or(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::SubscriptionStatus, *};

    fn read(text: &str) -> Subscription {
        serde_json::from_str::<WireSubscription>(text).unwrap().into()
    }

    #[test]
    fn the_period_is_read_from_the_items_and_from_the_subscription_of_old() {
        let new = read(
            r#"{"id":"sub_1","object":"subscription","customer":"cus_1","status":"past_due",
            "items":{"object":"list","data":[
                {"id":"si_1","price":{"id":"price_1"},"quantity":2,"current_period_start":10,"current_period_end":20},
                {"id":"si_2","price":{"id":"price_2"},"current_period_start":12,"current_period_end":25}]},
            "latest_invoice":{"id":"in_1"},"a_field_of_tomorrow":{}}"#,
        );
        assert_eq!((new.current_period_start, new.current_period_end), (Some(10), Some(25)));
        assert_eq!(new.status, Some(SubscriptionStatus::PastDue));
        assert_eq!(new.latest_invoice.as_deref(), Some("in_1"));
        let old = read(
            r#"{"id":"sub_1","customer":{"id":"cus_1"},"status":"active","current_period_start":10,
            "current_period_end":20,"items":{"data":[{"id":"si_1","plan":{"id":"basic"},"quantity":1}]}}"#,
        );
        assert_eq!((old.current_period_start, old.current_period_end), (Some(10), Some(20)));
        assert_eq!((old.items[0].price.as_str(), old.customer.as_str()), ("basic", "cus_1"));
    }

    #[test]
    fn an_unknown_status_does_not_make_a_subscription_unreadable() {
        assert_eq!(read(r#"{"id":"sub_1","status":"hibernating"}"#).status, None);
        for status in SubscriptionStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
    }
}
