//! Demo sign-ups: who asked, how far it went. The row is written by the API before anything else exists and outlives the
//! tenant if the sign-up is undone; a failed one forgets the person.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    BotId, Conn, Digest, Email, Error, Locale, PhoneNumber, TenantId,
    error::During,
    line::{CompanyName, Industry, PersonName, UseCase},
    scope,
    token::Token,
    word::words,
};

mod row;
pub use row::Signup;
use row::SignupRow;

words! {
    /// How far a sign-up is.
    pub enum SignupStatus ("sign-up status") {
        /// A code was or will be sent.
        PendingVerification = "pending_verification",
        /// Verified; the demo is being put together.
        Provisioning = "provisioning",
        /// Verified; no number is free.
        Waitlisted = "waitlisted",
        /// The demo runs.
        Active = "active",
        /// It ran, or was never verified in time.
        Expired = "expired",
        /// It was undone.
        Failed = "failed",
    }
}

impl SignupStatus {
    /// Whether this move is legal.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::PendingVerification => {
                matches!(next, Self::Provisioning | Self::Expired | Self::Failed)
            }
            Self::Provisioning => {
                matches!(next, Self::Waitlisted | Self::Active | Self::Expired | Self::Failed)
            }
            Self::Waitlisted => {
                matches!(next, Self::Provisioning | Self::Active | Self::Expired | Self::Failed)
            }
            Self::Active => matches!(next, Self::Expired | Self::Failed),
            // An operator brings a demo back; a sign-up that forgot its person cannot be: the schema sees to it.
            Self::Expired => next == Self::Provisioning,
            Self::Failed => false,
        }
    }
}

/// What a person told us about themselves.
#[derive(Debug, Clone)]
pub struct Contact {
    /// The company.
    pub company_name: CompanyName,
    /// First name.
    pub first_name: PersonName,
    /// Last name.
    pub last_name: PersonName,
    /// Where they read mail; also the login's name.
    pub email: Email,
    /// The phone that gets the code.
    pub phone: PhoneNumber,
    /// What the company does.
    pub industry: Option<Industry>,
    /// What the demo is for.
    pub use_case: Option<UseCase>,
}

/// A sign-up that is about to be written.
#[derive(Debug, Clone)]
pub struct NewSignup {
    /// The id that the tenant will have.
    pub tenant: TenantId,
    /// The id that the bot will have.
    pub bot: BotId,
    /// The run that carries it out.
    pub job: Uuid,
    /// Who asked.
    pub contact: Contact,
    /// In which language we write to them.
    pub locale: Locale,
    /// The keyed hash of the address it came from.
    pub ip_hash: Option<Digest>,
}

/// Whether a sign-up was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Insertion {
    /// It was.
    Inserted,
    /// This phone and this e-mail belong to one demo that is open; nothing was written.
    AlreadyOpen {
        /// When that demo ends.
        expires_at: DateTime<Utc>,
    },
}

/// Writes a sign-up, unless phone and e-mail both belong to one open demo already; an index decides, so two requests at once
/// cannot both be first. `lifetime` is that of a demo.
pub async fn insert(
    conn: &mut Conn,
    new: &NewSignup,
    lifetime: Duration,
) -> Result<Insertion, Error> {
    let c = &new.contact;
    lapse(conn, &c.phone, &c.email).await?;
    let made = sqlx::query!(
        "insert into product.demo_signups
             (tenant_id, bot_id, job_id, company_name, first_name, last_name, email, phone, industry, use_case,
              locale, ip_hash, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7::text, $8::text, $9, $10, $11::text, $12::bytea,
                 trunkline.now() + make_interval(secs => $13))
         on conflict (phone, lower(email))
             where status in ('pending_verification', 'provisioning', 'waitlisted', 'active')
             do nothing",
        new.tenant.as_uuid(),
        new.bot.as_uuid(),
        new.job,
        c.company_name.as_str(),
        c.first_name.as_str(),
        c.last_name.as_str(),
        c.email.as_str(),
        c.phone.as_e164(),
        c.industry.as_ref().map(Industry::as_str),
        c.use_case.as_ref().map(UseCase::as_str),
        new.locale.as_str(),
        new.ip_hash.as_ref().map(Digest::as_bytes),
        lifetime.as_secs_f64(),
    )
    .execute(&mut *conn)
    .await
    .during("signup: insert")?;
    if made.rows_affected() == 1 {
        return Ok(Insertion::Inserted);
    }
    let open = open_with_phone_and_email(conn, &c.phone, &c.email).await?;
    // It may have ended between the two statements; then the caller's next try will do.
    let expires_at = open.ok_or(Error::Outdated { what: "sign-up" })?;
    Ok(Insertion::AlreadyOpen { expires_at })
}

