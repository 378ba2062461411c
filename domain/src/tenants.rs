//! Customers, from a demo that nobody has verified yet to the end.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::{Conn, Error, TenantId, error::During, line::CompanyName, numbers, scope, word::words};

words! {
    /// Where a tenant stands.
    pub enum TenantStatus ("tenant status") {
        /// Signed up, phone not verified yet.
        DemoPending = "demo_pending",
        /// A running demo.
        Trial = "trial",
        /// A customer.
        Active = "active",
        /// Stopped by an operator, may come back.
        Suspended = "suspended",
        /// The demo's time is over.
        Expired = "expired",
        /// Gone for good.
        Offboarded = "offboarded",
    }
}

impl TenantStatus {
    /// Reads a status; `demo` is another word for `trial`.
    pub fn of_word(word: &str) -> Result<Self, Error> {
        if word == "demo" { Ok(Self::Trial) } else { word.parse() }
    }

    /// Whether this move is legal. A pending demo that fails is deleted, not moved.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::DemoPending => next == Self::Trial,
            Self::Trial => matches!(next, Self::Active | Self::Suspended | Self::Expired),
            Self::Active => matches!(next, Self::Suspended | Self::Offboarded),
            Self::Suspended => next != Self::DemoPending && next != Self::Suspended,
            Self::Expired => matches!(next, Self::Trial | Self::Active | Self::Offboarded),
            Self::Offboarded => false,
        }
    }
}

/// A tenant's own record.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Who.
    pub tenant: TenantId,
    /// The company.
    pub company_name: String,
    /// Where it stands.
    pub status: TenantStatus,
    /// When the demo ends or ended; none for those that never had one.
    pub demo_expires_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

words! {
    /// Whether a tenant's people may use the product now, by the database's clock.
    pub enum Admission ("admission") {
        /// They may.
        Open = "open",
        /// The demo's time is over, whether or not the clean-up has been there.
        Expired = "expired",
        /// Suspended, offboarded or not verified yet.
        Closed = "closed",
    }
}

/// One move of a tenant's status.
#[derive(Debug, Clone)]
pub struct StatusChange {
    /// None for the first.
    pub previous: Option<TenantStatus>,
    /// Where it went.
    pub status: TenantStatus,
    /// Why.
    pub reason: String,
    /// When.
    pub changed_at: DateTime<Utc>,
}

/// Makes the tenant of a sign-up, under the id that the API promised. Twice is once.
pub async fn create_pending(
    conn: &mut Conn,
    tenant: TenantId,
    company_name: &CompanyName,
) -> Result<(), Error> {
    let doing = "tenant: create";
    let made = sqlx::query!(
        "insert into product.tenants (tenant_id, company_name, status)
         values ($1, $2, 'demo_pending')
         on conflict (tenant_id) do nothing",
        tenant.as_uuid(),
        company_name.as_str(),
    )
    .execute(&mut *conn)
    .await
    .during(doing)?;
    if made.rows_affected() == 1 {
        history_add(conn, tenant, None, TenantStatus::DemoPending, "signed up").await?;
    }
    Ok(())
}

/// Starts the demo's time and says when it ends. A second call says the same and changes nothing.
pub async fn activate_demo(
    conn: &mut Conn,
    tenant: TenantId,
    lifetime: Duration,
) -> Result<DateTime<Utc>, Error> {
    let now = get_locked(conn, tenant).await?;
    if let (TenantStatus::Trial, Some(ends)) = (now.status, now.demo_expires_at) {
        return Ok(ends);
    }
    check_move(now.status, TenantStatus::Trial)?;
    let row = sqlx::query!(
        r#"update product.tenants
           set status = 'trial', updated_at = trunkline.now(),
               demo_expires_at = trunkline.now() + make_interval(secs => $2)
           where tenant_id = $1
           returning demo_expires_at as "ends!""#,
        tenant.as_uuid(),
        lifetime.as_secs_f64(),
    )
    .fetch_one(&mut *conn)
    .await
    .during("tenant: activate")?;
    history_add(conn, tenant, Some(now.status), TenantStatus::Trial, "demo began").await?;
    Ok(row.ends)
}

