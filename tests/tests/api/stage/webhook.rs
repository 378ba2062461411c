//! What Twilio posts.

use std::fmt::Write as _;

use clients::twilio::signature;
use secrecy::SecretString;
use tests::{Answer, PUBLIC_BASE_URL, TWILIO_ACCOUNT, TWILIO_TOKEN, TestApi};

use super::Stage;

/// Where status callbacks go.
const PATH: &str = "/telephony/sms-status";

/// A webhook, signed or not.
#[derive(Debug, Clone)]
pub(crate) struct Webhook {
    at: String,
    query: String,
    params: Vec<(String, String)>,
    signature: Option<String>,
}

impl Webhook {
    /// A status callback, signed as Twilio signs.
    pub(crate) fn status(sid: &str, status: &str) -> Webhook {
        Webhook::with(&[
            ("AccountSid", TWILIO_ACCOUNT),
            ("MessageSid", sid),
            ("MessageStatus", status),
            ("To", "+436641234567"),
        ])
    }

    /// News of a call from somebody to one of our numbers, to the address for that.
    pub(crate) fn call(sid: &str, status: &str, to: &str) -> Webhook {
        Webhook::with(&[
            ("AccountSid", TWILIO_ACCOUNT),
            ("CallSid", sid),
            ("CallStatus", status),
            ("Direction", "inbound"),
            ("From", "+436641234567"),
            ("To", to),
            ("Timestamp", "Sat, 21 Nov 2026 08:00:00 +0000"),
        ])
        .to("/telephony/status")
    }

    /// A text that somebody wrote to one of our numbers.
    pub(crate) fn text(sid: &str, from: &str, to: &str, body: &str) -> Webhook {
        Webhook::with(&[
            ("AccountSid", TWILIO_ACCOUNT),
            ("MessageSid", sid),
            ("From", from),
            ("To", to),
            ("Body", body),
        ])
        .to("/telephony/sms")
    }

    /// Any form, signed.
    pub(crate) fn with(params: &[(&str, &str)]) -> Webhook {
        let params = params.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Webhook {
            at: PATH.to_owned(),
            query: String::new(),
            params: params.collect(),
            signature: None,
        }
        .signed(TWILIO_TOKEN)
    }

    /// With one more parameter, signed again.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Webhook {
        self.params.push((name.into(), value.into()));
        self.signed(TWILIO_TOKEN)
    }

    /// To another address, signed again.
    pub(crate) fn to(mut self, path: &str) -> Webhook {
        path.clone_into(&mut self.at);
        self.signed(TWILIO_TOKEN)
    }

    /// Delivered to another address than the one that was signed.
    pub(crate) fn strayed_to(mut self, path: &str) -> Webhook {
        path.clone_into(&mut self.at);
        self
    }

    /// To an address with a query, signed again.
    pub(crate) fn query(mut self, query: &str) -> Webhook {
        query.clone_into(&mut self.query);
        self.signed(TWILIO_TOKEN)
    }

    /// Signed with another token.
    pub(crate) fn signed(mut self, token: &str) -> Webhook {
        let url = format!("{PUBLIC_BASE_URL}{}", self.path());
        self.signature = Some(signature::sign(&url, &self.params, &SecretString::from(token)));
        self
    }

    /// With this for a signature.
    pub(crate) fn forged(mut self, signature: &str) -> Webhook {
        self.signature = Some(signature.to_owned());
        self
    }

    /// Without any.
    pub(crate) fn unsigned(mut self) -> Webhook {
        self.signature = None;
        self
    }

    /// Changed on its way.
    pub(crate) fn tampered(mut self, name: &str, value: &str) -> Webhook {
        for (known, said) in &mut self.params {
            if known == name {
                value.clone_into(said);
            }
        }
        self
    }

    /// Its signature; empty without one.
    pub(crate) fn signature(&self) -> &str {
        self.signature.as_deref().unwrap_or_default()
    }

    /// Delivers it.
    pub(crate) async fn post(&self, stage: &Stage) -> Answer {
        self.post_to(&stage.api).await
    }

    /// Delivers it to another instance.
    pub(crate) async fn post_to(&self, api: &TestApi) -> Answer {
        let mut body = String::new();
        for (name, value) in &self.params {
            let between = if body.is_empty() { "" } else { "&" };
            write!(body, "{between}{}={}", encoded(name), encoded(value)).unwrap();
        }
        let ask = api.post(&self.path()).body("application/x-www-form-urlencoded", body);
        let ask = match &self.signature {
            Some(signature) => ask.header("x-twilio-signature", signature),
            None => ask,
        };
        ask.send().await
    }

    fn path(&self) -> String {
        if self.query.is_empty() { self.at.clone() } else { format!("{}?{}", self.at, self.query) }
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
