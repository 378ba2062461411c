//! The `X-Twilio-Signature` header: how Twilio signs a webhook, and how we check it.
//!
//! Pure. The signature has no timestamp: a repeated webhook verifies again, so whoever acts on one
//! must be idempotent.

mod candidates; // the URLs under which Twilio may have signed
#[cfg(test)]
mod properties;
#[cfg(test)]
mod vectors;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The query parameter in which Twilio carries the hash of a JSON body, lower-case hex.
const BODY_HASH: &str = "bodySHA256";

/// What of the request, besides its URL, is signed.
#[derive(Clone, Copy)]
pub enum Payload<'a> {
    /// A form body, decoded, repeated keys kept. Empty for GET and for a WebSocket's handshake.
    Form(&'a [(String, String)]),
    /// A JSON body, byte for byte. Its hash must stand in the URL.
    Json(&'a [u8]),
}

/// Signs a webhook as Twilio does: base64 of HMAC-SHA1 over the URL (without fragment) and the
/// distinct parameters in byte order, nothing between them.
pub fn sign(url: &str, params: &[(String, String)], auth_token: &SecretString) -> String {
    STANDARD.encode(mac(without_fragment(url), params, auth_token).finalize().into_bytes())
}

/// Checks a webhook's signature against every token in use (two while one is being rotated).
///
/// `url` is the URL as Twilio was told it, never rebuilt from parts. Twilio's own libraries
/// disagree on ports and on normalising, so each form they accept is accepted here; all of them
/// are keyed, so more forms do not weaken the check.
pub fn verify(url: &str, payload: Payload<'_>, signature: &str, tokens: &[SecretString]) -> bool {
    let Ok(claimed) = STANDARD.decode(signature) else { return false };
    let params = match payload {
        Payload::Form(params) => params,
        Payload::Json(body) if body_hash_holds(url, body) => &[],
        Payload::Json(_) => return false,
    };
    // Everything is computed always, so that the time taken tells nothing about what matched.
    let mut valid = false;
    for candidate in candidates::of(without_fragment(url)) {
        for token in tokens {
            valid |= mac(&candidate, params, token).verify_slice(&claimed).is_ok();
        }
    }
    valid
}

fn mac(url: &str, params: &[(String, String)], token: &SecretString) -> Hmac<Sha1> {
    let mut mac = Hmac::<Sha1>::new_from_slice(token.expose_secret().as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(url.as_bytes());
    let mut params: Vec<_> = params.iter().collect();
    params.sort_unstable();
    params.dedup();
    for (key, value) in params {
        mac.update(key.as_bytes());
        mac.update(value.as_bytes());
    }
    mac
}

/// What Twilio adds to the address of a webhook with a JSON body, as `bodySHA256`: lower-case hex.
pub fn body_hash(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

fn body_hash_holds(url: &str, body: &[u8]) -> bool {
    let Some((_, query)) = without_fragment(url).split_once('?') else { return false };
    let claimed = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == BODY_HASH);
    let actual = body_hash(body);
    claimed.is_some_and(|(_, hash)| hash.as_bytes().ct_eq(actual.as_bytes()).into())
}

/// Twilio keeps the fragment (its connection overrides) to itself.
fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(before, _)| before)
}
