//! What providers know us by, where it is kept here instead of in the environment of processes. The secret is in a box that
//! this crate cannot open; beside it stands who set it, since when, and until when it counts.
//!
//! Of a credential several versions can count at once: the newest, and those whose place was taken a while ago. A row is for
//! ever; its box is forgotten when it is over. All of it needs [`crate::scope::platform`].

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{Conn, Error, Pepper, error::During, word::words};

/// Versions of one credential that count at once: the newest, the one before it, and what was set by mistake in between. What
/// checks a signature tries all of them.
pub const COUNTING_MAX: i64 = 5;

/// Versions in the list. A credential is exchanged a few times a year.
const LIST_MAX: i64 = 1000;

/// Digits of a fingerprint: enough to tell two secrets of one account apart, and far too few to be one.
const FINGERPRINT_CHARS: usize = 12;

words! {
    /// One thing that a provider knows us by.
    pub enum Credential ("provider credential") {
        /// Calls Twilio, and checks the signatures of its webhooks and streams.
        TwilioAuthToken = "twilio_auth_token",
        /// Calls Stripe.
        StripeSecretKey = "stripe_secret_key",
        /// Checks the signatures of Stripe's webhooks.
        StripeWebhookSecret = "stripe_webhook_secret",
        /// Calls OpenAI, for texts and for speech.
        OpenAiApiKey = "openai_api_key",
    }
}

impl Credential {
    /// Whose it is.
    pub fn provider(self) -> &'static str {
        match self {
            Credential::TwilioAuthToken => "twilio",
            Credential::StripeSecretKey | Credential::StripeWebhookSecret => "stripe",
            Credential::OpenAiApiKey => "openai",
        }
    }

    /// What a secret is called without telling it: the same secret has the same fingerprint, and only who has the pepper could
    /// try out secrets against it.
    pub fn fingerprint(self, pepper: &Pepper, secret: &str) -> String {
        let parts = [self.as_str().as_bytes(), secret.as_bytes()];
        let mut digits = hex::encode(pepper.hash("provider credential", &parts).as_bytes());
        digits.truncate(FINGERPRINT_CHARS);
        digits
    }
}

/// A version that counts now.
#[derive(Debug, Clone)]
pub struct Counting {
    /// Of which credential.
    pub credential: Credential,
    /// Which.
    pub version: i32,
    /// What is in it.
    pub sealed: Vec<u8>,
    /// For how long it counts yet; `None`: it is the newest.
    pub left: Option<Duration>,
    /// For how long what processes were configured with counts beside it; `None`: not any more.
    pub configured_left: Option<Duration>,
}

/// All that count now, of each credential the newest first.
pub async fn counting(conn: &mut Conn) -> Result<Vec<Counting>, Error> {
    let rows = sqlx::query!(
        r#"select credential, version, sealed as "sealed!",
                  extract(epoch from expires_at - trunkline.now())::float8 as secs_left,
                  extract(epoch from configured_until - trunkline.now())::float8 as configured_secs_left
           from product.provider_credentials
           where sealed is not null and (expires_at is null or expires_at > trunkline.now())
           order by credential, version desc"#
    )
    .fetch_all(conn)
    .await
    .during("provider credential: counting")?;
    let time = |secs: f64| Duration::try_from_secs_f64(secs).unwrap_or_default();
    // What a newer version of this program knows is not for this one.
    let known = rows.into_iter().filter_map(|row| Some((row.credential.parse().ok()?, row)));
    let counting = known.map(|(credential, row)| Counting {
        credential,
        version: row.version,
        sealed: row.sealed,
        left: row.secs_left.map(time),
        configured_left: row.configured_secs_left.filter(|secs| *secs > 0.0).map(time),
    });
    Ok(counting.collect())
}

/// Locks all of them until the transaction ends, also those that were never set. Whoever only reads them goes on.
pub async fn lock(conn: &mut Conn) -> Result<(), Error> {
    sqlx::query!("lock table product.provider_credentials in share row exclusive mode")
        .execute(conn)
        .await
        .during("provider credential: lock")?;
    Ok(())
}

/// How one stands, for whoever has it locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The newest one's fingerprint, where there is one.
    pub newest: Option<String>,
    /// How many versions count.
    pub counting: i64,
}

/// How a locked credential stands.
pub async fn standing(conn: &mut Conn, credential: Credential) -> Result<Standing, Error> {
    sqlx::query_as!(
        Standing,
        r#"select max(fingerprint) filter (where expires_at is null) as newest, count(*) as "counting!"
           from product.provider_credentials
           where credential = $1 and sealed is not null
             and (expires_at is null or expires_at > trunkline.now())"#,
        credential.as_str(),
    )
    .fetch_one(conn)
    .await
    .during("provider credential: standing")
}

/// A version that is to be the newest.
#[derive(Debug, Clone, Copy)]
pub struct NewVersion<'a> {
    /// Of which.
    pub credential: Credential,
    /// What is in it.
    pub sealed: &'a [u8],
    /// What it is called.
    pub fingerprint: &'a str,
    /// For how long the one whose place it takes counts yet, be it a version or what processes were configured with.
    pub grace: Duration,
    /// Who sets it.
    pub by: &'a str,
}

