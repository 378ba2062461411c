//! Whose keyed hash it is, where only that is known: after a restore, when the list of erasures is gone through once more. All
//! numbers that there are, are hashed; for one erasure in years that is cheaper than an index of hashes beside every number.

use subtle::ConstantTimeEq;

use crate::{Conn, Error, Pepper, PhoneNumber, error::During};

/// Numbers looked at in one go.
const PHONES_MAX: i64 = 20_000;

/// What a look found.
#[derive(Debug)]
pub enum Found {
    /// It is this one.
    Yes(PhoneNumber),
    /// Not among these; the last of them.
    NotUpTo(PhoneNumber),
    /// There is nobody of this hash.
    Nobody,
}

/// Looks through the numbers after this one.
pub async fn find(
    conn: &mut Conn,
    person: &[u8],
    pepper: &Pepper,
    after: Option<&PhoneNumber>,
) -> Result<Found, Error> {
    let phones = sqlx::query_scalar!(
        r#"select distinct phone::text as "phone!" from (
               select phone::text from product.conversations
               union all select from_phone::text from product.messages
               union all select to_phone::text from product.messages
               union all select from_phone::text from product.calls
               union all select to_phone::text from product.calls
               union all select phone::text from product.call_requests
               union all select phone::text from product.demo_signups
               union all select phone::text from product.demo_verification_codes
               union all select phone::text from product.opt_outs
               union all select owner_phone::text from product.messaging_settings
               union all select transfer_phone::text from product.voice_settings
               union all select transfer_phone::text from product.call_answers
               union all select transfer_to::text from product.voice_sessions
           ) as all_of_them (phone)
           where phone is not null and phone > $1
           order by 1 limit $2"#,
        after.map_or("", PhoneNumber::as_e164),
        PHONES_MAX,
    )
    .fetch_all(conn)
    .await
    .during("erasure: find")?;
    let is_all = i64::try_from(phones.len()).unwrap_or(PHONES_MAX) < PHONES_MAX;
    let mut last = None;
    for phone in &phones {
        let phone = PhoneNumber::stored(phone)?;
        if bool::from(phone.digest(pepper).as_bytes().ct_eq(person)) {
            return Ok(Found::Yes(phone));
        }
        last = Some(phone);
    }
    Ok(last.filter(|_| !is_all).map_or(Found::Nobody, Found::NotUpTo))
}
