//! What is erased of whom, a batch at a time. Twice is once: a batch finds what is still there.

use super::{Whom, people};
use crate::{Conn, Error, Pepper, PhoneNumber, error::During, word::words};

words! {
    /// A part of what there is of somebody, in the order in which they are erased: what is found by a call or a message goes
    /// before the call and the message lose the person.
    pub enum Part ("part of an erasure") {
        /// Codes that were sent to them.
        Codes = "verification_codes",
        /// What was written.
        Bodies = "message_bodies",
        /// With whom.
        Conversations = "conversations",
        /// Messages stay, without the person.
        Messages = "messages",
        /// What was said.
        Transcripts = "call_transcripts",
        /// What was left for the owner.
        Requests = "call_requests",
        /// To whom calls were put through.
        Answers = "call_answers",
        /// The same.
        Sessions = "voice_sessions",
        /// Where a tenant has named them.
        Settings = "settings",
        /// Their sign-ups and logins.
        People = "people",
        /// What they did not want stays, as a hash.
        OptOuts = "opt_outs",
        /// Calls stay, without the person. The last: by them the others are found.
        Calls = "calls",
    }
}

/// Erases some of a part, at most so many rows; says how many. 0: nothing of it is left.
pub async fn wipe(
    conn: &mut Conn,
    part: Part,
    whom: Whom<'_>,
    pepper: &Pepper,
    rows_max: i64,
) -> Result<u64, Error> {
    match part {
        Part::Codes => codes(conn, whom, rows_max).await,
        Part::Bodies => bodies(conn, whom, rows_max).await,
        Part::Conversations => conversations(conn, whom, rows_max).await,
        Part::Messages => messages(conn, whom, rows_max).await,
        Part::Transcripts => transcripts(conn, whom, rows_max).await,
        Part::Requests => requests(conn, whom, rows_max).await,
        Part::Answers => answers(conn, whom, rows_max).await,
        Part::Sessions => sessions(conn, whom, rows_max).await,
        Part::Settings => settings(conn, whom).await,
        Part::People => people::forget(conn, whom).await,
        Part::OptOuts => opt_outs(conn, whom, pepper, rows_max).await,
        Part::Calls => calls(conn, whom, rows_max).await,
    }
}

async fn codes(conn: &mut Conn, whom: Whom<'_>, rows_max: i64) -> Result<u64, Error> {
    let done = sqlx::query!(
        "delete from product.demo_verification_codes where code_id in (
             select code_id from product.demo_verification_codes
             where ($1::uuid is null or tenant_id = $1) and ($2::text is null or phone = $2) limit $3)",
        whom.tenant(),
        whom.phone(),
        rows_max,
    );
    Ok(done.execute(conn).await.during("erasure: codes")?.rows_affected())
}

async fn bodies(conn: &mut Conn, whom: Whom<'_>, rows_max: i64) -> Result<u64, Error> {
    let done = sqlx::query!(
        "delete from product.message_bodies where message_id in (
             select b.message_id from product.message_bodies b join product.messages m using (message_id)
             where ($1::uuid is null or b.tenant_id = $1)
               and ($2::text is null or m.from_phone = $2 or m.to_phone = $2) limit $3)",
        whom.tenant(),
        whom.phone(),
        rows_max,
    );
    Ok(done.execute(conn).await.during("erasure: bodies")?.rows_affected())
}

async fn conversations(conn: &mut Conn, whom: Whom<'_>, rows_max: i64) -> Result<u64, Error> {
    let done = sqlx::query!(
        "delete from product.conversations where conversation_id in (
             select conversation_id from product.conversations
             where ($1::uuid is null or tenant_id = $1) and ($2::text is null or phone = $2) limit $3)",
        whom.tenant(),
        whom.phone(),
        rows_max,
    );
    Ok(done.execute(conn).await.during("erasure: conversations")?.rows_affected())
}

async fn messages(conn: &mut Conn, whom: Whom<'_>, rows_max: i64) -> Result<u64, Error> {
    let done = sqlx::query!(
        "update product.messages
         set to_phone = case when $2::text is not null then nullif(to_phone::text, $2) end,
             from_phone = case when $2 is not null then nullif(from_phone::text, $2) end, body_sealed = null
         where message_id in (
             select message_id from product.messages
             where ($1::uuid is null or tenant_id = $1)
               and (from_phone = $2 or to_phone = $2
                    or $2 is null and num_nonnulls(from_phone, to_phone, body_sealed) > 0) limit $3)",
        whom.tenant(),
        whom.phone(),
        rows_max,
    );
    Ok(done.execute(conn).await.during("erasure: messages")?.rows_affected())
}

async fn transcripts(conn: &mut Conn, whom: Whom<'_>, rows_max: i64) -> Result<u64, Error> {
    let done = sqlx::query!(
        "delete from product.call_transcripts where call_id in (
             select t.call_id from product.call_transcripts t join product.calls c using (call_id)
             where ($1::uuid is null or t.tenant_id = $1)
               and ($2::text is null or c.from_phone = $2 or c.to_phone = $2) limit $3)",
        whom.tenant(),
        whom.phone(),
        rows_max,
    );
    Ok(done.execute(conn).await.during("erasure: transcripts")?.rows_affected())
}

