//! What Stripe says has happened. A hint: what is true is told by the object itself. Source: <https://docs.stripe.com/api/events>.

use serde::Deserialize;

/// An event, as far as it tells where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `evt_…`.
    pub id: String,
    /// Such as `customer.subscription.updated`.
    pub kind: String,
    /// When it happened, Unix seconds.
    pub created: i64,
    /// Real money, or a test.
    pub livemode: bool,
    /// The object that it is about, by its id; none for the few objects without one.
    pub object: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct WireEvent {
    id: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    livemode: bool,
    data: Option<WireData>,
}

#[derive(Deserialize)]
struct WireData {
    object: Option<WireObject>,
}

#[derive(Deserialize)]
struct WireObject {
    id: Option<String>,
}

impl From<WireEvent> for Event {
    fn from(wire: WireEvent) -> Self {
        let WireEvent { id, kind, created, livemode, data } = wire;
        let object = data.and_then(|data| data.object).and_then(|object| object.id);
        Self { id, kind, created, livemode, object }
    }
}
