//! Answers that are given again: what was done under an `Idempotency-Key` is done once, and whoever asks again hears what the
//! first one heard.

use serde_json::Value;

use crate::{Conn, Digest, Error, error::During};

/// How long an answer is kept, in days. Whoever repeats a request does so within minutes; a script that is run again, on
/// the next day.
const KEPT_DAYS: i32 = 2;

/// Old answers that a new one takes with it: more than come, so that they never pile up.
const FORGOTTEN_AT_ONCE: i64 = 10;

/// What is known about a key.
#[derive(Debug)]
pub enum Kept {
    /// Nothing: it is the first request, and whoever else comes with the key waits for this transaction.
    New,
    /// The same request has been answered.
    Answered {
        /// The status.
        status: u16,
        /// The body.
        body: Value,
    },
    /// Another request has used the key.
    Other,
}

/// Takes a key for a request. A second one with the same key waits here until the first one's transaction is over.
pub async fn take(conn: &mut Conn, key: &Digest, request: &Digest) -> Result<Kept, Error> {
    // Until the deed is done the answer is a placeholder, which nobody sees: it commits with the real one or not at all.
    let taken = sqlx::query!(
        "insert into product.kept_answers (key_hash, request_hash, status, body)
         values ($1::bytea, $2::bytea, 202, 'null')
         on conflict (key_hash) do update
             set request_hash = excluded.request_hash, status = 202, body = 'null', at = trunkline.now()
             where kept_answers.at < trunkline.now() - make_interval(days => $3)",
        key.as_bytes(),
        request.as_bytes(),
        KEPT_DAYS,
    )
    .execute(&mut *conn)
    .await
    .during("kept answers: take")?;
    if taken.rows_affected() == 1 {
        forget(conn).await?;
        return Ok(Kept::New);
    }
    let row = sqlx::query!(
        r#"select request_hash::bytea as "request_hash!", status, body from product.kept_answers where key_hash = $1::bytea"#,
        key.as_bytes(),
    )
    .fetch_one(conn)
    .await
    .during("kept answers: read")?;
    if Digest::stored(&row.request_hash)? != *request {
        return Ok(Kept::Other);
    }
    let status = u16::try_from(row.status).map_err(|_| Error::Unreadable { what: "status" })?;
    Ok(Kept::Answered { status, body: row.body })
}

/// Keeps the answer to a request whose key was taken in this transaction.
pub async fn keep(conn: &mut Conn, key: &Digest, status: u16, body: &Value) -> Result<(), Error> {
    sqlx::query!(
        "update product.kept_answers set status = $2, body = $3 where key_hash = $1::bytea",
        key.as_bytes(),
        i16::try_from(status).unwrap_or(i16::MAX),
        body,
    )
    .execute(conn)
    .await
    .during("kept answers: keep")?;
    Ok(())
}

async fn forget(conn: &mut Conn) -> Result<(), Error> {
    sqlx::query!(
        "delete from product.kept_answers where key_hash in (
             select key_hash from product.kept_answers where at < trunkline.now() - make_interval(days => $1)
             order by at limit $2 for update skip locked)",
        KEPT_DAYS,
        FORGOTTEN_AT_ONCE,
    )
    .execute(conn)
    .await
    .during("kept answers: forget")?;
    Ok(())
}