/// Moves a tenant, if that is legal; to where it already stands is no move and no error. Says where it stood.
pub async fn move_to(
    conn: &mut Conn,
    tenant: TenantId,
    next: TenantStatus,
    reason: &str,
) -> Result<TenantStatus, Error> {
    let now = get_locked(conn, tenant).await?.status;
    if now == next {
        return Ok(now);
    }
    check_move(now, next)?;
    sqlx::query!(
        "update product.tenants set status = $2, updated_at = trunkline.now() where tenant_id = $1",
        tenant.as_uuid(),
        next.as_str(),
    )
    .execute(&mut *conn)
    .await
    .during("tenant: move")?;
    history_add(conn, tenant, Some(now), next, reason).await?;
    Ok(now)
}

/// Takes a move back that should not have been: from `seen` to where the tenant stood before, legal or not. False if the
/// tenant is gone or has moved on since: then there is nothing to take back.
pub async fn move_back(
    conn: &mut Conn,
    tenant: TenantId,
    seen: TenantStatus,
    to: TenantStatus,
) -> Result<bool, Error> {
    let moved = sqlx::query!(
        "update product.tenants set status = $3, updated_at = trunkline.now()
         where tenant_id = $1 and status = $2",
        tenant.as_uuid(),
        seen.as_str(),
        to.as_str(),
    )
    .execute(&mut *conn)
    .await
    .during("tenant: move back")?;
    if moved.rows_affected() == 0 {
        return Ok(false);
    }
    history_add(conn, tenant, Some(seen), to, "the move was taken back").await?;
    Ok(true)
}

/// Takes a sign-up's tenant back, with everything that hangs on it: users and their sessions, bot, subscription, codes,
/// access, mapping, place in the waiting list; its number goes back to the pool. Twice is once. A tenant that is past its
/// demo is not touched, that is an error.
pub async fn delete_demo(conn: &mut Conn, tenant: TenantId) -> Result<(), Error> {
    scope::require(conn, tenant).await?;
    let status = match get_locked(conn, tenant).await {
        Ok(found) => found.status,
        Err(Error::NotFound { .. }) => return Ok(()),
        Err(other) => return Err(other),
    };
    if !matches!(status, TenantStatus::DemoPending | TenantStatus::Trial) {
        let to = "deleted";
        return Err(Error::IllegalMove { what: "tenant", from: status.as_str(), to });
    }
    // Nobody was ever told this number, so nobody will ring its next owner by mistake.
    numbers::release(conn, tenant, Duration::ZERO).await?;
    sqlx::query!("delete from product.tenants where tenant_id = $1", tenant.as_uuid())
        .execute(conn)
        .await
        .during("tenant: delete")?;
    Ok(())
}

