//! How much there is of somebody, before anything is done.

use serde_json::{Value, json};

use super::Whom;
use crate::{Conn, Error, error::During};

/// Rows by what they are; the names are those of [`super::Part`], and `call_recordings` at the provider.
pub async fn counts(conn: &mut Conn, whom: Whom<'_>) -> Result<Value, Error> {
    let row = sqlx::query!(
        r#"with calls as materialized (
               select call_id, call_sid from product.calls
               where ($1::uuid is null or tenant_id = $1)
                 and (from_phone = $2::text or to_phone = $2 or $2 is null and num_nonnulls(from_phone, to_phone) > 0)
           ), messages as materialized (
               select message_id from product.messages
               where ($1 is null or tenant_id = $1)
                 and (from_phone = $2 or to_phone = $2
                      or $2 is null and num_nonnulls(from_phone, to_phone, body_sealed) > 0)
           )
           select (select count(*) from calls) as "calls!",
                  (select count(*) from messages) as "messages!",
                  (select count(*) from product.message_bodies b
                   where $2 is null and b.tenant_id = $1 or b.message_id in (select message_id from messages)) as "bodies!",
                  (select count(*) from product.conversations
                   where ($1 is null or tenant_id = $1) and ($2 is null or phone = $2)) as "conversations!",
                  (select count(*) from product.call_transcripts t
                   where $2 is null and t.tenant_id = $1 or t.call_id in (select call_id from calls)) as "transcripts!",
                  (select count(*) from product.call_requests r
                   where ($1 is null or r.tenant_id = $1)
                     and ($2 is null or r.phone = $2 or r.call_id in (select call_id from calls))) as "requests!",
                  (select count(*) from product.call_recordings r
                   where r.status not in ('deleted', 'absent')
                     and ($2 is null and r.tenant_id = $1 or r.call_sid in (select call_sid from calls))) as "recordings!",
                  (select count(*) from product.call_answers
                   where ($1 is null or tenant_id = $1) and ($2 is null or transfer_phone = $2)) as "answers!",
                  (select count(*) from product.voice_sessions
                   where ($1 is null or tenant_id = $1) and transfer_to is not null
                     and ($2 is null or transfer_to = $2)) as "sessions!",
                  (select count(*) from product.demo_verification_codes
                   where ($1 is null or tenant_id = $1) and ($2 is null or phone = $2)) as "codes!",
                  (select count(*) from product.messaging_settings
                   where ($1 is null or tenant_id = $1) and owner_phone is not null
                     and ($2 is null or owner_phone = $2))
                  + (select count(*) from product.voice_settings
                     where ($1 is null or tenant_id = $1)
                       and (transfer_phone = $2
                            or $2 is null and (num_nonnulls(transfer_phone, greeting, emergency_keywords) > 0
                                               or links <> '{}'))) as "settings!",
                  (select count(*) from product.demo_signups
                   where ($1 is null or tenant_id = $1)
                     and (phone = $2 or $2 is null and num_nonnulls(company_name, email, phone) > 0)) as "signups!",
                  (select count(*) from product.opt_outs
                   where ($1 is null or tenant_id = $1) and phone is not null
                     and ($2 is null or phone = $2)) as "opt_outs!""#,
        whom.tenant(),
        whom.phone(),
    )
    .fetch_one(conn)
    .await
    .during("erasure: count")?;
    Ok(json!({
        "verification_codes": row.codes,
        "message_bodies": row.bodies,
        "conversations": row.conversations,
        "messages": row.messages,
        "call_transcripts": row.transcripts,
        "call_requests": row.requests,
        "call_answers": row.answers,
        "voice_sessions": row.sessions,
        "settings": row.settings,
        "people": row.signups,
        "opt_outs": row.opt_outs,
        "calls": row.calls,
        "call_recordings": row.recordings,
    }))
}
