//! What a verified person is given: the demo's facts as often as they ask, the temporary password once.

use chrono::{DateTime, Utc};

use crate::{Conn, Email, Error, PhoneNumber, TenantId, error::During, scope};

/// Keeps the sealed temporary password until it is told. A later one replaces it, unless one was told already.
pub async fn put_sealed(
    conn: &mut Conn,
    tenant: TenantId,
    password_sealed: &[u8],
) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.demo_access as a (tenant_id, password_sealed) values ($1, $2)
         on conflict (tenant_id) do update set password_sealed = excluded.password_sealed
         where a.delivered_at is null",
        tenant.as_uuid(),
        password_sealed,
    )
    .execute(conn)
    .await
    .during("access: put")?;
    Ok(())
}

/// The sealed temporary password, to the first that asks; the same statement erases it. Of two at once one gets it.
pub async fn take_once(conn: &mut Conn, tenant: TenantId) -> Result<Option<Vec<u8>>, Error> {
    let row = sqlx::query!(
        r#"with kept as (
               select tenant_id, password_sealed
               from product.demo_access
               where tenant_id = $1 and password_sealed is not null
               for update -- the second waits here, and then finds nothing
           )
           update product.demo_access a
           set password_sealed = null, delivered_at = trunkline.now()
           from kept
           where a.tenant_id = kept.tenant_id
           returning kept.password_sealed as "sealed!""#,
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("access: take")?;
    Ok(row.map(|r| r.sealed))
}

/// Takes the password back, told or not. Twice is once.
pub async fn delete(conn: &mut Conn, tenant: TenantId) -> Result<(), Error> {
    scope::require(conn, tenant).await?;
    sqlx::query!("delete from product.demo_access where tenant_id = $1", tenant.as_uuid())
        .execute(conn)
        .await
        .during("access: delete")?;
    Ok(())
}

/// The facts of a running demo.
#[derive(Debug, Clone)]
pub struct Details {
    /// Whose.
    pub tenant: TenantId,
    /// The company.
    pub company_name: String,
    /// The number to call; none while the demo waits for one.
    pub phone: Option<PhoneNumber>,
    /// When the demo ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// The login's name.
    pub email: Email,
    /// Whether the password is still the temporary one.
    pub must_change_password: bool,
}

/// The facts of a demo, once it has a user.
pub async fn details(conn: &mut Conn, tenant: TenantId) -> Result<Option<Details>, Error> {
    let row = sqlx::query!(
        r#"select t.company_name, t.demo_expires_at, u.email as "email!", u.must_change_password,
                  (select m.phone from product.phone_mappings m
                   where m.tenant_id = t.tenant_id and m.is_active
                   order by m.created_at limit 1) as phone
           from product.tenants t
           join product.users u using (tenant_id)
           where t.tenant_id = $1 and u.is_active
           order by u.created_at
           limit 1"#,
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("access: details")?;
    row.map(|r| {
        Ok(Details {
            tenant,
            company_name: r.company_name,
            phone: r.phone.as_deref().map(PhoneNumber::stored).transpose()?,
            expires_at: r.demo_expires_at,
            email: Email::stored(&r.email)?,
            must_change_password: r.must_change_password,
        })
    })
    .transpose()
}
