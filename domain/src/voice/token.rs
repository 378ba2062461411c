//! The token that a call's audio has to bring: for one session, one claim of its job, one call, and a minute. Pure.
//!
//! It is told to the provider in the answer to a signed webhook, and comes back with the stream's first words. Whoever has
//! an old one finds that its claim is over; whoever has a fresh one finds it used.

use std::fmt::Write;

use crate::{Digest, Pepper, id::VoiceSessionId};

/// From the claim on. A greeting and the way to the worker take seconds.
pub const LIFETIME_SECS: i64 = 60;

/// Keeps this use of the pepper apart from every other.
const PURPOSE: &str = "voice-stream";

/// A version, in case that it ever changes.
const VERSION: &str = "v1";

/// Longer than any of ours.
const CHARS_MAX: usize = 160;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant<'a> {
    /// Which session.
    pub session: VoiceSessionId,
    /// Which claim of its job.
    pub epoch: i32,
    /// Which call, by the provider's name.
    pub call_sid: &'a str,
    /// Until when, in seconds since 1970.
    pub until: i64,
}

/// Why a token does not open the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// It is none of ours.
    #[error("the token is none of ours")]
    Forged,
    /// Its minute is over.
    #[error("the token is too old")]
    Expired,
}

/// Makes the token. The same grant makes the same token.
pub fn mint(pepper: &Pepper, grant: &Grant<'_>) -> String {
    let mut token = format!("{VERSION}.{}.{}.{}.", grant.session, grant.epoch, grant.until);
    for byte in mac(pepper, grant).as_bytes() {
        // Writing to memory does not fail.
        let _ = write!(token, "{byte:02x}");
    }
    token
}

/// Checks a token that came with the audio of a call; gives the session and the claim.
///
/// # Errors
///
/// It is forged, for another call, or too old.
pub fn verify(
    pepper: &Pepper,
    token: &str,
    call_sid: &str,
    now: i64,
) -> Result<(VoiceSessionId, i32), BadToken> {
    let grant = read(token, call_sid).ok_or(BadToken::Forged)?;
    let claimed = token.rsplit('.').next().and_then(|hex| hex::decode(hex).ok());
    let claimed = claimed.and_then(|bytes| Digest::stored(&bytes).ok()).ok_or(BadToken::Forged)?;
    if claimed != mac(pepper, &grant) {
        return Err(BadToken::Forged);
    }
    if now >= grant.until {
        return Err(BadToken::Expired);
    }
    Ok((grant.session, grant.epoch))
}

fn read<'a>(token: &str, call_sid: &'a str) -> Option<Grant<'a>> {
    if token.len() > CHARS_MAX {
        return None;
    }
    let mut parts = token.split('.');
    let (version, session, epoch, until) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let shaped = version == VERSION && parts.next().is_some() && parts.next().is_none();
    shaped.then_some(())?;
    Some(Grant {
        session: session.parse().ok()?,
        epoch: epoch.parse().ok()?,
        call_sid,
        until: until.parse().ok()?,
    })
}

fn mac(pepper: &Pepper, grant: &Grant<'_>) -> Digest {
    let session = grant.session.as_uuid();
    pepper.hash(
        PURPOSE,
        &[
            session.as_bytes(),
            &grant.epoch.to_be_bytes(),
            grant.call_sid.as_bytes(),
            &grant.until.to_be_bytes(),
        ],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CALL: &str = "CA0123456789abcdef0123456789abcdef";

    fn pepper(fill: &str) -> Pepper {
        Pepper::new(fill.repeat(Pepper::BYTES_MIN).into()).unwrap()
    }

    #[test]
    fn a_token_opens_its_own_line_for_its_minute() {
        let (pepper, session) = (pepper("a"), VoiceSessionId::mint());
        let token = mint(&pepper, &Grant { session, epoch: 3, call_sid: CALL, until: 1000 });
        assert_eq!(verify(&pepper, &token, CALL, 999), Ok((session, 3)));
        assert_eq!(verify(&pepper, &token, CALL, 1000), Err(BadToken::Expired));
    }

    #[test]
    fn a_token_of_another_call_another_key_or_another_claim_is_forged() {
        let session = VoiceSessionId::mint();
        let token = mint(&pepper("a"), &Grant { session, epoch: 3, call_sid: CALL, until: 1000 });
        let other_call = CALL.replace('0', "1");
        assert_eq!(verify(&pepper("a"), &token, &other_call, 1), Err(BadToken::Forged));
        assert_eq!(verify(&pepper("b"), &token, CALL, 1), Err(BadToken::Forged));
        let next_claim = token.replacen(".3.", ".4.", 1);
        assert_eq!(verify(&pepper("a"), &next_claim, CALL, 1), Err(BadToken::Forged));
        let later = token.replacen(".1000.", ".9999.", 1);
        assert_eq!(verify(&pepper("a"), &later, CALL, 1), Err(BadToken::Forged));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_check(text in ".{0,200}") {
            prop_assert_eq!(verify(&pepper("a"), &text, CALL, 1), Err(BadToken::Forged));
        }

        #[test]
        fn no_changed_letter_passes(place in 0_usize..120, letter in "[0-9a-z.]") {
            let session = VoiceSessionId::mint();
            let token = mint(&pepper("a"), &Grant { session, epoch: 1, call_sid: CALL, until: 1000 });
            let place = place % token.len();
            let mut changed = token.clone();
            changed.replace_range(place..=place, &letter);
            prop_assert!(changed == token || verify(&pepper("a"), &changed, CALL, 1).is_err());
        }
    }
}
