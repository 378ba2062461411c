//! A page of subscriptions against our books.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    super::{
        apply::{Applied, Told, missing, verdict, write},
        compare::{Kind, differences},
        events::Source,
        facts::Facts,
        row::{Billed, Standing, by_stripe_id},
    },
    Finding, Tally, note, told,
};
use crate::{Conn, Error, TenantId, error::During};

/// Compares a page that Stripe was asked for after `asked_at`, by the database's clock, and sets right what may be.
pub async fn compare_page(
    conn: &mut Conn,
    run: Uuid,
    page: &[Facts],
    asked_at: DateTime<Utc>,
    live_expected: bool,
    may_fix: bool,
) -> Result<Tally, Error> {
    let ids: Vec<_> = page.iter().map(|facts| facts.stripe_id.clone()).collect();
    let ours: HashMap<_, _> =
        by_stripe_id(conn, &ids).await?.into_iter().map(|it| (it.stripe_id.clone(), it)).collect();
    seen(conn, run, page, &ours).await?;
    let mut tally = Tally::default();
    for facts in page {
        let told = Told { facts, seen_at: asked_at, source: Source::Reconciliation, run };
        let one = match ours.get(&facts.stripe_id) {
            Some(ours) => compare(conn, ours, &told, live_expected, may_fix).await?,
            None => unknown(conn, &told, live_expected, may_fix).await?,
        };
        tally = tally.plus(one);
    }
    Ok(tally)
}

/// One that we know.
async fn compare(
    conn: &mut Conn,
    ours: &Billed,
    told: &Told<'_>,
    live_expected: bool,
    may_fix: bool,
) -> Result<Tally, Error> {
    let facts = told.facts;
    let found = differences(ours, facts, live_expected);
    if found.is_empty() {
        return Ok(Tally { checked: 1, ..Tally::default() });
    }
    // Somebody wrote it since Stripe was asked: the next run will know.
    if ours.updated_at >= told.seen_at {
        return Ok(Tally { checked: 1, skipped: 1, ..Tally::default() });
    }
    let mut fixed = false;
    if may_fix && verdict(ours, facts, told.seen_at, &found) == Applied::Written {
        fixed = write(conn, ours, told, found[0].as_str()).await? == Applied::Written;
    }
    for kind in found {
        let finding = Finding {
            run: told.run,
            kind,
            stripe_object: &facts.stripe_id,
            tenant: Some(ours.tenant),
            fixed,
            before: Some(ours.told()),
            after: Some(self::told(facts)),
        };
        note(conn, finding).await?;
    }
    Ok(Tally { checked: 1, mismatches: 1, fixed: u64::from(fixed), skipped: 0 })
}

/// One that we do not know. What is over needs no row; what is being opened will have one.
async fn unknown(
    conn: &mut Conn,
    told: &Told<'_>,
    live_expected: bool,
    may_fix: bool,
) -> Result<Tally, Error> {
    let facts = told.facts;
    if facts.status.standing() == Standing::Cancelled {
        return Ok(Tally { checked: 1, ..Tally::default() });
    }
    let made = if may_fix { missing(conn, told, live_expected).await? } else { Applied::Doubtful };
    if made == Applied::BeingOpened {
        return Ok(Tally { checked: 1, skipped: 1, ..Tally::default() });
    }
    let fixed = made == Applied::Made;
    let tenant = known_tenant(conn, facts.tenant).await?;
    let finding = Finding {
        run: told.run,
        kind: if facts.livemode == live_expected { Kind::MissingLocally } else { Kind::Livemode },
        stripe_object: &facts.stripe_id,
        tenant,
        fixed,
        before: None,
        after: Some(self::told(facts)),
    };
    note(conn, finding).await?;
    Ok(Tally { checked: 1, mismatches: 1, fixed: u64::from(fixed), skipped: 0 })
}

async fn known_tenant(
    conn: &mut Conn,
    tenant: Option<TenantId>,
) -> Result<Option<TenantId>, Error> {
    let Some(tenant) = tenant else { return Ok(None) };
    let known = sqlx::query_scalar!(
        "select tenant_id from product.tenants where tenant_id = $1",
        tenant.as_uuid()
    );
    let known = known.fetch_optional(conn).await.during("reconciliation: tenant")?;
    Ok(known.map(TenantId::from))
}

/// Marks what was met.
async fn seen(
    conn: &mut Conn,
    run: Uuid,
    page: &[Facts],
    ours: &HashMap<String, Billed>,
) -> Result<(), Error> {
    let mut ids = Vec::with_capacity(page.len());
    let mut tenants = Vec::with_capacity(page.len());
    let mut live = Vec::with_capacity(page.len());
    for facts in page {
        let tenant = ours.get(&facts.stripe_id).map(|it| it.tenant).or(facts.tenant);
        ids.push(facts.stripe_id.clone());
        tenants.push(tenant.map(TenantId::as_uuid));
        live.push(facts.status.standing() != Standing::Cancelled);
    }
    sqlx::query!(
        "insert into product.reconciliation_seen (run_id, stripe_subscription_id, tenant_id, is_live)
         select $1, * from unnest($2::text[], $3::uuid[], $4::boolean[])
         on conflict (run_id, stripe_subscription_id) do nothing",
        run,
        &ids,
        &tenants as &[Option<Uuid>],
        &live,
    )
    .execute(conn)
    .await
    .during("reconciliation: seen")?;
    Ok(())
}
