//! People by name: who signed up, who logs in, and what is kept of a tenant that is erased.

use super::Whom;
use crate::{Conn, Error, PhoneNumber, TenantId, error::During};

/// What stands where a company's name stood.
const NOBODY: &str = "erased";

/// Tenants where somebody has a sign-up that is not over: it cannot be there without them.
pub async fn has_open_signup(
    conn: &mut Conn,
    phone: &PhoneNumber,
    at: Option<TenantId>,
) -> Result<Vec<TenantId>, Error> {
    let rows = sqlx::query_scalar!(
        "select tenant_id from product.demo_signups
         where phone = $1::text and ($2::uuid is null or tenant_id = $2) and status not in ('expired', 'failed')
         order by tenant_id",
        phone.as_e164(),
        at.map(TenantId::as_uuid),
    )
    .fetch_all(conn)
    .await
    .during("erasure: open sign-ups")?;
    Ok(rows.into_iter().map(TenantId::from).collect())
}

/// Logins, assistants, keys, the archive and the person of sign-ups that are over; of a tenant, of all. A tenant has few of each.
pub(super) async fn forget(conn: &mut Conn, whom: Whom<'_>) -> Result<u64, Error> {
    let (tenant, phone) = (whom.tenant(), whom.phone());
    let doing = "erasure: people";
    let users = sqlx::query!(
        "delete from product.users u
         where ($1::uuid is null or u.tenant_id = $1)
           and ($2::text is null
                or exists (select from product.demo_signups s
                           where s.tenant_id = u.tenant_id and s.email = u.email and s.phone = $2
                             and s.status in ('expired', 'failed')))",
        tenant,
        phone,
    )
    .execute(&mut *conn)
    .await
    .during(doing)?;
    let archived = sqlx::query!(
        "delete from product.demo_archive a
         where ($1::uuid is null or a.tenant_id = $1)
           and ($2::text is null
                or exists (select from product.demo_signups s
                           where s.tenant_id = a.tenant_id and s.phone = $2 and s.status in ('expired', 'failed')))",
        tenant,
        phone,
    )
    .execute(&mut *conn)
    .await
    .during(doing)?;
    let mut gone = users.rows_affected() + archived.rows_affected();
    if let Whom::Tenant(tenant) = whom {
        gone += forget_assistants(conn, tenant).await?;
        gone += forget_keys(conn, tenant).await?;
    }
    let signups = sqlx::query!(
        "update product.demo_signups
         set company_name = null, first_name = null, last_name = null, email = null, phone = null, industry = null,
             use_case = null, access_token_hash = null, ip_hash = null, updated_at = trunkline.now(),
             status = case when status = 'failed' then status else 'expired' end
         where ($1::uuid is null or tenant_id = $1)
           and (phone = $2::text and status in ('expired', 'failed')
                or $2 is null and num_nonnulls(company_name, first_name, last_name, email, phone, industry, use_case,
                                               access_token_hash, ip_hash) > 0)",
        tenant,
        phone,
    )
    .execute(conn)
    .await
    .during(doing)?;
    Ok(gone + signups.rows_affected())
}

async fn forget_assistants(conn: &mut Conn, tenant: TenantId) -> Result<u64, Error> {
    let doing = "erasure: assistants";
    let bots = sqlx::query!("delete from product.bots where tenant_id = $1", tenant.as_uuid())
        .execute(&mut *conn)
        .await
        .during(doing)?;
    let access =
        sqlx::query!("delete from product.demo_access where tenant_id = $1", tenant.as_uuid())
            .execute(conn)
            .await
            .during(doing)?;
    Ok(bots.rows_affected() + access.rows_affected())
}

/// What they are called may be somebody's name.
async fn forget_keys(conn: &mut Conn, tenant: TenantId) -> Result<u64, Error> {
    let keys =
        sqlx::query!("delete from product.tenant_keys where tenant_id = $1", tenant.as_uuid())
            .execute(conn)
            .await
            .during("erasure: keys")?;
    Ok(keys.rows_affected())
}

/// What is left of an erased tenant: an id that its usage and its subscriptions belong to. True if it had a name until now.
pub async fn husk(conn: &mut Conn, tenant: TenantId) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update product.tenants set company_name = $2, updated_at = trunkline.now()
         where tenant_id = $1 and company_name <> $2",
        tenant.as_uuid(),
        NOBODY,
    )
    .execute(conn)
    .await
    .during("erasure: husk")?;
    Ok(done.rows_affected() == 1)
}
