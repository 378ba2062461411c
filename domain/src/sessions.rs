//! Sessions: who is logged in. The client has a [`crate::token::Token`], the database its digest.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{
    Conn, Digest, Error, TenantId, UserId,
    error::During,
    tenants::{Admission, admit},
    users::Candidate,
};

/// A session that is valid now.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who.
    pub user: UserId,
    /// Of which tenant.
    pub tenant: TenantId,
    /// Whether nothing but a change of the password is open to them.
    pub must_change_password: bool,
    /// Whether their tenant may use the product now.
    pub admission: Admission,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// Opens a session for an account whose password was checked; says when it ends. If the password was changed since, that is
/// an error.
pub async fn create(
    conn: &mut Conn,
    seen: &Candidate,
    token_hash: &Digest,
    lifetime: Duration,
) -> Result<DateTime<Utc>, Error> {
    let row = sqlx::query!(
        "insert into product.sessions (token_hash, user_id, tenant_id, session_version, expires_at)
         select $1::bytea, user_id, tenant_id, session_version, trunkline.now() + make_interval(secs => $4)
         from product.users
         where user_id = $2 and session_version = $3 and is_active
         returning expires_at",
        token_hash.as_bytes(),
        seen.user.as_uuid(),
        seen.session_version,
        lifetime.as_secs_f64(),
    )
    .fetch_optional(conn)
    .await
    .during("session: create")?;
    row.map(|r| r.expires_at).ok_or(Error::Outdated { what: "user" })
}

/// The session of a token, if it is valid now. Needs the platform's scope; the caller goes on in the tenant's.
pub async fn find(conn: &mut Conn, token_hash: &Digest) -> Result<Option<Session>, Error> {
    let row = sqlx::query!(
        r#"select s.user_id, s.tenant_id, s.expires_at, u.must_change_password, t.status,
                  t.demo_expires_at <= trunkline.now() as "demo_is_over"
           from product.sessions s
           join product.users u on u.user_id = s.user_id and u.session_version = s.session_version
           join product.tenants t on t.tenant_id = s.tenant_id
           where s.token_hash = $1 and s.expires_at > trunkline.now() and u.is_active"#,
        token_hash.as_bytes()
    )
    .fetch_optional(conn)
    .await
    .during("session: find")?;
    row.map(|r| {
        Ok(Session {
            user: r.user_id.into(),
            tenant: r.tenant_id.into(),
            must_change_password: r.must_change_password,
            admission: admit(r.status.parse()?, r.demo_is_over.unwrap_or(false)),
            expires_at: r.expires_at,
        })
    })
    .transpose()
}

/// Ends one session. Twice is once.
pub async fn revoke(conn: &mut Conn, token_hash: &Digest) -> Result<(), Error> {
    sqlx::query!("delete from product.sessions where token_hash = $1", token_hash.as_bytes())
        .execute(conn)
        .await
        .during("session: revoke")?;
    Ok(())
}

/// Ends all sessions of a user; says how many there were.
pub async fn revoke_all(conn: &mut Conn, user: UserId) -> Result<u64, Error> {
    let doing = "session: revoke all";
    // The version ends those that are being opened at this moment, too.
    sqlx::query!(
        "update product.users set session_version = session_version + 1, updated_at = trunkline.now()
         where user_id = $1",
        user.as_uuid()
    )
    .execute(&mut *conn)
    .await
    .during(doing)?;
    let gone = sqlx::query!("delete from product.sessions where user_id = $1", user.as_uuid())
        .execute(conn)
        .await
        .during(doing)?;
    Ok(gone.rows_affected())
}

/// Deletes sessions whose time is over; says how many.
pub async fn clean(conn: &mut Conn) -> Result<u64, Error> {
    let gone = sqlx::query!("delete from product.sessions where expires_at <= trunkline.now()")
        .execute(conn)
        .await
        .during("session: clean")?;
    Ok(gone.rows_affected())
}
