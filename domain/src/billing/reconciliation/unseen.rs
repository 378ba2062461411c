//! Subscriptions of ours that Stripe did not show.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    super::{
        compare::Kind,
        events::{self, Note, Source},
        row::{Standing, by_stripe_id},
    },
    Finding, Tally, note,
};
use crate::{Conn, Error, error::During};

/// Some of them, in the order of their names.
#[derive(Debug, Clone, Default)]
pub struct Unseen {
    /// `sub_…`, each to be asked for by its name.
    pub ids: Vec<String>,
    /// How many there are in all, of how many that are live with us.
    pub share: Tally,
}

/// Live subscriptions of ours from before the run that it did not meet, after this one.
pub async fn unseen(conn: &mut Conn, run: Uuid, after: &str, limit: i64) -> Result<Unseen, Error> {
    let doing = "reconciliation: unseen";
    let ids = sqlx::query_scalar!(
        r#"select s.stripe_subscription_id as "id!" from product.subscriptions s
           join product.reconciliation_runs r on r.run_id = $1 and s.created_at < r.started_at
           where s.stripe_subscription_id > $2 and s.status in ('active', 'lapsed')
             and not exists (select from product.reconciliation_seen seen
                             where seen.run_id = $1 and seen.stripe_subscription_id = s.stripe_subscription_id)
           order by s.stripe_subscription_id limit $3"#,
        run,
        after,
        limit,
    )
    .fetch_all(&mut *conn)
    .await
    .during(doing)?;
    if ids.is_empty() || !after.is_empty() {
        return Ok(Unseen { ids, share: Tally::default() });
    }
    let share = sqlx::query!(
        r#"select count(*) as "live!", count(*) filter (where seen.run_id is null) as "unseen!"
           from product.subscriptions s left join product.reconciliation_seen seen
             on seen.run_id = $1 and seen.stripe_subscription_id = s.stripe_subscription_id
           where s.stripe_subscription_id is not null and s.status in ('active', 'lapsed')"#,
        run
    )
    .fetch_one(conn)
    .await
    .during(doing)?;
    let count = |n: i64| u64::try_from(n).unwrap_or_default();
    let share =
        Tally { checked: count(share.live), mismatches: count(share.unseen), ..Tally::default() };
    Ok(Unseen { ids, share })
}

/// Stripe says that there is none of this name: it is over with us, too, unless another mode of Stripe's was asked than the one
/// it is in.
pub async fn end(
    conn: &mut Conn,
    run: Uuid,
    stripe_id: &str,
    asked_at: DateTime<Utc>,
    live_expected: bool,
    may_fix: bool,
) -> Result<Tally, Error> {
    let known = by_stripe_id(conn, &[stripe_id.to_owned()]).await?;
    let Some(ours) = known.into_iter().find(|it| it.standing != Standing::Cancelled) else {
        return Ok(Tally::default());
    };
    let may_fix = may_fix && ours.livemode.is_none_or(|it| it == live_expected);
    if ours.updated_at >= asked_at {
        return Ok(Tally { checked: 1, skipped: 1, ..Tally::default() });
    }
    if may_fix {
        sqlx::query!(
            "update product.subscriptions set status = 'cancelled', stripe_status = 'canceled',
                 stripe_seen_at = $2, ends_at = trunkline.now(), updated_at = trunkline.now()
             where subscription_id = $1",
            ours.subscription.as_uuid(),
            asked_at,
        )
        .execute(&mut *conn)
        .await
        .during("reconciliation: end")?;
        let note = Note {
            tenant: ours.tenant,
            subscription: Some(ours.subscription),
            stripe_object: Some(stripe_id),
            source: Source::Reconciliation,
            kind: Kind::MissingInStripe.as_str(),
            before: Some(ours.told()),
            after: None,
            run,
        };
        events::note(conn, note).await?;
    }
    let finding = Finding {
        run,
        kind: Kind::MissingInStripe,
        stripe_object: stripe_id,
        tenant: Some(ours.tenant),
        fixed: may_fix,
        before: Some(ours.told()),
        after: None,
    };
    note(conn, finding).await?;
    Ok(Tally { checked: 1, mismatches: 1, fixed: u64::from(may_fix), skipped: 0 })
}
