//! What was used, summed up for people: by day, and by tenant. Days are those of UTC, as the hours in which usage is counted
//! and told to Stripe; a tenant's own midnight can lie within such an hour.

use chrono::NaiveDate;

use super::usage::SETTLED_AFTER_HOURS;
use crate::{Conn, Error, TenantId, error::During, tenants::TenantStatus};

/// How much it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Calls that are over.
    pub calls: i64,
    /// Their talk, in seconds, as the provider bills it.
    pub talk_secs: i64,
    /// Messages that came in.
    pub messages_in: i64,
    /// Messages that were handed to the provider.
    pub messages_out: i64,
}

/// What a tenant used on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Which, of UTC.
    pub day: NaiveDate,
    /// How much.
    pub used: Used,
    /// Whether it is over and counted to its end, so that only a call that was still going on may change it.
    pub is_settled: bool,
}

/// What one tenant used in a stretch of days.
#[derive(Debug, Clone)]
pub struct OfTenant {
    /// Who.
    pub tenant: TenantId,
    /// The company.
    pub name: String,
    /// Where it stands.
    pub status: TenantStatus,
    /// How much.
    pub used: Used,
    /// Whether all of the days are over and counted to their end.
    pub is_settled: bool,
}

/// The first day of this month, and today, of UTC.
pub async fn this_month(conn: &mut Conn) -> Result<(NaiveDate, NaiveDate), Error> {
    let row = sqlx::query!(
        r#"select date_trunc('month', trunkline.now() at time zone 'UTC')::date as "first!",
                  (trunkline.now() at time zone 'UTC')::date as "today!""#
    )
    .fetch_one(conn)
    .await
    .during("usage: this month")?;
    Ok((row.first, row.today))
}

/// What a tenant used from one day to another, both included: a row for each day, also where nothing was used.
pub async fn by_day(
    conn: &mut Conn,
    tenant: TenantId,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<Day>, Error> {
    let rows = sqlx::query!(
        r#"with days as (
               select day::date as day, day at time zone 'UTC' as begins,
                      (day + interval '1 day') at time zone 'UTC' as ends
               from generate_series($2::date::timestamp, $3::date::timestamp, interval '1 day') as day
           )
           select d.day as "day!",
                  coalesce(sum(u.quantity) filter (where u.kind = 'calls'), 0)::int8 as "calls!",
                  coalesce(sum(u.quantity) filter (where u.kind = 'talk_secs'), 0)::int8 as "talk_secs!",
                  coalesce(sum(u.quantity) filter (where u.kind = 'messages_in'), 0)::int8 as "messages_in!",
                  coalesce(sum(u.quantity) filter (where u.kind = 'messages_out'), 0)::int8 as "messages_out!",
                  coalesce((select d.ends - interval '1 hour' < counted_until - make_interval(hours => $4)
                            from product.usage_progress), false) as "is_settled!"
           from days d
           left join product.usage_events u on u.tenant_id = $1 and u.hour >= d.begins and u.hour < d.ends
           group by d.day, d.ends order by d.day"#,
        tenant.as_uuid(),
        from,
        to,
        SETTLED_AFTER_HOURS,
    )
    .fetch_all(conn)
    .await
    .during("usage: by day")?;
    let day = rows.into_iter().map(|row| Day {
        day: row.day,
        used: Used {
            calls: row.calls,
            talk_secs: row.talk_secs,
            messages_in: row.messages_in,
            messages_out: row.messages_out,
        },
        is_settled: row.is_settled,
    });
    Ok(day.collect())
}

/// What tenants used from one day to another, both included: customers, and whoever else used something. In the order of
/// their ids, after this one.
pub async fn by_tenant(
    conn: &mut Conn,
    from: NaiveDate,
    to: NaiveDate,
    after: Option<TenantId>,
    rows_max: i64,
) -> Result<Vec<OfTenant>, Error> {
    let rows = sqlx::query!(
        r#"with span as (
               select $1::date::timestamp at time zone 'UTC' as begins,
                      ($2::date::timestamp + interval '1 day') at time zone 'UTC' as ends
           )
           select t.tenant_id, t.company_name, t.status,
                  coalesce(u.calls, 0) as "calls!", coalesce(u.talk_secs, 0) as "talk_secs!",
                  coalesce(u.messages_in, 0) as "messages_in!", coalesce(u.messages_out, 0) as "messages_out!",
                  coalesce((select span.ends - interval '1 hour' < counted_until - make_interval(hours => $5)
                            from product.usage_progress), false) as "is_settled!"
           from product.tenants t
           cross join span
           cross join lateral (
               select sum(quantity) filter (where kind = 'calls')::int8 as calls,
                      sum(quantity) filter (where kind = 'talk_secs')::int8 as talk_secs,
                      sum(quantity) filter (where kind = 'messages_in')::int8 as messages_in,
                      sum(quantity) filter (where kind = 'messages_out')::int8 as messages_out,
                      count(*) > 0 as is_any
               from product.usage_events e
               where e.tenant_id = t.tenant_id and e.hour >= span.begins and e.hour < span.ends
           ) u
           where ($3::uuid is null or t.tenant_id > $3) and (t.status in ('active', 'suspended') or u.is_any)
           order by t.tenant_id limit $4"#,
        from,
        to,
        after.map(TenantId::as_uuid),
        rows_max,
        SETTLED_AFTER_HOURS,
    )
    .fetch_all(conn)
    .await
    .during("usage: by tenant")?;
    rows.into_iter()
        .map(|row| {
            Ok(OfTenant {
                tenant: row.tenant_id.into(),
                name: row.company_name,
                status: row.status.parse()?,
                used: Used {
                    calls: row.calls,
                    talk_secs: row.talk_secs,
                    messages_in: row.messages_in,
                    messages_out: row.messages_out,
                },
                is_settled: row.is_settled,
            })
        })
        .collect()
}