async fn requests(conn: &mut Conn, whom: Whom<'_>, rows_max: i64) -> Result<u64, Error> {
    let done = sqlx::query!(
        "delete from product.call_requests where request_id in (
             select r.request_id from product.call_requests r left join product.calls c using (call_id)
             where ($1::uuid is null or r.tenant_id = $1)
               and ($2::text is null or r.phone = $2 or c.from_phone = $2 or c.to_phone = $2) limit $3)",
        whom.tenant(),
        whom.phone(),
        rows_max,
    );
    Ok(done.execute(conn).await.during("erasure: requests")?.rows_affected())
}

/// Of calls that are over: while one goes on, the same question has to get the same answer.
async fn answers(conn: &mut Conn, whom: Whom<'_>, rows_max: i64) -> Result<u64, Error> {
    let done = sqlx::query!(
        "delete from product.call_answers where call_sid in (
             select a.call_sid from product.call_answers a join product.calls c using (call_id)
             where ($1::uuid is null or a.tenant_id = $1) and ($2::text is null or a.transfer_phone = $2)
               and c.ended_at is not null limit $3)",
        whom.tenant(),
        whom.phone(),
        rows_max,
    );
    Ok(done.execute(conn).await.during("erasure: answers")?.rows_affected())
}

async fn sessions(conn: &mut Conn, whom: Whom<'_>, rows_max: i64) -> Result<u64, Error> {
    let done = sqlx::query!(
        "delete from product.voice_sessions where session_id in (
             select session_id from product.voice_sessions
             where ($1::uuid is null or tenant_id = $1) and ($2::text is null or transfer_to = $2)
               and transfer_to is not null and closed_at is not null limit $3)",
        whom.tenant(),
        whom.phone(),
        rows_max,
    );
    Ok(done.execute(conn).await.during("erasure: sessions")?.rows_affected())
}

/// A tenant has one row of each.
async fn settings(conn: &mut Conn, whom: Whom<'_>) -> Result<u64, Error> {
    let messaging = sqlx::query!(
        "update product.messaging_settings set owner_phone = null, updated_at = trunkline.now()
         where ($1::uuid is null or tenant_id = $1) and owner_phone is not null and ($2::text is null or owner_phone = $2)",
        whom.tenant(),
        whom.phone(),
    )
    .execute(&mut *conn)
    .await
    .during("erasure: messaging settings")?;
    let voice = sqlx::query!(
        "update product.voice_settings
         set transfer_phone = null, updated_at = trunkline.now(),
             greeting = case when $2::text is not null then greeting end,
             emergency_keywords = case when $2 is not null then emergency_keywords end,
             links = case when $2 is not null then links else '{}' end
         where ($1::uuid is null or tenant_id = $1)
           and (transfer_phone = $2
                or $2 is null and (num_nonnulls(transfer_phone, greeting, emergency_keywords) > 0 or links <> '{}'))",
        whom.tenant(),
        whom.phone(),
    )
    .execute(conn)
    .await
    .during("erasure: voice settings")?;
    Ok(messaging.rows_affected() + voice.rows_affected())
}

async fn opt_outs(
    conn: &mut Conn,
    whom: Whom<'_>,
    pepper: &Pepper,
    rows_max: i64,
) -> Result<u64, Error> {
    let rows = sqlx::query!(
        r#"select opt_out_id, phone::text as "phone!" from product.opt_outs
           where ($1::uuid is null or tenant_id = $1) and phone is not null and ($2::text is null or phone = $2)
           limit $3"#,
        whom.tenant(),
        whom.phone(),
        rows_max,
    )
    .fetch_all(&mut *conn)
    .await
    .during("erasure: opt-outs")?;
    let mut ids = Vec::with_capacity(rows.len());
    let mut hashes = Vec::with_capacity(rows.len());
    for row in rows {
        ids.push(row.opt_out_id);
        hashes.push(PhoneNumber::stored(&row.phone)?.digest(pepper).as_bytes().to_vec());
    }
    let done = sqlx::query!(
        "update product.opt_outs o set phone = null, phone_hash = h.hash
         from unnest($1::bigint[], $2::bytea[]) as h (id, hash)
         where o.opt_out_id = h.id and o.phone is not null",
        &ids,
        &hashes,
    );
    Ok(done.execute(conn).await.during("erasure: opt-outs")?.rows_affected())
}

/// Of calls that are over.
async fn calls(conn: &mut Conn, whom: Whom<'_>, rows_max: i64) -> Result<u64, Error> {
    let done = sqlx::query!(
        "update product.calls
         set from_phone = case when $2::text is not null then nullif(from_phone::text, $2) end,
             to_phone = case when $2 is not null then nullif(to_phone::text, $2) end,
             erased_at = trunkline.now()
         where call_id in (
             select call_id from product.calls
             where ($1::uuid is null or tenant_id = $1) and ended_at is not null
               and (from_phone = $2 or to_phone = $2 or $2 is null and num_nonnulls(from_phone, to_phone) > 0) limit $3)",
        whom.tenant(),
        whom.phone(),
        rows_max,
    );
    Ok(done.execute(conn).await.during("erasure: calls")?.rows_affected())
}
