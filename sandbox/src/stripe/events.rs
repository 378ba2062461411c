//! What has happened, and who is told.

use serde_json::{Value, json};

use super::memory::Memory;

/// An event. Its object is as it was then.
#[derive(Clone, Debug)]
pub struct Event {
    /// `evt_…`.
    pub id: String,
    /// Such as `customer.subscription.updated`.
    pub kind: &'static str,
    /// When.
    pub created: i64,
    /// The event as it is posted.
    pub body: Value,
}

impl Memory {
    /// Notes an event, to be told.
    pub(super) fn tell(&mut self, kind: &'static str, object: &Value) {
        let (id, created) = (self.mint("evt"), self.now());
        let body = json!({
            "id": id, "object": "event", "type": kind, "created": created,
            "api_version": "2026-10-28.endive", "livemode": self.livemode, "pending_webhooks": 1,
            "data": { "object": object },
        });
        self.untold.push(id.clone());
        self.events.put(Event { id, kind, created, body });
    }
}
