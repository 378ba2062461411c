//! Whose a webhook is: the tenant that a number serves, or the one that its address names, and whether it may be served.

use crate::{
    Conn, Error, PhoneNumber, TenantId,
    error::During,
    tenants::{self, Admission},
};

/// A tenant, and whether it may be served now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Whose it is.
    pub tenant: TenantId,
    /// Whether it may be served.
    pub admission: Admission,
}

/// The tenant that one of our numbers serves now.
pub async fn by_number(conn: &mut Conn, phone: &PhoneNumber) -> Result<Option<Served>, Error> {
    let row = sqlx::query!(
        r#"select t.tenant_id, t.status, t.demo_expires_at <= trunkline.now() as "over"
           from product.phone_mappings m join product.tenants t using (tenant_id)
           where m.phone = $1 and m.is_active"#,
        phone.as_e164()
    )
    .fetch_optional(conn)
    .await
    .during("routing: by number")?;
    row.map(|r| served(r.tenant_id.into(), &r.status, r.over)).transpose()
}

/// The tenant of this id, if there is one.
pub async fn by_id(conn: &mut Conn, tenant: TenantId) -> Result<Option<Served>, Error> {
    let row = sqlx::query!(
        r#"select status, demo_expires_at <= trunkline.now() as "over" from product.tenants where tenant_id = $1"#,
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("routing: by id")?;
    row.map(|r| served(tenant, &r.status, r.over)).transpose()
}

fn served(tenant: TenantId, status: &str, over: Option<bool>) -> Result<Served, Error> {
    let admission = tenants::admit(status.parse()?, over.unwrap_or(false));
    Ok(Served { tenant, admission })
}