/// When the open demo of this phone and this e-mail ends, if there is one.
pub async fn open_with_phone_and_email(
    conn: &mut Conn,
    phone: &PhoneNumber,
    email: &Email,
) -> Result<Option<DateTime<Utc>>, Error> {
    let row = sqlx::query!(
        "select expires_at from product.demo_signups
         where phone = $1 and lower(email) = lower($2)
           and (status in ('pending_verification', 'provisioning', 'waitlisted')
                or (status = 'active' and expires_at > trunkline.now()))",
        phone.as_e164(),
        email.as_str(),
    )
    .fetch_optional(conn)
    .await
    .during("signup: find open")?;
    Ok(row.map(|r| r.expires_at))
}

/// A demo whose time is over is not open, even if the clean-up has not been there yet.
async fn lapse(conn: &mut Conn, phone: &PhoneNumber, email: &Email) -> Result<(), Error> {
    sqlx::query!(
        "update product.demo_signups
         set status = 'expired', updated_at = trunkline.now()
         where phone = $1 and lower(email) = lower($2)
           and status = 'active' and expires_at <= trunkline.now()",
        phone.as_e164(),
        email.as_str(),
    )
    .execute(conn)
    .await
    .during("signup: lapse")?;
    Ok(())
}

/// A sign-up by its tenant's id.
pub async fn get(conn: &mut Conn, tenant: TenantId) -> Result<Option<Signup>, Error> {
    let row = sqlx::query_as!(
        SignupRow,
        "select tenant_id, bot_id, job_id, company_name, first_name, last_name, email, phone, industry, use_case,
                locale, status, access_token_hash, created_at, expires_at
         from product.demo_signups where tenant_id = $1",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("signup: get")?;
    row.map(Signup::try_from).transpose()
}

/// The newest sign-up with this phone.
pub async fn latest_by_phone(
    conn: &mut Conn,
    phone: &PhoneNumber,
) -> Result<Option<Signup>, Error> {
    let row = sqlx::query_as!(
        SignupRow,
        "select tenant_id, bot_id, job_id, company_name, first_name, last_name, email, phone, industry, use_case,
                locale, status, access_token_hash, created_at, expires_at
         from product.demo_signups where phone = $1
         order by created_at desc limit 1",
        phone.as_e164()
    )
    .fetch_optional(conn)
    .await
    .during("signup: latest by phone")?;
    row.map(Signup::try_from).transpose()
}

/// Where a sign-up stands.
pub async fn status(conn: &mut Conn, tenant: TenantId) -> Result<Option<SignupStatus>, Error> {
    let row = sqlx::query!(
        "select status from product.demo_signups where tenant_id = $1",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("signup: status")?;
    row.map(|r| r.status.parse()).transpose()
}

/// Where a sign-up stands, locked until the transaction ends.
pub async fn status_for_update(conn: &mut Conn, tenant: TenantId) -> Result<SignupStatus, Error> {
    status_locked(conn, tenant).await
}

/// Moves a sign-up, if that is legal; to where it already stands is no move and no error. To `failed` it goes with the
/// person forgotten, as [`end`] does; to `active` with the end of the tenant's demo.
pub async fn set_status(
    conn: &mut Conn,
    tenant: TenantId,
    next: SignupStatus,
) -> Result<(), Error> {
    if next == SignupStatus::Failed {
        return end(conn, tenant, next).await;
    }
    if !is_a_move(status_locked(conn, tenant).await?, next)? {
        return Ok(());
    }
    sqlx::query!(
        "update product.demo_signups s
         set status = $2, updated_at = trunkline.now(),
             expires_at = case when $2 = 'active' then coalesce(
                 (select t.demo_expires_at from product.tenants t where t.tenant_id = s.tenant_id), s.expires_at)
                 else s.expires_at end
         where s.tenant_id = $1",
        tenant.as_uuid(),
        next.as_str(),
    )
    .execute(conn)
    .await
    .during("signup: set status")?;
    Ok(())
}

/// Ends a sign-up that came to nothing, as `failed` or `expired`, and forgets the person in the same statement. Twice is
/// once; one that has ended keeps the word it ended with, and a missing one is no error: undo has nothing to do.
pub async fn end(conn: &mut Conn, tenant: TenantId, as_what: SignupStatus) -> Result<(), Error> {
    scope::require(conn, tenant).await?;
    let now = match status_locked(conn, tenant).await {
        Ok(now) => now,
        Err(Error::NotFound { .. }) => return Ok(()),
        Err(other) => return Err(other),
    };
    let ended = |status| matches!(status, SignupStatus::Expired | SignupStatus::Failed);
    let word = if ended(now) { now } else { as_what };
    if !ended(word) || !(now == word || now.may_become(word)) {
        return Err(illegal(now, as_what));
    }
    sqlx::query!(
        "update product.demo_signups
         set status = $2, updated_at = trunkline.now(), company_name = null, first_name = null, last_name = null,
             email = null, phone = null, industry = null, use_case = null, access_token_hash = null, ip_hash = null
         where tenant_id = $1",
        tenant.as_uuid(),
        word.as_str(),
    )
    .execute(conn)
    .await
    .during("signup: end")?;
    Ok(())
}

/// Stores what is kept of the token that verification hands out. A later one replaces it.
pub async fn set_access_token_hash(
    conn: &mut Conn,
    tenant: TenantId,
    hash: &Digest,
) -> Result<(), Error> {
    let done = sqlx::query!(
        "update product.demo_signups set access_token_hash = $2::bytea, updated_at = trunkline.now()
         where tenant_id = $1 and status not in ('expired', 'failed')",
        tenant.as_uuid(),
        hash.as_bytes(),
    )
    .execute(conn)
    .await
    .during("signup: set token")?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::NotFound { what: "open sign-up" }) }
}

