//! The word that our addresses at Twilio carry besides the signature, where one is configured.

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// Under which it stands in the address.
const TOKEN: &str = "webhook_token";

/// Whether a query has one of the words that count now (two while one is being exchanged). Without any, every query has it.
pub(super) fn holds(query: &str, tokens: &[SecretString]) -> bool {
    if tokens.is_empty() {
        return true;
    }
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let Some((_, given)) = pairs.find(|(name, _)| name == TOKEN) else { return false };
    // All are compared always, so that the time taken tells nothing about which one fits. Their length is no secret.
    tokens.iter().fold(false, |fits, token| {
        fits | bool::from(given.as_bytes().ct_eq(token.expose_secret().as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_words_of_a_rotation_count_and_nothing_else_does() {
        let tokens: Vec<SecretString> = vec!["the-new-word".into(), "the old+word".into()];
        assert!(holds("x=1&webhook_token=the-new-word", &tokens));
        assert!(holds("webhook_token=the+old%2Bword", &tokens));
        for query in ["", "webhook_token=", "webhook_token=the-new-wor", "token=the-new-word"] {
            assert!(!holds(query, &tokens), "{query}");
        }
        assert!(holds("", &[]), "where none is configured none is asked for");
    }
}
