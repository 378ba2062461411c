//! What was decided about a subscription, by which run. It only grows.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{Conn, Error, SubscriptionId, TenantId, error::During, word::words};

words! {
    /// Who brought it about.
    pub enum Source ("source") {
        /// A workflow of ours.
        Workflow = "workflow",
        /// Stripe, by a webhook.
        Webhook = "webhook",
        /// The comparison of the books.
        Reconciliation = "reconciliation",
    }
}

/// One decision, as operators read it.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub source: String,
    /// What.
    pub kind: String,
    /// `sub_…` or `cus_…`.
    pub stripe_object: Option<String>,
    /// What stood before.
    pub before: Option<Value>,
    /// What stands since.
    pub after: Option<Value>,
    /// The job that did it.
    pub run_id: Uuid,
}

/// One decision, to be written down.
pub(super) struct Note<'a> {
    pub(super) tenant: TenantId,
    pub(super) subscription: Option<SubscriptionId>,
    pub(super) stripe_object: Option<&'a str>,
    pub(super) source: Source,
    pub(super) kind: &'a str,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
    pub(super) run: Uuid,
}

pub(super) async fn note(conn: &mut Conn, note: Note<'_>) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.billing_events
             (tenant_id, subscription_id, stripe_object, source, kind, before, after, run_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        note.tenant.as_uuid(),
        note.subscription.map(SubscriptionId::as_uuid),
        note.stripe_object,
        note.source.as_str(),
        note.kind,
        note.before,
        note.after,
        note.run,
    )
    .execute(conn)
    .await
    .during("billing event: note")?;
    Ok(())
}

/// What was decided about a tenant, newest first.
pub async fn events(conn: &mut Conn, tenant: TenantId, limit: i64) -> Result<Vec<Event>, Error> {
    sqlx::query_as!(
        Event,
        "select at, source, kind, stripe_object, before, after, run_id
         from product.billing_events where tenant_id = $1 order by billing_event_id desc limit $2",
        tenant.as_uuid(),
        limit,
    )
    .fetch_all(conn)
    .await
    .during("billing event: list")
}