/// The sign-up of this tenant, if this is its token. Found by id and compared in constant time.
pub async fn by_access_token(
    conn: &mut Conn,
    tenant: TenantId,
    token: &Token,
) -> Result<Option<Signup>, Error> {
    let given = token.digest();
    let signup = get(conn, tenant).await?;
    Ok(signup.filter(|signup| signup.access_token_hash.is_some_and(|hash| hash == given)))
}

/// Locks the row until the transaction ends: moves of one sign-up happen one after the other.
async fn status_locked(conn: &mut Conn, tenant: TenantId) -> Result<SignupStatus, Error> {
    sqlx::query!(
        "select status from product.demo_signups where tenant_id = $1 for update",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("signup: lock")?
    .ok_or(Error::NotFound { what: "sign-up" })?
    .status
    .parse()
}

fn is_a_move(now: SignupStatus, next: SignupStatus) -> Result<bool, Error> {
    if now == next {
        Ok(false)
    } else if now.may_become(next) {
        Ok(true)
    } else {
        Err(illegal(now, next))
    }
}

fn illegal(now: SignupStatus, next: SignupStatus) -> Error {
    Error::IllegalMove { what: "sign-up", from: now.as_str(), to: next.as_str() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_legal_move_is_in_this_list_and_no_other_is_legal() {
        use SignupStatus::{
            Active, Expired, Failed, PendingVerification, Provisioning, Waitlisted,
        };
        let legal = [
            (PendingVerification, Provisioning),
            (PendingVerification, Expired),
            (PendingVerification, Failed),
            (Provisioning, Waitlisted),
            (Provisioning, Active),
            (Provisioning, Expired),
            (Provisioning, Failed),
            (Waitlisted, Provisioning),
            (Waitlisted, Active),
            (Waitlisted, Expired),
            (Waitlisted, Failed),
            (Active, Expired),
            (Active, Failed),
            (Expired, Provisioning),
        ];
        for &from in SignupStatus::ALL {
            for &to in SignupStatus::ALL {
                assert_eq!(from.may_become(to), legal.contains(&(from, to)), "{from} -> {to}");
            }
        }
    }
}
