//! A demo after its time: it expires, is archived and removed, or comes back. Needs [`crate::scope::platform`].

use std::time::Duration;

use serde::Deserialize;
use uuid::Uuid;

use crate::{
    BotId, Conn, Error, TenantId,
    bots::{self, NewBot},
    error::During,
    signups::{self, SignupStatus},
    tenants::{self, TenantStatus},
    word::words,
};

words! {
    /// Why a demo is not removed yet.
    pub enum Kept ("reason to keep a demo") {
        /// It is no demo whose time is over.
        NotExpired = "not_expired",
        /// Somebody used it lately.
        InUse = "in_use",
        /// A call goes on.
        InACall = "in_a_call",
        /// Something is to be paid.
        Unpaid = "unpaid",
    }
}

/// Demos whose time is over and that still run, the longest over first.
pub async fn overdue(conn: &mut Conn, limit: i64) -> Result<Vec<TenantId>, Error> {
    let rows = sqlx::query_scalar!(
        "select tenant_id from product.tenants
         where status = 'trial' and demo_expires_at <= trunkline.now()
         order by demo_expires_at limit $1",
        limit
    )
    .fetch_all(conn)
    .await
    .during("demo: overdue")?;
    Ok(rows.into_iter().map(TenantId::from).collect())
}

/// Ends a demo: its people are shut out, its number stays theirs until it is removed. False if it runs on, because its time
/// is not over (`early`: then too it ends), or has ended already.
pub async fn expire(
    conn: &mut Conn,
    tenant: TenantId,
    early: bool,
    reason: &str,
) -> Result<bool, Error> {
    let Some(found) = tenants::lock(conn, tenant).await? else { return Ok(false) };
    let is_over = sqlx::query_scalar!(
        r#"select coalesce(demo_expires_at <= trunkline.now(), false) as "over!"
           from product.tenants where tenant_id = $1"#,
        tenant.as_uuid()
    )
    .fetch_one(&mut *conn)
    .await
    .during("demo: expire")?;
    if found.status != TenantStatus::Trial || !(is_over || early) {
        return Ok(false);
    }
    if !is_over {
        // What is told about the demo, and what login asks, says the same.
        sqlx::query!(
            "update product.tenants set demo_expires_at = trunkline.now() where tenant_id = $1",
            tenant.as_uuid()
        )
        .execute(&mut *conn)
        .await
        .during("demo: expire")?;
    }
    tenants::move_to(conn, tenant, TenantStatus::Expired, reason).await?;
    if signups::status(conn, tenant).await? == Some(SignupStatus::Active) {
        signups::set_status(conn, tenant, SignupStatus::Expired).await?;
    }
    Ok(true)
}

/// Expired demos that could be removed, after this one in the order of their ids.
pub async fn stale(
    conn: &mut Conn,
    idle: Duration,
    after: Option<TenantId>,
    limit: i64,
) -> Result<Vec<TenantId>, Error> {
    let rows = sqlx::query_scalar!(
        r#"select t.tenant_id from product.tenants t
           where t.status = 'expired' and ($2::uuid is null or t.tenant_id > $2)
             and t.created_at <= trunkline.now() - make_interval(secs => $1)
             and t.stripe_customer_id is null
             and not exists (select from product.subscriptions s
                             where s.tenant_id = t.tenant_id and s.status = 'active' and s.plan <> 'demo')
           order by t.tenant_id limit $3"#,
        idle.as_secs_f64(),
        after.map(TenantId::as_uuid),
        limit,
    )
    .fetch_all(conn)
    .await
    .during("demo: stale")?;
    Ok(rows.into_iter().map(TenantId::from).collect())
}

