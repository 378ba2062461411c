//! For whom a transaction works. Row-level security reads it; a transaction that says nothing sees nothing.

use crate::{Conn, Error, TenantId, error::During};

/// Lets the rest of the transaction see every tenant: sign-up, login, webhooks, operators.
pub async fn platform(conn: &mut Conn) -> Result<(), Error> {
    sqlx::query!(
        "select set_config('trunkline.scope', 'platform', true) as scope,
                set_config('trunkline.tenant', '', true) as tenant"
    )
    .fetch_one(conn)
    .await
    .during("scope: platform")?;
    Ok(())
}

/// Lets the rest of the transaction see this tenant's rows and no others.
pub async fn tenant(conn: &mut Conn, tenant: TenantId) -> Result<(), Error> {
    sqlx::query!(
        "select set_config('trunkline.scope', 'tenant', true) as scope,
                set_config('trunkline.tenant', $1::uuid::text, true) as tenant",
        tenant.as_uuid()
    )
    .fetch_one(conn)
    .await
    .during("scope: tenant")?;
    Ok(())
}

/// Row-level security turns a forgotten scope into "nothing there", which an undo would take for "already undone". Whoever
/// takes something back asks here first.
pub(crate) async fn require(conn: &mut Conn, tenant: TenantId) -> Result<(), Error> {
    let sees = sqlx::query_scalar!(r#"select product.may_see($1)"#, tenant.as_uuid())
        .fetch_one(conn)
        .await
        .during("scope: check")?;
    if sees == Some(true) { Ok(()) } else { Err(Error::OutOfScope) }
}
