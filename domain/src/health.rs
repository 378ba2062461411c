//! What somebody on call asks of the product in one look: how it stood when it was last counted, which switches are on, and how
//! far the record of deeds is chained. Needs [`crate::scope::platform`].

use chrono::{DateTime, Utc};

use crate::{Conn, Error, error::During, switches::LeftOn, vitals::Vitals};

/// Rows that wait for their link are counted so far.
const WAITING_MAX: i64 = 10_000;

/// One look.
#[derive(Debug, Clone)]
pub struct Health {
    /// How the product stood, and how many seconds ago that was; none: it was never counted.
    pub vitals: Option<(Vitals, f64)>,
    /// The last link of the record; none: there is no row yet.
    pub link: Option<i64>,
    /// When it was made.
    pub chained_at: Option<DateTime<Utc>>,
    /// Rows that wait for their link, at most ten thousand.
    pub waiting: i64,
    /// What is switched on for the whole product, by its word.
    pub switches: Vec<LeftOn>,
}

/// Looks: one statement, by primary keys; of switches there is a handful.
pub async fn look(conn: &mut Conn) -> Result<Health, Error> {
    let row = sqlx::query!(
        r#"with counted as (
               select gauges, extract(epoch from trunkline.now() - taken_at)::float8 as age_secs
               from product.vitals where subject = 'product'
           ), chain as (
               select link, chained_at from product.audit_links order by link desc limit 1
           )
           select (select gauges from counted) as gauges, (select age_secs from counted) as age_secs,
                  (select link from chain) as link, (select chained_at from chain) as chained_at,
                  (select count(*) from (
                       select from product.audit_log
                       where audit_id > (select coalesce(max(audit_id), 0) from product.audit_links)
                       limit $1) a) as "waiting!",
                  (select coalesce(jsonb_agg(to_jsonb(s) order by s.switch), '[]') from (
                       select switch, reason, set_at, until from product.switches
                       where is_on and (until is null or until > trunkline.now())) s) as "switches!""#,
        WAITING_MAX
    )
    .fetch_one(conn)
    .await
    .during("health: look")?;
    let vitals = match row.gauges.zip(row.age_secs) {
        Some((gauges, age_secs)) => {
            let vitals =
                serde_json::from_value(gauges).map_err(|_| Error::Unreadable { what: "vitals" })?;
            Some((vitals, age_secs))
        }
        None => None,
    };
    let switches =
        serde_json::from_value(row.switches).map_err(|_| Error::Unreadable { what: "switches" })?;
    let (link, chained_at, waiting) = (row.link, row.chained_at, row.waiting);
    Ok(Health { vitals, link, chained_at, waiting, switches })
}
