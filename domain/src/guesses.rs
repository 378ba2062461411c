//! Wrong codes, again and again: a pause that doubles, by phone, over all the codes that were ever sent to it. It depends on
//! nothing but what was typed, so that it tells nobody whether the phone has a sign-up.

use std::time::Duration;

use crate::{Conn, Digest, Error, error::During};

/// So many wrong codes happen to anybody: one code's attempts.
pub const FREE: i32 = 3;

/// The pause after [`FREE`] wrong codes; doubled with each further one.
const FIRST_PAUSE_SECS: f64 = 15.0;

/// No pause is longer: whoever knows a phone can keep its owner out for so long, by guessing in their name.
const PAUSE_MAX_SECS: f64 = 900.0;

/// Who does not try for so long begins anew.
const FORGET: Duration = Duration::from_hours(24);

/// How long nobody may try with this key; none if they may now.
pub async fn pause(conn: &mut Conn, key: &Digest) -> Result<Option<Duration>, Error> {
    let left = sqlx::query_scalar!(
        r#"select extract(epoch from blocked_until - trunkline.now())::float8 as "left!"
           from product.verification_failures
           where key_hash = $1::bytea and blocked_until > trunkline.now() and forget_at > trunkline.now()"#,
        key.as_bytes()
    )
    .fetch_optional(conn)
    .await
    .during("guess: pause")?;
    Ok(left.and_then(|secs| Duration::try_from_secs_f64(secs.ceil().max(1.0)).ok()))
}

/// Counts a wrong code. Commit it for it to count.
pub async fn wrong(conn: &mut Conn, key: &Digest) -> Result<(), Error> {
    sqlx::query!(
        "insert into product.verification_failures as f (key_hash, failures, blocked_until, forget_at)
         values ($1::bytea, 1, trunkline.now(), trunkline.now() + make_interval(secs => $2))
         on conflict (key_hash) do update set
             failures = case when f.forget_at <= trunkline.now() then 1 else least(f.failures, 1000) + 1 end,
             blocked_until = trunkline.now() + make_interval(secs => case
                 when f.forget_at <= trunkline.now() or f.failures + 1 < $3 then 0
                 else least($5, $4 * power(2, least(f.failures + 1 - $3, 20))) end),
             forget_at = excluded.forget_at",
        key.as_bytes(),
        FORGET.as_secs_f64(),
        FREE,
        FIRST_PAUSE_SECS,
        PAUSE_MAX_SECS,
    )
    .execute(conn)
    .await
    .during("guess: wrong")?;
    Ok(())
}

/// A right code forgets the wrong ones.
pub async fn right(conn: &mut Conn, key: &Digest) -> Result<(), Error> {
    sqlx::query!(
        "delete from product.verification_failures where key_hash = $1::bytea",
        key.as_bytes()
    )
    .execute(conn)
    .await
    .during("guess: right")?;
    Ok(())
}

/// Forgets who has not tried for long; says how many.
pub async fn clean(conn: &mut Conn) -> Result<u64, Error> {
    let gone = sqlx::query!(
        "delete from product.verification_failures where forget_at <= trunkline.now()"
    )
    .execute(conn)
    .await
    .during("guess: clean")?;
    Ok(gone.rows_affected())
}
