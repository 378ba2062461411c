//! The `Stripe-Signature` header: how Stripe signs a webhook, and how we check it. ("Verify webhook signatures manually" in
//! Stripe's documentation; what its libraries do beyond that is done here too.)
//!
//! Pure. A signature that fits says when it was made; whoever has a clock then asks whether that is too long ago.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The oldest signature that Stripe's own libraries take. Each delivery, also a repeated one, is signed anew.
pub const TOLERANCE: Duration = Duration::from_mins(5);

/// The one scheme that counts; `v0` is for test events of old, and what comes after `v1` is not known yet.
const SCHEME: &str = "v1";

/// Every header has a time, one signature for each secret in use, and perhaps one of another scheme.
const ITEMS_MAX: usize = 32;

/// Why a webhook is not Stripe's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The header has no time, no signature, or more than any header of Stripe's.
    #[error("the Stripe-Signature header is none")]
    Header,
    /// No signature of scheme `v1` is that of this body under any of the secrets.
    #[error("no signature fits")]
    Mismatch,
}

/// A signature that fits its body. It may still be old: a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a signature that is too old must not count"]
pub struct SignedAt(i64);

impl SignedAt {
    /// Whether it was made within [`TOLERANCE`] before now. One of the future counts, as for Stripe's libraries.
    pub fn is_recent(self, now: DateTime<Utc>) -> bool {
        let oldest = now - TimeDelta::seconds(TOLERANCE.as_secs().cast_signed());
        self.0 >= oldest.timestamp()
    }
}

/// The header for a body, as Stripe makes it: `t=<unix seconds>,v1=<hex of HMAC-SHA256 over "t.body">`.
pub fn sign(body: &[u8], at: DateTime<Utc>, secret: &SecretString) -> String {
    let at = at.timestamp();
    format!("t={at},{SCHEME}={}", expected(body, at, secret))
}

/// Checks the header against the raw body and every secret in use (two while one is being rolled).
///
/// # Errors
///
/// [`Refused`]
pub fn verify(body: &[u8], header: &str, secrets: &[SecretString]) -> Result<SignedAt, Refused> {
    let (at, claimed) = read(header).ok_or(Refused::Header)?;
    // Everything is computed always, so that the time taken tells nothing about what matched.
    let mut fits = false;
    for secret in secrets {
        let expected = expected(body, at, secret);
        for claimed in &claimed {
            fits |= bool::from(claimed.as_bytes().ct_eq(expected.as_bytes()));
        }
    }
    if fits { Ok(SignedAt(at)) } else { Err(Refused::Mismatch) }
}

/// The first time, and all signatures of our scheme. A space after a comma makes an item one of another name, and an item
/// of a name that counts without a value spoils the header: so it is in Stripe's libraries.
fn read(header: &str) -> Option<(i64, Vec<&str>)> {
    let mut at = None;
    let mut signatures = Vec::new();
    for (number, item) in header.split(',').enumerate() {
        let mut parts = item.split('=');
        let (name, value) = (parts.next(), parts.next());
        if number == ITEMS_MAX {
            return None;
        }
        match name {
            Some("t") if at.is_none() => at = Some(value?.parse().ok()?),
            Some(SCHEME) => signatures.push(value?),
            Some(_) | None => {}
        }
    }
    Some((at?, signatures)).filter(|(_, signatures)| !signatures.is_empty())
}

fn expected(body: &[u8], at: i64, secret: &SecretString) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_test_webhook","object":"event"}"#;
    /// Made by Stripe's own library.
    const FITS: &str = "d95c6b7477fbd7e9f90b1b0ef5f9c7ac25abca5382460e0d988c2b2a5b71b990";
    const FITS_OLD: &str = "1de589abed7921316157c1e4fb7961c5840dcd903a3c986f1febdea00ffb9247";

    fn at(secs: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(secs, 0).unwrap()
    }

    fn secrets(names: &[&str]) -> Vec<SecretString> {
        names.iter().map(|name| (*name).into()).collect()
    }

    fn check(header: &str) -> Result<SignedAt, Refused> {
        verify(BODY, header, &secrets(&["whsec_test_secret"]))
    }

    #[test]
    fn what_stripes_library_signed_fits() {
        let signed = SignedAt(1_700_000_000);
        assert_eq!(check(&format!("t=1700000000,v1={FITS}")), Ok(signed));
        let unicode = "094ceb7c57633a45ad71c5e1adcdaffa12687f23adf8df4ec70ad9bfb161d674";
        let body = r#"{"id":"evt_ü","object":"event"}"#.as_bytes();
        let header = format!("t=1700000000,v1={unicode}");
        assert_eq!(verify(body, &header, &secrets(&["whsec_test_secret"])), Ok(signed));
        let made = sign(BODY, at(1_700_000_000), &"whsec_test_secret".into());
        assert_eq!(made, format!("t=1700000000,v1={FITS}"));
    }

    #[test]
    fn any_signature_and_any_secret_may_fit() {
        let header = format!("t=1700000000,v1={},v1={FITS},v0=x", "0".repeat(64));
        assert!(check(&header).is_ok());
        let both = secrets(&["whsec_new", "whsec_old"]);
        assert!(verify(BODY, &format!("t=1700000000,v1={FITS_OLD}"), &both).is_ok());
        let none = verify(BODY, &format!("t=1700000000,v1={FITS}"), &[]);
        assert_eq!(none, Err(Refused::Mismatch));
    }

    #[test]
    fn what_is_not_quite_a_signature_is_none() {
        let upper = FITS.to_uppercase();
        for header in [
            format!("t=1700000001,v1={FITS}"),
            format!("t=1700000000,v0={FITS}"),
            format!("t=1700000000,v1={upper}"),
            format!("t=1700000000, v1={FITS}"),
            format!("t=,v1={FITS}"),
            format!("v1={FITS}"),
            format!("t=1700000000,v1={FITS},v1"),
            format!("t=1700000000{},v1={FITS}", ",x=1".repeat(40)),
            "t=1700000000".to_owned(),
            String::new(),
        ] {
            assert!(check(&header).is_err(), "{header}");
        }
    }

    #[test]
    fn after_five_minutes_it_is_too_old() {
        let signed = SignedAt(1_700_000_000);
        assert!(signed.is_recent(at(1_700_000_300)));
        assert!(!signed.is_recent(at(1_700_000_301)));
        assert!(signed.is_recent(at(1_600_000_000)), "their clock may be ahead of ours");
    }

    proptest! {
        #[test]
        fn what_was_signed_verifies_and_nothing_else_does(
            body in proptest::collection::vec(any::<u8>(), 0..64),
            secret in "[ -~]{1,40}",
            secs in 0_i64..4_000_000_000,
        ) {
            let secret = SecretString::from(secret);
            let header = sign(&body, at(secs), &secret);
            prop_assert_eq!(verify(&body, &header, std::slice::from_ref(&secret)), Ok(SignedAt(secs)));
            let mut other = body.clone();
            other.push(0);
            prop_assert!(verify(&other, &header, &[secret]).is_err());
            prop_assert!(verify(&body, &header, &["another".into()]).is_err());
        }

        #[test]
        fn no_header_makes_the_check_panic(header in ".*", body in ".*") {
            prop_assert!(verify(body.as_bytes(), &header, &["secret".into()]).is_err());
        }
    }
}