/// Why a demo must not be removed now; none if it may. Its row stays locked, so nothing changes until the transaction ends.
pub async fn kept(
    conn: &mut Conn,
    tenant: TenantId,
    idle: Duration,
) -> Result<Option<Kept>, Error> {
    let Some(found) = tenants::lock(conn, tenant).await? else { return Ok(None) };
    if found.status != TenantStatus::Expired {
        return Ok(Some(Kept::NotExpired));
    }
    let facts = sqlx::query!(
        r#"select (t.stripe_customer_id is not null
                   or exists (select from product.subscriptions s
                              where s.tenant_id = $1 and s.status = 'active' and s.plan <> 'demo')) as "unpaid!",
                  greatest(t.created_at,
                           (select max(created_at) from product.sessions where tenant_id = $1),
                           (select max(created_at) from product.messages where tenant_id = $1),
                           (select max(coalesce(ended_at, created_at)) from product.calls where tenant_id = $1))
                      > trunkline.now() - make_interval(secs => $2) as "in_use!",
                  exists (select from product.calls where tenant_id = $1 and ended_at is null) as "in_a_call!"
           from product.tenants t where t.tenant_id = $1"#,
        tenant.as_uuid(),
        idle.as_secs_f64(),
    )
    .fetch_one(conn)
    .await
    .during("demo: kept")?;
    Ok(if facts.unpaid {
        Some(Kept::Unpaid)
    } else if facts.in_a_call {
        Some(Kept::InACall)
    } else if facts.in_use {
        Some(Kept::InUse)
    } else {
        None
    })
}

/// Writes down what will be removed. Twice is once, for one run.
pub async fn archive(conn: &mut Conn, tenant: TenantId, job: Uuid) -> Result<(), Error> {
    let made = sqlx::query!(
        r#"insert into product.demo_archive
               (tenant_id, job_id, company_name, bots, numbers, usage, history, created_at, expired_at)
           select t.tenant_id, $2, t.company_name,
                  coalesce((select jsonb_agg(jsonb_build_object('bot_id', bot_id, 'name', name, 'locale', locale,
                                                                'system_prompt', system_prompt) order by created_at)
                            from product.bots where tenant_id = $1), '[]'),
                  coalesce((select jsonb_agg(jsonb_build_object('phone', phone, 'from', allocated_at, 'to', released_at)
                                             order by allocated_at)
                            from product.phone_mappings where tenant_id = $1), '[]'),
                  jsonb_build_object(
                      'messages_in', (select count(*) from product.messages
                                      where tenant_id = $1 and direction = 'inbound'),
                      'messages_out', (select count(*) from product.messages
                                       where tenant_id = $1 and direction = 'outbound'),
                      'calls', (select count(*) from product.calls where tenant_id = $1),
                      'talk_secs', (select coalesce(sum(duration_secs), 0) from product.calls where tenant_id = $1)),
                  coalesce((select jsonb_agg(jsonb_build_object('status', status, 'reason', reason, 'at', changed_at)
                                             order by change_id)
                            from product.tenant_status_history where tenant_id = $1), '[]'),
                  t.created_at, t.demo_expires_at
           from product.tenants t where t.tenant_id = $1
           on conflict (job_id) do nothing"#,
        tenant.as_uuid(),
        job,
    )
    .execute(conn)
    .await
    .during("demo: archive")?;
    if made.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound { what: "tenant" }) }
}

/// Takes an archive back whose demo stayed. Twice is once.
pub async fn unarchive(conn: &mut Conn, tenant: TenantId, job: Uuid) -> Result<(), Error> {
    sqlx::query!(
        "delete from product.demo_archive where tenant_id = $1 and job_id = $2 and removed_at is null",
        tenant.as_uuid(),
        job,
    )
    .execute(conn)
    .await
    .during("demo: unarchive")?;
    Ok(())
}