/// A newer version of a locked credential; says which it is. The one before counts for its grace yet, and those before that
/// for no longer than they would have. Where there is none, what processes were configured with does.
pub async fn set(conn: &mut Conn, new: NewVersion<'_>) -> Result<i32, Error> {
    sqlx::query!(
        "update product.provider_credentials set expires_at = trunkline.now() + make_interval(secs => $2)
         where credential = $1 and expires_at is null and retired_at is null",
        new.credential.as_str(),
        new.grace.as_secs_f64(),
    )
    .execute(&mut *conn)
    .await
    .during("provider credential: let go")?;
    forget(conn).await?;
    sqlx::query_scalar!(
        r#"insert into product.provider_credentials (credential, version, sealed, fingerprint, set_by, configured_until)
           select $1::text, coalesce(max(version), 0) + 1, $2::bytea, $3::text, $4::text,
                  case when count(sealed) = 0 then trunkline.now() + make_interval(secs => $5) end
           from product.provider_credentials where credential = $1::text
           returning version"#,
        new.credential.as_str(),
        new.sealed,
        new.fingerprint,
        new.by,
        new.grace.as_secs_f64(),
    )
    .fetch_one(conn)
    .await
    .during("provider credential: set")
}

/// Ends what counts of a locked credential: all of it, or only what a newer one has taken the place of. Says how much that
/// was; zero: there was nothing.
pub async fn retire(
    conn: &mut Conn,
    credential: Credential,
    previous_only: bool,
    by: &str,
) -> Result<u64, Error> {
    forget(conn).await?;
    let done = sqlx::query!(
        "update product.provider_credentials
         set sealed = null, retired_at = trunkline.now(), retired_by = $3
         where credential = $1 and sealed is not null and (expires_at is not null or not $2)",
        credential.as_str(),
        previous_only,
        by,
    )
    .execute(&mut *conn)
    .await
    .during("provider credential: retire")?;
    let let_go = sqlx::query!(
        "update product.provider_credentials set configured_until = trunkline.now()
         where credential = $1 and sealed is not null and configured_until > trunkline.now()",
        credential.as_str(),
    )
    .execute(conn)
    .await
    .during("provider credential: retire the configured one")?;
    Ok(done.rows_affected() + let_go.rows_affected())
}

/// Forgets the secrets whose time is over; says of how many. That there was one stays in the record.
pub async fn forget(conn: &mut Conn) -> Result<u64, Error> {
    let gone = sqlx::query!(
        "update product.provider_credentials set sealed = null
         where sealed is not null and expires_at <= trunkline.now()"
    )
    .execute(conn)
    .await
    .during("provider credential: forget")?;
    Ok(gone.rows_affected())
}

/// A box that is kept, whether it counts or not.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Of which credential.
    pub credential: String,
    /// Which version.
    pub version: i32,
    /// The box.
    pub sealed: Vec<u8>,
}

/// All boxes there are, for whoever exchanges the key that they are sealed with.
pub async fn kept(conn: &mut Conn) -> Result<Vec<Kept>, Error> {
    sqlx::query_as!(
        Kept,
        r#"select credential, version, sealed as "sealed!"
           from product.provider_credentials where sealed is not null
           order by credential, version"#
    )
    .fetch_all(conn)
    .await
    .during("provider credential: kept")
}

/// Puts the same content under another key where the old one was. False: it is another by now, or forgotten.
pub async fn reseal(conn: &mut Conn, old: &Kept, new: &[u8]) -> Result<bool, Error> {
    let done = sqlx::query!(
        "update product.provider_credentials set sealed = $4
         where credential = $1 and version = $2 and sealed = $3",
        old.credential,
        old.version,
        old.sealed,
        new,
    )
    .execute(conn)
    .await
    .during("provider credential: reseal")?;
    Ok(done.rows_affected() == 1)
}

/// A version as people look at it.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Of which credential.
    pub credential: String,
    /// Which.
    pub version: i32,
    /// What its secret is called.
    pub fingerprint: String,
    /// Since when.
    pub set_at: DateTime<Utc>,
    /// By whom.
    pub set_by: String,
    /// Until when signatures by what processes were configured with are taken beside it.
    pub configured_until: Option<DateTime<Utc>>,
    /// Until when it counts, where a newer one has taken its place.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was ended by hand.
    pub retired_at: Option<DateTime<Utc>>,
    /// By whom.
    pub retired_by: Option<String>,
    /// Whether it is the one that we call with.
    pub newest: bool,
    /// Whether it counts now.
    pub counts: bool,
}

/// All versions, the newest first, without what is secret.
pub async fn list(conn: &mut Conn) -> Result<Vec<Listed>, Error> {
    sqlx::query_as!(
        Listed,
        r#"select credential, version, fingerprint, set_at, set_by, configured_until, expires_at,
                  retired_at, retired_by, expires_at is null and retired_at is null as "newest!",
                  sealed is not null and (expires_at is null or expires_at > trunkline.now()) as "counts!"
           from product.provider_credentials order by set_at desc, credential, version desc limit $1"#,
        LIST_MAX,
    )
    .fetch_all(conn)
    .await
    .during("provider credential: list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_depends_on_secret_and_pepper_and_tells_neither() {
        let pepper = |fill: &str| Pepper::new(fill.repeat(Pepper::BYTES_MIN).into()).unwrap();
        let of = |fill, secret| Credential::TwilioAuthToken.fingerprint(&pepper(fill), secret);
        assert_eq!(of("a", "one"), of("a", "one"));
        assert_ne!(of("a", "one"), of("a", "two"));
        assert_ne!(of("a", "one"), of("b", "one"));
        let other = Credential::OpenAiApiKey.fingerprint(&pepper("a"), "one");
        assert_ne!(of("a", "one"), other, "the same secret of another credential is another");
        assert_eq!(other.len(), FINGERPRINT_CHARS);
    }
}
