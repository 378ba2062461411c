//! Verification codes: ten minutes, three attempts, one use.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    CodeId, Conn, Digest, Error, MessageId, Pepper, PhoneNumber, TenantId,
    code::{Code, CodeHash, code_matches},
    error::During,
};

/// How long a code can be used. The text message says so too.
pub const LIFETIME: Duration = Duration::from_mins(10);
/// How often one code may be tried; also a CHECK. Three of 900,000 values.
pub const ATTEMPTS_MAX: i16 = 3;

/// By what a person names the sign-up that the code is for.
#[derive(Debug, Clone, Copy)]
pub enum Lookup<'a> {
    /// By the tenant's id.
    Tenant(TenantId),
    /// By the phone: its newest code is meant.
    Phone(&'a PhoneNumber),
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyOutcome {
    /// The right code, and the only time that it counts.
    Verified(Verified),
    /// Another code. The attempt is counted.
    Wrong {
        /// How many attempts remain.
        attempts_left: i16,
    },
    /// Too late.
    Expired,
    /// It has done its work already.
    Used,
    /// Too many attempts; even the right code does not help now.
    Exhausted,
    /// No code was sent for this; or, for whoever knows the phone alone, the code is another one and would not count anyway.
    Unknown,
    /// There was a code to try, but nobody may at the moment. Nothing is counted.
    Paused,
}

/// Whose phone was verified, and which job waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// The tenant.
    pub tenant: TenantId,
    /// The run of the sign-up.
    pub job: Uuid,
}

/// Where a code was accepted, its signal has been sent: it is heard well within this.
pub const LAST_MOMENT: Duration = Duration::from_mins(1);

/// Makes this the tenant's one code, which this message brings; earlier ones stop working. Says when it ends.
pub async fn issue(
    conn: &mut Conn,
    tenant: TenantId,
    phone: &PhoneNumber,
    hash: &CodeHash,
    message: MessageId,
) -> Result<DateTime<Utc>, Error> {
    let doing = "code: issue";
    sqlx::query!(
        "update product.demo_verification_codes
         set replaced_at = trunkline.now(), code_hmac = null
         where tenant_id = $1 and replaced_at is null",
        tenant.as_uuid()
    )
    .execute(&mut *conn)
    .await
    .during(doing)?;
    let row = sqlx::query!(
        "insert into product.demo_verification_codes (code_id, tenant_id, phone, code_hmac, expires_at, message_id)
         values ($1, $2, $3::text, $4::bytea, trunkline.now() + make_interval(secs => $5), $6)
         returning expires_at",
        CodeId::mint().as_uuid(),
        tenant.as_uuid(),
        phone.as_e164(),
        hash.as_bytes(),
        LIFETIME.as_secs_f64(),
        message.as_uuid(),
    )
    .fetch_one(conn)
    .await
    .during(doing)?;
    Ok(row.expires_at)
}

/// Until when a tenant's sign-up waits for another code than that of this message, which failed: a newer one that can still
/// be used, or one that was used, whose signal is on its way. None: there is none, and the failure counts. A code of which
/// nobody knows the message is not newer.
pub async fn newer_until(
    conn: &mut Conn,
    tenant: TenantId,
    failed: MessageId,
) -> Result<Option<DateTime<Utc>>, Error> {
    sqlx::query_scalar!(
        r#"select case when used_at is null then expires_at
                       else trunkline.now() + make_interval(secs => $3) end as "until!"
           from product.demo_verification_codes
           where tenant_id = $1 and replaced_at is null
             and (used_at is not null or message_id <> $2 and expires_at > trunkline.now())"#,
        tenant.as_uuid(),
        failed.as_uuid(),
        LAST_MOMENT.as_secs_f64(),
    )
    .fetch_optional(conn)
    .await
    .during("code: newer")
}

