//! What was used, by tenant and hour. What Stripe is told of it: `telling.rs`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{Conn, Error, error::During};

/// An hour's figure may be told so long after it began: a call lasts up to four hours, but few do; what comes later is told
/// as a difference.
pub(super) const SETTLED_AFTER_HOURS: i32 = 3;

/// What changed in so many hours before the last count is looked at again: a change counts from its commit on, and no
/// transaction of ours lasts that long.
const COUNT_AGAIN_HOURS: i32 = 1;

/// Stretches that nobody counted are caught up with in pieces of this size.
const STRETCH_HOURS_MAX: i32 = 48;

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Up to here everything is counted.
    pub until: DateTime<Utc>,
    /// Rows that were written.
    pub rows: u64,
    /// There is more to catch up with.
    pub is_behind: bool,
}

/// Counts anew each hour in which something counts that has changed since the last time, however long ago the hour was. Twice
/// is once: an hour's figure is replaced.
pub async fn count(conn: &mut Conn) -> Result<Counted, Error> {
    let doing = "usage: count";
    let span = sqlx::query!(
        r#"with now as (select trunkline.now() as this),
                done as (select coalesce((select counted_until from product.usage_progress),
                                         (select min(created_at) from product.tenants), now.this) as until from now)
           select done.until - make_interval(hours => $1) as "since!",
                  least(now.this, done.until + make_interval(hours => $2)) as "until!", now.this as "this!"
           from now, done"#,
        COUNT_AGAIN_HOURS,
        STRETCH_HOURS_MAX,
    )
    .fetch_one(&mut *conn)
    .await
    .during(doing)?;
    let calls = count_calls(conn, span.since, span.until).await?;
    let rows = calls + count_messages(conn, span.since, span.until).await?;
    sqlx::query!(
        "insert into product.usage_progress (counted_until) values ($1)
         on conflict (only_one) do update set counted_until = greatest(usage_progress.counted_until, $1)",
        span.until
    )
    .execute(conn)
    .await
    .during(doing)?;
    Ok(Counted { until: span.until, rows, is_behind: span.until < span.this })
}

/// A call counts in the hour in which it began, when it is over; its talk as the provider bills it.
async fn count_calls(
    conn: &mut Conn,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<u64, Error> {
    let written = sqlx::query!(
        "with changed as (
             select distinct tenant_id, date_trunc('hour', started_at, 'UTC') as hour from product.calls
             where tenant_id is not null and ended_at is not null and updated_at >= $1 and updated_at <= $2
         )
         insert into product.usage_events as u (tenant_id, hour, kind, quantity)
         select changed.tenant_id, hour, kind, sum(quantity)
         from changed
         join product.calls c on c.tenant_id = changed.tenant_id and c.ended_at is not null
              and c.started_at >= hour and c.started_at < hour + interval '1 hour'
         cross join lateral (values ('calls', 1), ('talk_secs', c.duration_secs)) as used (kind, quantity)
         where quantity > 0
         group by 1, 2, 3
         on conflict (tenant_id, hour, kind) do update
             set quantity = excluded.quantity, counted_at = trunkline.now()
             where u.quantity <> excluded.quantity",
        since,
        until,
    )
    .execute(conn)
    .await
    .during("usage: calls")?;
    Ok(written.rows_affected())
}

/// A message that was never handed to anybody was not used.
async fn count_messages(
    conn: &mut Conn,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<u64, Error> {
    let written = sqlx::query!(
        "with changed as (
             select distinct tenant_id, date_trunc('hour', created_at, 'UTC') as hour from product.messages
             where tenant_id is not null and updated_at >= $1 and updated_at <= $2
         )
         insert into product.usage_events as u (tenant_id, hour, kind, quantity)
         select changed.tenant_id, hour,
                case direction when 'inbound' then 'messages_in' else 'messages_out' end, count(*)
         from changed
         join product.messages m on m.tenant_id = changed.tenant_id
              and m.created_at >= hour and m.created_at < hour + interval '1 hour'
         where direction = 'inbound' or provider_sid is not null
         group by 1, 2, 3
         on conflict (tenant_id, hour, kind) do update
             set quantity = excluded.quantity, counted_at = trunkline.now()
             where u.quantity <> excluded.quantity",
        since,
        until,
    )
    .execute(conn)
    .await
    .during("usage: messages")?;
    Ok(written.rows_affected())
}
