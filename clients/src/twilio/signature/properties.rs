//! What holds for every webhook, not only for the known vectors.

use proptest::prelude::*;
use secrecy::SecretString;

use super::{Payload, sign, verify};

fn url() -> impl Strategy<Value = String> {
    (
        prop_oneof!["http", "https", "wss"],
        "[a-zA-Z][a-zA-Z0-9.-]{0,20}(:[0-9]{1,4})?",
        "(/[ -~]{0,20})?(\\?[ -~]{0,20})?",
    )
        .prop_map(|(scheme, authority, rest)| format!("{scheme}://{authority}{rest}"))
}

fn params() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::vec(("[A-Za-z]{1,4}", ".{0,8}"), 0..8)
}

proptest! {
    #[test]
    fn what_was_signed_verifies_in_any_order_and_repetition(
        url in url(),
        params in params(),
        token in "[0-9a-f]{32}",
    ) {
        let token = SecretString::from(token);
        let signature = sign(&url, &params, &token);
        let mut reordered: Vec<_> = params.iter().rev().cloned().collect();
        reordered.extend(params.first().cloned());
        prop_assert!(verify(&url, Payload::Form(&reordered), &signature, &[token]));
    }

    #[test]
    fn another_parameter_or_another_token_does_not_verify(
        url in url(),
        params in params(),
        token in "[0-9a-f]{32}",
    ) {
        let token = SecretString::from(token);
        let signature = sign(&url, &params, &token);
        let mut more = params.clone();
        more.push(("Longer".into(), "x".into()));
        prop_assert!(!verify(&url, Payload::Form(&more), &signature, &[token]));
        prop_assert!(!verify(&url, Payload::Form(&params), &signature, &["other".into()]));
    }

    #[test]
    fn no_input_makes_the_check_panic(url in ".*", signature in ".*", body in ".*") {
        prop_assert!(!verify(&url, Payload::Form(&[]), &signature, &["token".into()]));
        prop_assert!(!verify(&url, Payload::Json(body.as_bytes()), &signature, &["token".into()]));
    }
}
