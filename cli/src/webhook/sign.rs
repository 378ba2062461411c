//! What a provider would post, with its signature. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use clients::{stripe, twilio};
use secrecy::SecretString;
use serde::Serialize;
use url::{Url, form_urlencoded};

/// A request that is accepted by whoever has the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Signed {
    pub(super) url: String,
    pub(super) headers: BTreeMap<&'static str, String>,
    pub(super) body: String,
}

impl Signed {
    /// Twilio's form.
    pub(super) fn form(url: &Url, fields: Vec<(String, String)>, token: &SecretString) -> Signed {
        let signature = twilio::signature::sign(url.as_str(), &fields, token);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        of(url, ("X-Twilio-Signature", signature), "application/x-www-form-urlencoded", body)
    }

    /// Twilio's JSON: the address carries the hash of the body, and is what is signed.
    pub(super) fn json(url: &Url, body: String, token: &SecretString) -> Signed {
        let mut url = url.clone();
        let hash = twilio::signature::body_hash(body.as_bytes());
        url.query_pairs_mut().append_pair("bodySHA256", &hash);
        let signature = twilio::signature::sign(url.as_str(), &[], token);
        of(&url, ("X-Twilio-Signature", signature), "application/json", body)
    }

    /// An event of Stripe's.
    pub(super) fn event(
        url: &Url,
        body: String,
        at: DateTime<Utc>,
        secret: &SecretString,
    ) -> Signed {
        let signature = stripe::signature::sign(body.as_bytes(), at, secret);
        of(url, ("Stripe-Signature", signature), "application/json", body)
    }
}

fn of(url: &Url, signature: (&'static str, String), media_type: &str, body: String) -> Signed {
    let headers = BTreeMap::from([signature, ("Content-Type", media_type.to_owned())]);
    Signed { url: url.to_string(), headers, body }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> Url {
        "https://mycompany.com/myapp.php?foo=1&bar=2".parse().unwrap()
    }

    /// The vectors are those of Twilio's and Stripe's own libraries.
    #[test]
    fn what_is_signed_has_the_signatures_of_the_providers_libraries() {
        let token = SecretString::from("12345");
        let fields = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let form = Signed::form(&url(), fields, &token);
        assert_eq!(form.headers["X-Twilio-Signature"], "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
        assert!(form.body.contains("From=%2B14158675309&To="));

        let body = r#"{"property": "value", "boolean": true}"#.to_owned();
        let json = Signed::json(&url(), body, &token);
        assert_eq!(json.headers["X-Twilio-Signature"], "a9nBmqA0ju/hNViExpshrM61xv4=");
        assert!(json.url.contains("&bodySHA256=0a1ff7634d9ab3b9"));

        let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let body = r#"{"id":"evt_test_webhook","object":"event"}"#.to_owned();
        let event = Signed::event(&url(), body, at, &"whsec_test_secret".into());
        assert!(event.headers["Stripe-Signature"].starts_with("t=1700000000,v1=d95c6b7477fb"));
    }
}
