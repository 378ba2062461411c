//! Hours that Stripe is not told of until a person has said what became of them. See docs/decisions/0049.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::telling::Left;
use crate::{Conn, Error, TenantId, error::During, scope, word::words};

words! {
    /// What is metered at Stripe.
    pub enum Metered ("metered use") {
        /// Texts that were sent.
        MessagesOut = "messages_out",
        /// Seconds of talk.
        TalkSecs = "talk_secs",
    }
}

words! {
    /// What a person has found out about an hour at Stripe.
    pub enum Found ("word about an hour") {
        /// It is billed: by this event after all, or by hand.
        Counted = "counted",
        /// It is not: the next run tells it.
        NotCounted = "not_counted",
    }
}

/// Which hour of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// When it began.
    pub hour: DateTime<Utc>,
    /// Whose.
    pub tenant: TenantId,
    /// Of what.
    pub kind: Metered,
}

/// One of them, as operators read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftHour {
    /// Whose.
    pub tenant: TenantId,
    /// When it began.
    pub hour: DateTime<Utc>,
    /// Of what.
    pub kind: Metered,
    /// Why Stripe is not told.
    pub why: Left,
    /// How much it is in all.
    pub quantity: i64,
    /// How much of it Stripe was told before.
    pub told: i64,
    /// The total that Stripe may have counted, if it is doubtful.
    pub telling: Option<i64>,
    /// Since when that is on its way.
    pub since: Option<DateTime<Utc>>,
    /// Stripe's meter, as it was called when it was left.
    pub meter: String,
    /// `cus_…`, as it was then.
    pub customer: String,
}

impl LeftHour {
    /// Where it stands in the list.
    pub fn place(&self) -> Place {
        Place { hour: self.hour, tenant: self.tenant, kind: self.kind }
    }
}

struct Row {
    tenant_id: uuid::Uuid,
    hour: DateTime<Utc>,
    kind: String,
    why: String,
    left_for: String,
    quantity: i64,
    reported_quantity: i64,
    telling_quantity: Option<i64>,
    telling_since: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for LeftHour {
    type Error = Error;

    fn try_from(row: Row) -> Result<LeftHour, Error> {
        let (meter, customer) = row.left_for.split_once(' ').unwrap_or((&row.left_for, ""));
        Ok(LeftHour {
            tenant: row.tenant_id.into(),
            hour: row.hour,
            kind: row.kind.parse()?,
            why: row.why.parse()?,
            quantity: row.quantity,
            told: row.reported_quantity,
            telling: row.telling_quantity,
            since: row.telling_since,
            meter: meter.to_owned(),
            customer: customer.to_owned(),
        })
    }
}

/// All that were left, the oldest hour first, those behind `after`. Needs [`scope::platform`].
pub async fn list(
    conn: &mut Conn,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<LeftHour>, Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"select tenant_id, hour, kind, left_why as "why!", left_for as "left_for!", quantity, reported_quantity,
                  telling_quantity, telling_since
           from product.usage_events
           where left_why is not null
             and ($1::timestamptz is null or (hour, tenant_id, kind) > ($1, $2::uuid, $3::text))
           order by hour, tenant_id, kind limit $4"#,
        after.map(|place| place.hour),
        after.map(|place| place.tenant.as_uuid()),
        after.map(|place| place.kind.as_str()),
        limit,
    )
    .fetch_all(conn)
    .await
    .during("usage left: list")?;
    rows.into_iter().map(LeftHour::try_from).collect()
}

/// Settles one of them; gives it as it was. None: it is not among them, perhaps no longer.
///
/// What is told anew has the identifier that it had: it is the same total.
pub async fn settle(
    conn: &mut Conn,
    place: Place,
    found: Found,
) -> Result<Option<LeftHour>, Error> {
    scope::require(conn, place.tenant).await?;
    let was = sqlx::query_as!(
        Row,
        r#"select tenant_id, hour, kind, left_why as "why!", left_for as "left_for!", quantity, reported_quantity,
                  telling_quantity, telling_since
           from product.usage_events
           where tenant_id = $1 and hour = $2 and kind = $3 and left_why is not null
           for no key update"#,
        place.tenant.as_uuid(),
        place.hour,
        place.kind.as_str(),
    )
    .fetch_optional(&mut *conn)
    .await
    .during("usage left: find")?;
    let Some(was) = was else { return Ok(None) };
    sqlx::query!(
        "update product.usage_events set
             reported_quantity = case when $4 then coalesce(telling_quantity, quantity) else reported_quantity end,
             telling_quantity = case when $4 then null else telling_quantity end,
             telling_since = case when $4 or telling_since is null then null else trunkline.now() end,
             left_why = null, left_for = null
         where tenant_id = $1 and hour = $2 and kind = $3",
        place.tenant.as_uuid(),
        place.hour,
        place.kind.as_str(),
        found == Found::Counted,
    )
    .execute(conn)
    .await
    .during("usage left: settle")?;
    LeftHour::try_from(was).map(Some)
}
