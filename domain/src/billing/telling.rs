//! What Stripe is told of use, hour by hour: each total under one name until Stripe has answered, and only what was used under
//! a plan that bills it.
//!
//! Two runs may tell the same hour, and a run may end without knowing whether it was heard. So a total is written down before it
//! is told, and stays as it is until it is known to be told, whatever the hour has become meanwhile: Stripe knows the repeat by
//! its identifier. See docs/decisions/0049.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    events::{self, Note, Source},
    usage::SETTLED_AFTER_HOURS,
};
use crate::{Conn, Error, TenantId, error::During, word::words};

words! {
    /// Why Stripe is not told of an hour.
    pub enum Left ("reason to leave an hour") {
        /// Stripe does not take it, and would not the next time.
        Refused = "refused",
        /// Stripe may have counted it, and can no longer tell a repeat.
        Doubtful = "doubtful",
    }
}

/// What a tenant used that Stripe was not told yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untold {
    /// Who.
    pub tenant: TenantId,
    /// `cus_…`.
    pub customer: String,
    /// Of what: `messages_out` or `talk_secs`.
    pub kind: String,
    /// Stripe's meter.
    pub meter: String,
    /// The hour.
    pub hour: DateTime<Utc>,
    /// How much was told before.
    pub told: i64,
    /// How much it is in all, or was when it was first being told.
    pub quantity: i64,
    /// Since when this total is being told. None: it was only found.
    #[serde(default)]
    pub since: Option<DateTime<Utc>>,
}

/// What tenants whose plan bills by use have used in hours that are over for a while: since they have a plan with this meter,
/// and since the plan has it.
pub async fn untold(conn: &mut Conn, limit: i64) -> Result<Vec<Untold>, Error> {
    let rows = sqlx::query!(
        r#"select u.tenant_id, t.stripe_customer_id as "customer!", m.kind as "kind!", m.meter as "meter!", u.hour,
                  u.reported_quantity, u.quantity
           from product.usage_events u
           join product.tenants t using (tenant_id)
           join product.subscriptions_in_force force using (tenant_id)
           join product.subscriptions s on s.subscription_id = force.subscription_id
           join product.subscription_plans p on p.plan = s.plan
           cross join lateral (values ('messages_out', p.meter_event_name, p.metered_since),
                                      ('talk_secs', p.talk_meter_event_name, p.talk_metered_since))
               as m (kind, meter, since)
           cross join product.usage_progress done
           where u.kind = m.kind and u.quantity > u.reported_quantity and m.meter is not null
             and t.stripe_customer_id is not null
             -- An hour in which it began was partly paid for as a whole.
             and u.hour >= greatest(s.created_at, s.metered_from, m.since)
             and (u.left_why is null
                  -- Somebody has set the meter's name or the customer right.
                  or u.left_why = 'refused' and u.left_for <> m.meter || ' ' || t.stripe_customer_id)
             and u.hour < done.counted_until - make_interval(hours => $2)
           order by u.hour, u.tenant_id, u.kind limit $1"#,
        limit,
        SETTLED_AFTER_HOURS,
    )
    .fetch_all(conn)
    .await
    .during("usage: untold")?;
    let rows = rows.into_iter().map(|r| Untold {
        tenant: r.tenant_id.into(),
        customer: r.customer,
        kind: r.kind,
        meter: r.meter,
        hour: r.hour,
        told: r.reported_quantity,
        quantity: r.quantity,
        since: None,
    });
    Ok(rows.collect())
}

/// Writes down what is about to be told. What a run before was telling without an answer is told again as it was. None: somebody
/// else has told it, or has left it.
pub async fn begin(conn: &mut Conn, found: &Untold) -> Result<Option<Untold>, Error> {
    let row = sqlx::query!(
        r#"update product.usage_events set
               -- A version before may have told more, and has left the stamp.
               telling_quantity = case when telling_quantity > reported_quantity then telling_quantity else $4 end,
               telling_since = case when telling_quantity > reported_quantity then telling_since else trunkline.now() end,
               left_why = null, left_for = null
           where tenant_id = $1 and hour = $2 and kind = $3 and reported_quantity = $5
             and left_why is distinct from 'doubtful'
           returning telling_quantity as "quantity!", telling_since as "since!""#,
        found.tenant.as_uuid(),
        found.hour,
        found.kind,
        found.quantity,
        found.told,
    )
    .fetch_optional(conn)
    .await
    .during("usage: begin to tell")?;
    Ok(row.map(|r| Untold { quantity: r.quantity, since: Some(r.since), ..found.clone() }))
}

/// Stripe was told. What has come to the hour since is told next time.
pub async fn mark_told(conn: &mut Conn, told: &Untold) -> Result<(), Error> {
    sqlx::query!(
        "update product.usage_events set reported_quantity = $4, telling_quantity = null, telling_since = null,
             left_why = null, left_for = null
         where tenant_id = $1 and hour = $2 and kind = $3 and reported_quantity < $4
           and coalesce(telling_quantity, $4) = $4",
        told.tenant.as_uuid(),
        told.hour,
        told.kind,
        told.quantity,
    )
    .execute(conn)
    .await
    .during("usage: told")?;
    Ok(())
}

/// Stripe is not told of it any more, and the tenant's record of billing says why. `says`: in Stripe's words, where it has
/// said something. What was refused was not counted: its total may change.
pub async fn leave(
    conn: &mut Conn,
    untold: &Untold,
    (why, says): (Left, Option<&str>),
    run: Uuid,
) -> Result<(), Error> {
    let left = sqlx::query!(
        "update product.usage_events set left_why = $6, left_for = $7,
             telling_quantity = case when $6 = 'doubtful' then telling_quantity end,
             telling_since = case when $6 = 'doubtful' then telling_since end
         where tenant_id = $1 and hour = $2 and kind = $3 and telling_quantity = $4 and telling_since = $5
           and left_why is null",
        untold.tenant.as_uuid(),
        untold.hour,
        untold.kind,
        untold.quantity,
        untold.since,
        why.as_str(),
        format!("{} {}", untold.meter, untold.customer),
    )
    .execute(&mut *conn)
    .await
    .during("usage: leave")?;
    if left.rows_affected() == 0 {
        return Ok(());
    }
    let kind = match why {
        Left::Refused => "usage_refused",
        Left::Doubtful => "usage_doubtful",
    };
    let note = Note {
        tenant: untold.tenant,
        subscription: None,
        stripe_object: Some(&untold.customer),
        source: Source::Workflow,
        kind,
        before: None,
        after: Some(json!({
            "hour": untold.hour, "kind": untold.kind, "meter": untold.meter, "told": untold.told,
            "quantity": untold.quantity, "since": untold.since, "stripe": says,
        })),
        run,
    };
    events::note(conn, note).await
}