/// A tenant, if it is there and visible.
pub async fn get(conn: &mut Conn, tenant: TenantId) -> Result<Option<Tenant>, Error> {
    let row = sqlx::query_as!(
        TenantRow,
        "select tenant_id, company_name, status, demo_expires_at, created_at
         from product.tenants where tenant_id = $1",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("tenant: get")?;
    row.map(Tenant::try_from).transpose()
}

/// Whether a tenant's people may use the product now.
pub async fn admission(conn: &mut Conn, tenant: TenantId) -> Result<Admission, Error> {
    let row = sqlx::query!(
        r#"select status, demo_expires_at <= trunkline.now() as "over" from product.tenants where tenant_id = $1"#,
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("tenant: admission")?
    .ok_or(Error::NotFound { what: "tenant" })?;
    Ok(admit(row.status.parse()?, row.over.unwrap_or(false)))
}

pub(crate) fn admit(status: TenantStatus, demo_is_over: bool) -> Admission {
    match status {
        TenantStatus::Trial if demo_is_over => Admission::Expired,
        TenantStatus::Active | TenantStatus::Trial => Admission::Open,
        TenantStatus::Expired => Admission::Expired,
        TenantStatus::DemoPending | TenantStatus::Suspended | TenantStatus::Offboarded => {
            Admission::Closed
        }
    }
}

/// Every move of a tenant, oldest first.
pub async fn history(conn: &mut Conn, tenant: TenantId) -> Result<Vec<StatusChange>, Error> {
    let rows = sqlx::query!(
        "select previous_status, status, reason, changed_at
         from product.tenant_status_history where tenant_id = $1 order by change_id",
        tenant.as_uuid()
    )
    .fetch_all(conn)
    .await
    .during("tenant: history")?;
    let change = |previous: Option<String>, status: String, reason, changed_at| {
        let previous = previous.map(|word| word.parse()).transpose()?;
        Ok(StatusChange { previous, status: status.parse()?, reason, changed_at })
    };
    rows.into_iter().map(|r| change(r.previous_status, r.status, r.reason, r.changed_at)).collect()
}

/// A tenant, if it is there, locked until the transaction ends.
pub async fn lock(conn: &mut Conn, tenant: TenantId) -> Result<Option<Tenant>, Error> {
    match get_locked(conn, tenant).await {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Where a tenant stood before it came to where it stands.
pub async fn previous(conn: &mut Conn, tenant: TenantId) -> Result<Option<TenantStatus>, Error> {
    let row = sqlx::query_scalar!(
        "select previous_status from product.tenant_status_history
         where tenant_id = $1 order by change_id desc limit 1",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("tenant: previous")?;
    row.flatten().map(|word| word.parse()).transpose()
}

/// Locks the row until the transaction ends: moves of one tenant happen one after the other.
async fn get_locked(conn: &mut Conn, tenant: TenantId) -> Result<Tenant, Error> {
    sqlx::query_as!(
        TenantRow,
        "select tenant_id, company_name, status, demo_expires_at, created_at
         from product.tenants where tenant_id = $1 for update",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("tenant: lock")?
    .ok_or(Error::NotFound { what: "tenant" })?
    .try_into()
}

fn check_move(now: TenantStatus, next: TenantStatus) -> Result<(), Error> {
    if now.may_become(next) {
        Ok(())
    } else {
        Err(Error::IllegalMove { what: "tenant", from: now.as_str(), to: next.as_str() })
    }
}

pub(crate) async fn history_add(
    conn: &mut Conn,
    tenant: TenantId,
    previous: Option<TenantStatus>,
    next: TenantStatus,
    reason: &str,
) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.tenant_status_history (tenant_id, previous_status, status, reason)
         values ($1, $2, $3, $4)",
        tenant.as_uuid(),
        previous.map(TenantStatus::as_str),
        next.as_str(),
        reason,
    )
    .execute(conn)
    .await
    .during("tenant: history")?;
    Ok(())
}

struct TenantRow {
    tenant_id: uuid::Uuid,
    company_name: String,
    status: String,
    demo_expires_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<TenantRow> for Tenant {
    type Error = Error;

    fn try_from(row: TenantRow) -> Result<Self, Error> {
        Ok(Self {
            tenant: row.tenant_id.into(),
            company_name: row.company_name,
            status: row.status.parse()?,
            demo_expires_at: row.demo_expires_at,
            created_at: row.created_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_legal_move_is_in_this_list_and_no_other_is_legal() {
        use TenantStatus::{Active, DemoPending, Expired, Offboarded, Suspended, Trial};
        let legal = [
            (DemoPending, Trial),
            (Trial, Active),
            (Trial, Suspended),
            (Trial, Expired),
            (Active, Suspended),
            (Active, Offboarded),
            (Suspended, Trial),
            (Suspended, Active),
            (Suspended, Expired),
            (Suspended, Offboarded),
            (Expired, Trial),
            (Expired, Active),
            (Expired, Offboarded),
        ];
        for &from in TenantStatus::ALL {
            for &to in TenantStatus::ALL {
                assert_eq!(from.may_become(to), legal.contains(&(from, to)), "{from} -> {to}");
            }
        }
    }

    #[test]
    fn demo_is_another_word_for_trial() {
        assert_eq!(TenantStatus::of_word("demo").unwrap(), TenantStatus::Trial);
        assert_eq!(TenantStatus::of_word("trial").unwrap(), TenantStatus::Trial);
        assert!(TenantStatus::of_word("SUSPENDED").is_err());
    }

    #[test]
    fn a_demo_whose_time_is_over_is_shut_before_the_clean_up_comes() {
        assert_eq!(admit(TenantStatus::Trial, false), Admission::Open);
        assert_eq!(admit(TenantStatus::Trial, true), Admission::Expired);
        assert_eq!(admit(TenantStatus::Active, true), Admission::Open);
        assert_eq!(admit(TenantStatus::Suspended, false), Admission::Closed);
    }
}
