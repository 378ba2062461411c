//! People who log in. A user is of one tenant; the same e-mail may stand in several tenants, since a person may try more than
//! one demo. So a login asks for all accounts with the e-mail and takes the one whose password fits.

use secrecy::SecretString;

use crate::{
    Conn, Email, Error, TenantId, UserId,
    error::During,
    password::{self, PasswordHash},
    scope,
    word::words,
};

words! {
    /// What a user may do.
    pub enum Role ("role") {
        /// All of their own tenant's affairs.
        CustomerAdmin = "customer_admin",
    }
}

/// How many accounts with one e-mail a login tries. Each costs a hash. Accounts of open tenants come first and the oldest of
/// them first, so that nobody can lock others out by signing up with their address.
pub const CANDIDATES_MAX: i64 = 8;

/// A user that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewUser<'a> {
    /// Their id.
    pub user: UserId,
    /// Of which tenant.
    pub tenant: TenantId,
    /// The login's name.
    pub email: &'a Email,
    /// First name.
    pub first_name: &'a str,
    /// Last name.
    pub last_name: &'a str,
    /// What is kept of the password.
    pub password_hash: &'a PasswordHash,
}

/// A user.
#[derive(Clone)]
pub struct User {
    /// Their id.
    pub user: UserId,
    /// Of which tenant.
    pub tenant: TenantId,
    /// The login's name.
    pub email: Email,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// What they may do.
    pub role: Role,
    /// Whether nothing but a change of the password is open to them.
    pub must_change_password: bool,
}

/// Without the person.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("user", &self.user)
            .field("tenant", &self.tenant)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// An account that a login may be for.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Whose.
    pub user: UserId,
    /// Of which tenant.
    pub tenant: TenantId,
    /// The version of the password that this is.
    pub session_version: i32,
    hash: PasswordHash,
}

/// Makes a tenant's administrator with a temporary password. If the tenant has a user with this e-mail whose password is
/// still temporary, the new password takes its place: whoever stores the sealed password in the same transaction can always
/// tell the right one. Says under which id the user stands.
pub async fn create(conn: &mut Conn, new: NewUser<'_>) -> Result<UserId, Error> {
    let row = sqlx::query!(
        "insert into product.users as u (user_id, tenant_id, email, first_name, last_name, password_hash, role)
         values ($1, $2, $3::text, $4, $5, $6, $7)
         on conflict (tenant_id, lower(email)) do update
             set password_hash = excluded.password_hash, session_version = u.session_version + 1,
                 updated_at = trunkline.now()
             where u.must_change_password
         returning user_id",
        new.user.as_uuid(),
        new.tenant.as_uuid(),
        new.email.as_str(),
        new.first_name,
        new.last_name,
        new.password_hash.as_str(),
        Role::CustomerAdmin.as_str(),
    )
    .fetch_optional(conn)
    .await
    .during("user: create")?;
    row.map(|r| r.user_id.into()).ok_or(Error::Outdated { what: "user" })
}

/// Takes a tenant's users back, with their sessions. Twice is once.
pub async fn delete_all(conn: &mut Conn, tenant: TenantId) -> Result<(), Error> {
    scope::require(conn, tenant).await?;
    sqlx::query!("delete from product.users where tenant_id = $1", tenant.as_uuid())
        .execute(conn)
        .await
        .during("user: delete")?;
    Ok(())
}

/// A user who may log in.
pub async fn get(conn: &mut Conn, user: UserId) -> Result<Option<User>, Error> {
    let row = sqlx::query!(
        r#"select tenant_id, email as "email!", first_name, last_name, role, must_change_password
           from product.users where user_id = $1 and is_active"#,
        user.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("user: get")?;
    row.map(|r| {
        Ok(User {
            user,
            tenant: r.tenant_id.into(),
            email: Email::stored(&r.email)?,
            first_name: r.first_name,
            last_name: r.last_name,
            role: r.role.parse()?,
            must_change_password: r.must_change_password,
        })
    })
    .transpose()
}

/// The accounts that a login with this e-mail may be for. Needs the platform's scope.
pub async fn candidates(conn: &mut Conn, email: &Email) -> Result<Vec<Candidate>, Error> {
    let rows = sqlx::query!(
        "select u.user_id, u.tenant_id, u.session_version, u.password_hash
         from product.users u
         join product.tenants t using (tenant_id)
         where lower(u.email) = lower($1) and u.is_active
         order by (t.status = 'active' or (t.status = 'trial' and t.demo_expires_at > trunkline.now())) desc,
                  u.created_at, u.user_id
         limit $2",
        email.as_str(),
        CANDIDATES_MAX,
    )
    .fetch_all(conn)
    .await
    .during("user: candidates")?;
    Ok(rows
        .into_iter()
        .map(|r| Candidate {
            user: r.user_id.into(),
            tenant: r.tenant_id.into(),
            session_version: r.session_version,
            hash: PasswordHash::stored(r.password_hash),
        })
        .collect())
}

/// A user's own account, to check their old password before it is changed.
pub async fn candidate(conn: &mut Conn, user: UserId) -> Result<Option<Candidate>, Error> {
    let row = sqlx::query!(
        "select tenant_id, session_version, password_hash
         from product.users where user_id = $1 and is_active",
        user.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("user: candidate")?;
    Ok(row.map(|r| Candidate {
        user,
        tenant: r.tenant_id.into(),
        session_version: r.session_version,
        hash: PasswordHash::stored(r.password_hash),
    }))
}

/// The candidate whose password this is. Hashes for tens of milliseconds: call it without a transaction open. Without any
/// candidate it works as long as with one.
pub async fn verify_password(
    candidates: Vec<Candidate>,
    given: SecretString,
) -> Result<Option<Candidate>, Error> {
    let hashes = candidates.iter().map(|candidate| candidate.hash.clone()).collect();
    let found = password::first_match(given, hashes).await?;
    Ok(found.and_then(|at| candidates.into_iter().nth(at)))
}

/// Changes a password and ends all sessions: the version rises. `seen` is the account whose old password was checked; if
/// it was changed since, nothing happens and that is an error. Says the new version.
pub async fn change_password(
    conn: &mut Conn,
    seen: &Candidate,
    new: &PasswordHash,
) -> Result<i32, Error> {
    let row = sqlx::query!(
        "update product.users
         set password_hash = $3, must_change_password = false, session_version = session_version + 1,
             updated_at = trunkline.now()
         where user_id = $1 and session_version = $2 and is_active
         returning session_version",
        seen.user.as_uuid(),
        seen.session_version,
        new.as_str(),
    )
    .fetch_optional(&mut *conn)
    .await
    .during("user: change password")?
    .ok_or(Error::Outdated { what: "user" })?;
    sqlx::query!("delete from product.sessions where user_id = $1", seen.user.as_uuid())
        .execute(conn)
        .await
        .during("user: end sessions")?;
    Ok(row.session_version)
}
