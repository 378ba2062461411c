//! Who pays at Stripe and is nobody here.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{super::compare::Kind, Finding, Tally, note};
use crate::{Conn, Error, error::During};

/// A customer at Stripe, as far as it is compared.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Payer {
    /// `cus_…`.
    pub id: String,
    /// Real money, or a test.
    pub livemode: bool,
    /// When it was made, Unix seconds.
    pub created: i64,
}

/// Whoever was made so shortly before the run may still be on the way into our books.
const SETTLED_HOURS: i32 = 1;

/// Compares a page of customers. Nothing is set right: who a stranger is can only be told by a person.
pub async fn compare_customers(
    conn: &mut Conn,
    run: Uuid,
    page: &[Payer],
    live_expected: bool,
) -> Result<Tally, Error> {
    let ids: Vec<_> = page.iter().map(|payer| payer.id.clone()).collect();
    let created: Vec<_> = page.iter().map(|payer| payer.created).collect();
    let orphans = sqlx::query_scalar!(
        r#"select c.id as "id!" from unnest($1::text[], $2::bigint[]) as c (id, created)
           join product.reconciliation_runs r on r.run_id = $3
             and to_timestamp(c.created) < r.started_at - make_interval(hours => $4)
           where not exists (select from product.tenants t where t.stripe_customer_id = c.id)"#,
        &ids,
        &created,
        run,
        SETTLED_HOURS,
    )
    .fetch_all(&mut *conn)
    .await
    .during("reconciliation: orphans")?;
    let modes = page.iter().filter(|payer| payer.livemode != live_expected);
    let mut found: Vec<_> = modes.map(|payer| (payer.id.clone(), Kind::Livemode)).collect();
    found.extend(orphans.into_iter().map(|id| (id, Kind::OrphanCustomer)));
    let mismatches = u64::try_from(found.len()).unwrap_or_default();
    for (id, kind) in found {
        let finding = Finding {
            run,
            kind,
            stripe_object: &id,
            tenant: None,
            fixed: false,
            before: None,
            after: None,
        };
        note(conn, finding).await?;
    }
    let checked = u64::try_from(page.len()).unwrap_or_default();
    Ok(Tally { checked, mismatches, ..Tally::default() })
}
