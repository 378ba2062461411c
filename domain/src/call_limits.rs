//! Whether a tenant's next call may be answered: so many calls in a day, and so much talk in the period that it pays for, as
//! agreed in its subscription. A demo pays for none: it has its talk once. Needs [`crate::scope::platform`], or the tenant's own.

use std::time::Duration;

use crate::{Conn, Error, TenantId, error::During, subscriptions::DEMO_PLAN, word::words};

words! {
    /// Why a call is not answered.
    pub enum Refused ("reason to refuse a call") {
        /// The tenant has no subscription.
        NoSubscription = "no_subscription",
        /// As many calls as a day has were answered.
        DailyCalls = "daily_calls",
        /// The period's time to talk is used up.
        TalkTime = "talk_time",
    }
}

/// What a tenant may still do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayCall {
    /// It may have this call.
    Yes {
        /// Calls that are left today, this one not among them.
        calls_left: u32,
        /// How long this one may last at the most.
        talk_left: Duration,
    },
    /// It may not.
    No(Refused),
}

/// Whether one more call may be answered. A day is one of UTC. Calls that are still going on count with what they have
/// lasted. The subscription stays locked until the transaction ends, so of two calls at once only as many are let in as there
/// is room for: write the call's own row in the same transaction.
pub async fn may_call(conn: &mut Conn, tenant: TenantId) -> Result<MayCall, Error> {
    let doing = "call: limits";
    let agreed = sqlx::query!(
        r#"select s.daily_calls_max, s.talk_secs_max, s.created_at,
                -- A demo has no period; of one that Stripe knew before we did, only what is ours counts.
                greatest(s.created_at, case when s.plan <> $2 then s.current_period_start end) as "talk_since!"
         from product.subscriptions s join product.subscriptions_in_force using (subscription_id)
         where s.tenant_id = $1 for update of s"#,
        tenant.as_uuid(),
        DEMO_PLAN,
    )
    .fetch_optional(&mut *conn)
    .await
    .during(doing)?;
    let Some(agreed) = agreed else { return Ok(MayCall::No(Refused::NoSubscription)) };
    let used = sqlx::query!(
        r#"select count(*) filter (where started_at >= since.today) as "calls_today!",
                  coalesce(sum(case when ended_at is not null then coalesce(duration_secs, 0)
                               else greatest(extract(epoch from trunkline.now() - coalesce(answered_at, started_at)), 0)
                               end) filter (where started_at >= $3), 0)::int8 as "talk_secs!"
           from product.calls c,
                (select greatest($2, date_trunc('day', trunkline.now() at time zone 'UTC') at time zone 'UTC') as today) since
           where tenant_id = $1 and started_at >= least(since.today, $3)
             -- What nobody took was not used.
             and not exists (select from product.call_answers a
                             where a.call_id = c.call_id and a.outcome not in ('assistant', 'person'))"#,
        tenant.as_uuid(),
        agreed.created_at,
        agreed.talk_since,
    )
    .fetch_one(conn)
    .await
    .during(doing)?;
    Ok(judge(
        i64::from(agreed.daily_calls_max) - used.calls_today,
        i64::from(agreed.talk_secs_max) - used.talk_secs,
    ))
}

/// `calls` and `talk_secs` are what is left before this call.
fn judge(calls: i64, talk_secs: i64) -> MayCall {
    if calls <= 0 {
        return MayCall::No(Refused::DailyCalls);
    }
    if talk_secs <= 0 {
        return MayCall::No(Refused::TalkTime);
    }
    MayCall::Yes {
        calls_left: u32::try_from(calls - 1).unwrap_or(u32::MAX),
        talk_left: Duration::from_secs(talk_secs.unsigned_abs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_call_of_the_day_and_the_last_second_are_allowed_and_nothing_after() {
        let yes =
            |calls_left, secs| MayCall::Yes { calls_left, talk_left: Duration::from_secs(secs) };
        assert_eq!(judge(50, 7200), yes(49, 7200));
        assert_eq!(judge(1, 1), yes(0, 1));
        assert_eq!(judge(0, 7200), MayCall::No(Refused::DailyCalls));
        assert_eq!(judge(50, 0), MayCall::No(Refused::TalkTime));
        assert_eq!(judge(-3, -9), MayCall::No(Refused::DailyCalls));
    }
}