/// Removes an archived demo, what hangs on it first and the tenant last. An expired one only, without a number.
pub async fn remove(conn: &mut Conn, tenant: TenantId, job: Uuid) -> Result<(), Error> {
    let Some(found) = tenants::lock(conn, tenant).await? else { return Ok(()) };
    if found.status != TenantStatus::Expired {
        return Err(Error::IllegalMove {
            what: "tenant",
            from: found.status.as_str(),
            to: "removed",
        });
    }
    let id = tenant.as_uuid();
    let doing = "demo: remove";
    sqlx::query!("delete from product.phone_mappings where tenant_id = $1", id)
        .execute(&mut *conn)
        .await
        .during(doing)?;
    sqlx::query!("delete from product.users where tenant_id = $1", id)
        .execute(&mut *conn)
        .await
        .during(doing)?;
    sqlx::query!("delete from product.bots where tenant_id = $1", id)
        .execute(&mut *conn)
        .await
        .during(doing)?;
    sqlx::query!("delete from product.subscriptions where tenant_id = $1", id)
        .execute(&mut *conn)
        .await
        .during(doing)?;
    // A number that it still had would forbid this.
    sqlx::query!("delete from product.tenants where tenant_id = $1", id)
        .execute(&mut *conn)
        .await
        .during(doing)?;
    sqlx::query!(
        "update product.demo_archive set removed_at = trunkline.now() where tenant_id = $1 and job_id = $2",
        id,
        job,
    )
    .execute(conn)
    .await
    .during(doing)?;
    Ok(())
}

/// What a demo that was removed is brought back from.
#[derive(Debug, Clone)]
pub struct Archived {
    /// The company.
    pub company_name: String,
    /// Its assistants.
    pub bots: Vec<ArchivedBot>,
}

/// An assistant as it was.
#[derive(Debug, Clone, Deserialize)]
pub struct ArchivedBot {
    /// Its id.
    pub bot_id: BotId,
    /// Its name.
    pub name: String,
    /// What it was told.
    pub system_prompt: String,
    /// A tag such as `de-AT`.
    pub locale: String,
}

/// The archive of a demo that was removed and not brought back.
pub async fn archived(conn: &mut Conn, tenant: TenantId) -> Result<Option<Archived>, Error> {
    let row = sqlx::query!(
        "select company_name, bots from product.demo_archive
         where tenant_id = $1 and removed_at is not null and restored_at is null",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("demo: archived")?;
    row.map(|r| {
        let bots = serde_json::from_value(r.bots)
            .map_err(|_| Error::Unreadable { what: "archived bots" })?;
        Ok(Archived { company_name: r.company_name, bots })
    })
    .transpose()
}

/// Makes a tenant's assistants anew, as they were archived. Twice is once.
pub async fn restore_bots(
    conn: &mut Conn,
    tenant: TenantId,
    archived: &Archived,
) -> Result<(), Error> {
    for bot in &archived.bots {
        let new = NewBot {
            bot: bot.bot_id,
            tenant,
            name: &bot.name,
            system_prompt: &bot.system_prompt,
            locale: &bot.locale,
        };
        bots::create(conn, new).await?;
    }
    Ok(())
}

/// Notes that an archive's demo is back.
pub async fn mark_restored(conn: &mut Conn, tenant: TenantId) -> Result<(), Error> {
    sqlx::query!(
        "update product.demo_archive set restored_at = trunkline.now()
         where tenant_id = $1 and removed_at is not null and restored_at is null",
        tenant.as_uuid(),
    )
    .execute(conn)
    .await
    .during("demo: mark restored")?;
    Ok(())
}

/// Forgets archives, and the people of their sign-ups, that are older than this; and old copies of mappings.
pub async fn forget(conn: &mut Conn, keep: Duration) -> Result<u64, Error> {
    let doing = "demo: forget";
    let gone = sqlx::query!(
        "with old as (
             delete from product.demo_archive
             where archived_at < trunkline.now() - make_interval(secs => $1)
             returning tenant_id
         )
         update product.demo_signups s
         set updated_at = trunkline.now(), company_name = null, first_name = null, last_name = null, email = null,
             phone = null, industry = null, use_case = null, access_token_hash = null, ip_hash = null
         from old
         where s.tenant_id = old.tenant_id and s.status in ('expired', 'failed')
           and not exists (select from product.tenants t where t.tenant_id = s.tenant_id)",
        keep.as_secs_f64(),
    )
    .execute(&mut *conn)
    .await
    .during(doing)?;
    sqlx::query!(
        "delete from product.phone_mappings_backup where saved_at < trunkline.now() - make_interval(secs => $1)",
        keep.as_secs_f64(),
    )
    .execute(conn)
    .await
    .during(doing)?;
    Ok(gone.rows_affected())
}