/// When the code ends that a tenant's sign-up waits for, if it can still be used.
pub async fn current_until(
    conn: &mut Conn,
    tenant: TenantId,
) -> Result<Option<DateTime<Utc>>, Error> {
    sqlx::query_scalar!(
        "select expires_at from product.demo_verification_codes
         where tenant_id = $1 and replaced_at is null and used_at is null and expires_at > trunkline.now()",
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("code: current")
}

/// Whose phone a sign-up's code was sent to: in its name wrong codes are counted.
pub async fn phone_of(conn: &mut Conn, tenant: TenantId) -> Result<Option<PhoneNumber>, Error> {
    let phone = sqlx::query_scalar!(
        r#"select phone::text as "phone!" from product.demo_verification_codes
           where tenant_id = $1 and replaced_at is null"#,
        tenant.as_uuid()
    )
    .fetch_optional(conn)
    .await
    .during("code: phone")?;
    phone.as_deref().map(PhoneNumber::stored).transpose()
}

/// Tries a code. The row is locked, so two attempts at once count as two and only one of them can be the use. Commit also
/// when the answer is no: a rolled-back attempt was never counted. `may_try`: false while a pause keeps everybody from trying.
pub async fn verify(
    conn: &mut Conn,
    lookup: Lookup<'_>,
    code: &Code,
    pepper: &Pepper,
    may_try: bool,
) -> Result<VerifyOutcome, Error> {
    let Some(stored) = current_locked(conn, lookup).await? else {
        return Ok(VerifyOutcome::Unknown);
    };
    let fits = stored.hash.is_some_and(|hash| code_matches(pepper, stored.tenant, code, &hash));
    if !may_try && is_live(&stored) {
        return Ok(VerifyOutcome::Paused);
    }
    let verdict = match lookup {
        // Whoever knows the phone alone learns nothing by guessing, not even that there was a code.
        Lookup::Phone(_) if !fits && !is_live(&stored) => return Ok(VerifyOutcome::Unknown),
        Lookup::Phone(_) | Lookup::Tenant(_) => judge(&stored, fits),
    };
    match verdict {
        Verdict::Right => use_up(conn, stored.code).await?,
        Verdict::Wrong { .. } => count_attempt(conn, stored.code).await?,
        Verdict::Used | Verdict::Exhausted | Verdict::Expired => {}
    }
    Ok(match verdict {
        Verdict::Right => {
            VerifyOutcome::Verified(Verified { tenant: stored.tenant, job: stored.job })
        }
        Verdict::Wrong { attempts_left } => VerifyOutcome::Wrong { attempts_left },
        Verdict::Used => VerifyOutcome::Used,
        Verdict::Exhausted => VerifyOutcome::Exhausted,
        Verdict::Expired => VerifyOutcome::Expired,
    })
}

/// An operator vouches for the phone: the sign-up counts as verified without a code, and its code stops working. None if
/// there is no sign-up that waits for this. The caller writes the audit entry.
pub async fn waive(conn: &mut Conn, tenant: TenantId) -> Result<Option<Verified>, Error> {
    let doing = "code: waive";
    let signup = sqlx::query!(
        "select job_id from product.demo_signups
         where tenant_id = $1 and status = 'pending_verification'
         for update",
        tenant.as_uuid()
    )
    .fetch_optional(&mut *conn)
    .await
    .during(doing)?;
    let Some(signup) = signup else { return Ok(None) };
    sqlx::query!(
        "update product.demo_verification_codes
         set used_at = trunkline.now()
         where tenant_id = $1 and replaced_at is null and used_at is null",
        tenant.as_uuid()
    )
    .execute(conn)
    .await
    .during(doing)?;
    Ok(Some(Verified { tenant, job: signup.job_id }))
}

/// What a clean-up did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleaned {
    /// Codes whose hash was forgotten.
    pub forgotten: u64,
    /// Rows that went.
    pub deleted: u64,
}

/// Forgets the hashes of codes that nobody can use any more, and deletes rows older than `keep`. The rows are kept that long
/// because success rates are counted from them.
pub async fn clean(conn: &mut Conn, keep: Duration) -> Result<Cleaned, Error> {
    let doing = "code: clean";
    let deleted = sqlx::query!(
        "delete from product.demo_verification_codes
         where created_at < trunkline.now() - make_interval(secs => $1)
           and expires_at < trunkline.now()",
        keep.as_secs_f64(),
    )
    .execute(&mut *conn)
    .await
    .during(doing)?
    .rows_affected();
    let forgotten = sqlx::query!(
        "update product.demo_verification_codes set code_hmac = null
         where code_hmac is not null
           and (expires_at < trunkline.now() or used_at < trunkline.now() - interval '24 hours')"
    )
    .execute(conn)
    .await
    .during(doing)?
    .rows_affected();
    Ok(Cleaned { forgotten, deleted })
}

