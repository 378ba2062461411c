//! A form that Twilio has signed. A handler that takes one cannot forget the check.

use axum::{
    extract::{FromRequest, OriginalUri, Request},
    http::{HeaderMap, HeaderName, Uri},
};
use clients::twilio::signature::{self, Payload};
use serde_json::{Map, Value};
use workflows::events;

use super::token;
use crate::{
    body,
    metrics::{self, Webhook},
    problem::{Code, Problem},
    state::ApiState,
};

/// The provider's name in the inbox and in metrics.
pub(super) const PROVIDER: &str = workflows::door::TWILIO;

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// A callback has a few hundred bytes; an inbound message with ten media addresses a few thousand.
const BYTES_MAX: usize = 64 * 1024;

/// The fields of a webhook whose signature fits.
pub(crate) struct Signed {
    /// Name and value, decoded, in their order, repeated names kept.
    pub(crate) form: Vec<(String, String)>,
    /// The query, as it was signed.
    query: String,
}

impl Signed {
    /// The first parameter of this name in the address.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(it, _)| it == name).map(|(_, value)| value.into_owned())
    }

    /// Whether there is a field of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.form.iter().any(|(it, value)| it == name && !value.is_empty())
    }
}

impl FromRequest<ApiState> for Signed {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Signed, Problem> {
        let config = state.config();
        let uri = match request.extensions().get::<OriginalUri>() {
            Some(OriginalUri(uri)) => uri.clone(),
            None => request.uri().clone(),
        };
        let (parts, body) = request.into_parts();
        let query = uri.query().unwrap_or_default();
        if !token::holds(query, &config.twilio_webhook_tokens) {
            let why = "the webhook_token is missing or does not fit";
            tracing::warn!(
                target: "twilio.webhook-auth",
                event = events::WEBHOOK_VALIDATION_FAILED,
                path = uri.path(),
                why,
                "a webhook was refused"
            );
            return Err(refused(why));
        }
        // Without a signature nothing of the body is read.
        let claimed = match signature_of(&parts.headers) {
            Some(claimed) => Some(claimed),
            None if config.twilio_validate_signature => {
                tracing::warn!(
                    target: "twilio.webhook-auth",
                    event = events::TWILIO_SIGNATURE_MISSING,
                    class = events::WEBHOOK_VALIDATION_FAILED,
                    path = uri.path(),
                    "a webhook was refused"
                );
                return Err(refused("X-Twilio-Signature is missing"));
            }
            None => None,
        };
        let bytes = body::read(body, BYTES_MAX).await?;
        let kind = body::media_type(&parts.headers);
        let form = if kind == FORM { form(&bytes) } else { Vec::new() };
        if config.twilio_validate_signature {
            let payload = if kind == FORM { Payload::Form(&form) } else { Payload::Json(&bytes) };
            let url = signed_url(&config.public_base_url, &uri);
            let claimed = claimed.unwrap_or_default();
            if !signature::verify(&url, payload, claimed, &config.twilio_auth_tokens.all()) {
                tracing::warn!(
                    target: "twilio.webhook-auth",
                    event = events::TWILIO_SIGNATURE_INVALID,
                    class = events::WEBHOOK_VALIDATION_FAILED,
                    path = uri.path(),
                    "a webhook was refused"
                );
                return Err(refused("X-Twilio-Signature does not fit"));
            }
        }
        let form = match kind.as_str() {
            FORM => form,
            JSON => from_json(&bytes).ok_or_else(|| malformed("the JSON must be a flat object"))?,
            _ => return Err(malformed("the body must be a form or JSON")),
        };
        if form.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(malformed("the body must not have U+0000 in it"));
        }
        Ok(Signed { form, query: query.to_owned() })
    }
}

fn form(bytes: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(bytes).into_owned().collect()
}

/// A JSON body as the form that it stands for: words and numbers, and lists of them as repeated names.
fn from_json(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let object: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
    let mut form = Vec::new();
    for (name, value) in object {
        let values = match value {
            Value::Array(values) => values,
            Value::Null => continue,
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => vec![value],
        };
        for value in values {
            let text = match value {
                Value::String(text) => text,
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => return None,
            };
            form.push((name.clone(), text));
        }
    }
    Some(form)
}

/// The address as Twilio was told it: ours as configured, and path and query byte for byte as they came.
fn signed_url(public_base_url: &str, uri: &Uri) -> String {
    let path_and_query = uri.path_and_query().map_or("", |it| it.as_str());
    format!("{public_base_url}{path_and_query}")
}

fn signature_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(SIGNATURE)?.to_str().ok()
}

/// The log says which of the usual causes it is (a token that was exchanged, an address that is not the configured one);
/// the answer says it too, for it tells nobody more than they know.
fn refused(why: &'static str) -> Problem {
    metrics::webhook(PROVIDER, Webhook::BadSignature);
    Problem::new(Code::BadSignature, why)
}

/// Signed, and all the same not what we asked for.
pub(super) fn malformed(why: impl Into<String>) -> Problem {
    let why = why.into();
    tracing::warn!(
        target: "twilio.webhook-auth",
        event = events::WEBHOOK_VALIDATION_FAILED,
        why,
        "a webhook is not what was asked for"
    );
    metrics::webhook(PROVIDER, Webhook::Malformed);
    Problem::new(Code::MalformedWebhook, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_are_taken_as_they_came() {
        let uri: Uri = "/telephony/sms-status?x=a+b&y=%2B43".parse().unwrap();
        let url = signed_url("https://api.example.com", &uri);
        assert_eq!(url, "https://api.example.com/telephony/sms-status?x=a+b&y=%2B43");
    }

    #[test]
    fn json_stands_for_a_form() {
        let read = |text: &str| from_json(text.as_bytes());
        let pairs = read(r#"{"a": "1", "b": [2, "x"], "c": null, "d": true}"#).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("a", "1"), ("b", "2"), ("b", "x"), ("d", "true")]);
        for text in ["", "[]", "1", r#"{"a": {}}"#, r#"{"a": [[1]]}"#, "{"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
