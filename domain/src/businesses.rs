//! Tenants as operators look for them, and those that are made without a demo. Needs [`crate::scope::platform`].

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    Conn, Error, PhoneNumber, TenantId,
    error::During,
    line::CompanyName,
    tenants::{self, TenantStatus},
};

/// A tenant in a list.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Who.
    pub id: TenantId,
    /// The company.
    pub name: String,
    /// Where it stands.
    pub status: TenantStatus,
    /// The number that serves it now.
    pub number: Option<PhoneNumber>,
    /// The plan in force.
    pub plan: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its demo ends or ended; none for those that never had one.
    pub demo_expires_at: Option<DateTime<Utc>>,
}

/// Which tenants are looked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Those that stand here.
    pub status: Option<TenantStatus>,
    /// Those whose name holds this, in capitals or not.
    pub name: Option<&'a str>,
    /// Only this one.
    pub id: Option<TenantId>,
}

/// Makes a customer who had no demo.
pub async fn create(conn: &mut Conn, tenant: TenantId, name: &CompanyName) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.tenants (tenant_id, company_name, status) values ($1, $2, 'active')",
        tenant.as_uuid(),
        name.as_str(),
    )
    .execute(&mut *conn)
    .await
    .during("business: create")?;
    tenants::history_add(conn, tenant, None, TenantStatus::Active, "made by an operator").await
}

/// A page of the tenants that are looked for, the newest first. There are thousands of tenants and not millions: one that is
/// rare is looked for through all of them.
pub async fn list(
    conn: &mut Conn,
    filter: Filter<'_>,
    older_than: Option<TenantId>,
    rows_max: i64,
) -> Result<Vec<Listed>, Error> {
    // What is looked for is lowered here: a database without a locale knows only the capitals of ASCII.
    let name = filter.name.map(str::to_lowercase);
    // Ids say when they were made.
    let rows = sqlx::query!(
        r#"select t.tenant_id, t.company_name, t.status, t.created_at, t.demo_expires_at,
                  (select m.phone::text from product.phone_mappings m
                   where m.tenant_id = t.tenant_id and m.is_active order by m.created_at limit 1) as number,
                  (select s.plan from product.subscriptions_in_force s where s.tenant_id = t.tenant_id limit 1) as plan
           from product.tenants t
           where ($1::text is null or t.status = $1)
             and ($2::text is null or position(lower($2) in lower(t.company_name)) > 0)
             and ($3::uuid is null or t.tenant_id = $3)
             and ($4::uuid is null or t.tenant_id < $4)
           order by t.tenant_id desc limit $5"#,
        filter.status.map(TenantStatus::as_str),
        name.as_deref(),
        filter.id.map(TenantId::as_uuid),
        older_than.map(TenantId::as_uuid),
        rows_max,
    )
    .fetch_all(conn)
    .await
    .during("business: list")?;
    rows.into_iter()
        .map(|row| {
            Ok(Listed {
                id: row.tenant_id.into(),
                name: row.company_name,
                status: row.status.parse()?,
                number: row.number.as_deref().map(PhoneNumber::stored).transpose()?,
                plan: row.plan,
                created_at: row.created_at,
                demo_expires_at: row.demo_expires_at,
            })
        })
        .collect()
}

/// How many people may log in at a tenant.
pub async fn users_count(conn: &mut Conn, tenant: TenantId) -> Result<i64, Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from product.users where tenant_id = $1 and is_active"#,
        tenant.as_uuid()
    )
    .fetch_one(conn)
    .await
    .during("business: users")
}
