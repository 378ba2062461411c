//! How the product stands, in a handful of numbers: counted by one job, read by every process that shows gauges. Needs
//! [`crate::scope::platform`].

use serde::{Deserialize, Serialize};

use crate::{Conn, Error, error::During};

/// How the product stands. A ratio of nothing is none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Vitals {
    /// Demos that run.
    pub active_demos: i64,
    /// Of the demos that ended in the last 30 days, the share that became customers, 0 to 1.
    pub conversion_ratio: Option<f64>,
    /// How long the demos lasted that were archived in the last 30 days, on average.
    pub demo_secs_mean: Option<f64>,
    /// From the use of a code to a demo that runs, in seconds, on average of the codes of the last 24 hours; with it the time
    /// in line for a number.
    #[serde(default)]
    pub creation_secs_mean: Option<f64>,
    /// Of the codes of the last 24 hours that are used or over, the share that was used, 0 to 1.
    pub verification_ratio: Option<f64>,
    /// Of the messages of the last 24 hours whose fate is known, the share that was delivered, 0 to 1.
    pub delivery_ratio: Option<f64>,
    /// Hours that Stripe is not told of until a person has looked.
    #[serde(default)]
    pub usage_left: i64,
    /// Tenants that wait for a number.
    pub waiting: i64,
    /// Free numbers, those whose rest is over among them.
    pub available: i64,
    /// Numbers with a tenant.
    pub allocated: i64,
    /// Numbers at rest.
    pub quarantined: i64,
    /// Numbers that were taken out.
    pub maintenance: i64,
}

/// Counts. Each part is an index or a small table; what is asked of messages and codes is of one day.
pub async fn take(conn: &mut Conn) -> Result<Vitals, Error> {
    sqlx::query_as!(
        Vitals,
        r#"with pool as (
               select case when status = 'quarantined' and quarantined_until <= trunkline.now()
                      then 'available' else status end as status
               from product.phone_pool
           ), ended as (
               select count(*) filter (where action = 'demo.converted')::float8 as converted,
                      count(distinct tenant_id)::float8 as all_of_them
               from product.audit_log
               where action in ('demo.converted', 'demo.expired') and at > trunkline.now() - interval '30 days'
           ), codes as (
               select count(*) filter (where used_at is not null)::float8 as used, count(*)::float8 as all_of_them
               from product.demo_verification_codes
               where created_at > trunkline.now() - interval '24 hours'
                 and (used_at is not null or replaced_at is not null or expires_at <= trunkline.now())
           ), texts as (
               select count(*) filter (where status in ('delivered', 'read'))::float8 as delivered, count(*)::float8 as all_of_them
               from product.messages
               where direction = 'outbound' and created_at > trunkline.now() - interval '24 hours'
                 and status in ('delivered', 'read', 'undelivered', 'failed')
           )
           select (select count(*) from product.tenants where status = 'trial') as "active_demos!",
                  (select converted / nullif(all_of_them, 0) from ended) as conversion_ratio,
                  (select avg(extract(epoch from expired_at - created_at))::float8 from product.demo_archive
                   where archived_at > trunkline.now() - interval '30 days') as demo_secs_mean,
                  (select avg(extract(epoch from h.changed_at - c.used_at))::float8
                   from product.demo_verification_codes c
                   join product.tenant_status_history h using (tenant_id)
                   where c.created_at > trunkline.now() - interval '24 hours' and h.changed_at >= c.used_at
                     and h.previous_status = 'demo_pending' and h.status = 'trial') as creation_secs_mean,
                  (select used / nullif(all_of_them, 0) from codes) as verification_ratio,
                  (select delivered / nullif(all_of_them, 0) from texts) as delivery_ratio,
                  (select count(*) from product.usage_events where left_why is not null) as "usage_left!",
                  (select count(*) from product.number_waitlist) as "waiting!",
                  (select count(*) from pool where status = 'available') as "available!",
                  (select count(*) from pool where status = 'allocated') as "allocated!",
                  (select count(*) from pool where status = 'quarantined') as "quarantined!",
                  (select count(*) from pool where status = 'maintenance') as "maintenance!""#
    )
    .fetch_one(conn)
    .await
    .during("vitals: take")
}

/// Keeps what was counted, for all processes.
pub async fn keep(conn: &mut Conn, vitals: &Vitals) -> Result<(), Error> {
    let gauges = serde_json::to_value(vitals).map_err(|_| Error::Unreadable { what: "vitals" })?;
    sqlx::query!(
        "insert into product.vitals (subject, gauges, taken_at) values ('product', $1, trunkline.now())
         on conflict (subject) do update set gauges = excluded.gauges, taken_at = excluded.taken_at",
        gauges
    )
    .execute(conn)
    .await
    .during("vitals: keep")?;
    Ok(())
}

/// What was counted last, and how many seconds ago.
pub async fn last(conn: &mut Conn) -> Result<Option<(Vitals, f64)>, Error> {
    let row = sqlx::query!(
        r#"select gauges, extract(epoch from trunkline.now() - taken_at)::float8 as "age_secs!"
           from product.vitals where subject = 'product'"#
    )
    .fetch_optional(conn)
    .await
    .during("vitals: last")?;
    row.map(|r| {
        let vitals =
            serde_json::from_value(r.gauges).map_err(|_| Error::Unreadable { what: "vitals" })?;
        Ok((vitals, r.age_secs))
    })
    .transpose()
}