struct Stored {
    code: Uuid,
    tenant: TenantId,
    job: Uuid,
    hash: Option<Digest>,
    attempts: i16,
    used: bool,
    expired: bool,
}

/// Whether the right code would count.
fn is_live(stored: &Stored) -> bool {
    judge(stored, true) == Verdict::Right
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    Wrong { attempts_left: i16 },
    Used,
    Exhausted,
    Expired,
}

fn judge(stored: &Stored, fits: bool) -> Verdict {
    if stored.used {
        Verdict::Used
    } else if stored.attempts >= ATTEMPTS_MAX {
        Verdict::Exhausted
    } else if stored.expired {
        Verdict::Expired
    } else if fits {
        Verdict::Right
    } else {
        Verdict::Wrong { attempts_left: ATTEMPTS_MAX - stored.attempts - 1 }
    }
}

async fn current_locked(conn: &mut Conn, lookup: Lookup<'_>) -> Result<Option<Stored>, Error> {
    let (tenant, phone) = match lookup {
        Lookup::Tenant(tenant) => (Some(tenant.as_uuid()), None),
        Lookup::Phone(phone) => (None, Some(phone.as_e164())),
    };
    let row = sqlx::query!(
        r#"select c.code_id, c.tenant_id, s.job_id, c.code_hmac, c.attempts,
                  c.used_at is not null as "used!", c.expires_at <= trunkline.now() as "expired!"
           from product.demo_verification_codes c
           join product.demo_signups s using (tenant_id)
           where c.replaced_at is null
             and case when $1::uuid is null then c.phone = $2::text else c.tenant_id = $1 end
           order by c.created_at desc
           limit 1
           for update of c"#,
        tenant,
        phone,
    )
    .fetch_optional(conn)
    .await
    .during("code: read")?;
    row.map(|r| {
        Ok(Stored {
            code: r.code_id,
            tenant: r.tenant_id.into(),
            job: r.job_id,
            hash: r.code_hmac.as_deref().map(Digest::stored).transpose()?,
            attempts: r.attempts,
            used: r.used,
            expired: r.expired,
        })
    })
    .transpose()
}

async fn use_up(conn: &mut Conn, code: Uuid) -> Result<(), Error> {
    sqlx::query!(
        "update product.demo_verification_codes
         set used_at = trunkline.now(), attempts = attempts + 1
         where code_id = $1",
        code
    )
    .execute(conn)
    .await
    .during("code: use")?;
    Ok(())
}

async fn count_attempt(conn: &mut Conn, code: Uuid) -> Result<(), Error> {
    sqlx::query!(
        "update product.demo_verification_codes set attempts = attempts + 1 where code_id = $1",
        code
    )
    .execute(conn)
    .await
    .during("code: count")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::CodeId;

    fn stored(attempts: i16, used: bool, expired: bool) -> Stored {
        let (code, job) = (CodeId::mint().as_uuid(), CodeId::mint().as_uuid());
        Stored { code, tenant: TenantId::mint(), job, hash: None, attempts, used, expired }
    }

    #[test]
    fn the_right_code_counts_in_time_with_attempts_left_and_once() {
        assert_eq!(judge(&stored(0, false, false), true), Verdict::Right);
        assert_eq!(judge(&stored(2, false, false), true), Verdict::Right);
        assert_eq!(judge(&stored(3, false, false), true), Verdict::Exhausted);
        assert_eq!(judge(&stored(0, false, true), true), Verdict::Expired);
        assert_eq!(judge(&stored(1, true, false), true), Verdict::Used);
        assert_eq!(judge(&stored(1, true, true), false), Verdict::Used);
    }

    #[test]
    fn wrong_codes_count_down_to_none() {
        assert_eq!(judge(&stored(0, false, false), false), Verdict::Wrong { attempts_left: 2 });
        assert_eq!(judge(&stored(2, false, false), false), Verdict::Wrong { attempts_left: 0 });
        assert_eq!(judge(&stored(3, false, false), false), Verdict::Exhausted);
    }
}
