//! A form that Twilio has signed. A handler that takes one cannot forget the check.

use axum::{
    extract::{FromRequest, OriginalUri, Request},
    http::{HeaderMap, HeaderName, Uri},
};
use clients::twilio::signature::{self, Payload};

use crate::{
    body,
    metrics::{self, Webhook},
    problem::{Code, Problem},
    state::ApiState,
};

/// The provider's name in the inbox and in metrics.
pub(super) const PROVIDER: &str = "twilio";

const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");
const FORM: &str = "application/x-www-form-urlencoded";

/// A callback has a few hundred bytes; an inbound message with ten media addresses a few thousand.
const BYTES_MAX: usize = 64 * 1024;

/// The form of a webhook whose signature fits.
pub(crate) struct Signed {
    /// Name and value, decoded, in their order, repeated names kept.
    pub(crate) form: Vec<(String, String)>,
    /// The query, as it was signed.
    pub(crate) query: String,
}

impl FromRequest<ApiState> for Signed {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Signed, Problem> {
        let uri = match request.extensions().get::<OriginalUri>() {
            Some(OriginalUri(uri)) => uri.clone(),
            None => request.uri().clone(),
        };
        let (parts, body) = request.into_parts();
        // Without a signature nothing of the body is read.
        let claimed = signature_of(&parts.headers).ok_or_else(unsigned)?;
        let bytes = body::read(body, BYTES_MAX).await?;
        let is_form = body::media_type(&parts.headers) == FORM;
        let form: Vec<(String, String)> = if is_form {
            form_urlencoded::parse(&bytes).into_owned().collect()
        } else {
            Vec::new()
        };
        let payload = if is_form { Payload::Form(&form) } else { Payload::Json(&bytes) };
        let url = signed_url(&state.config().public_base_url, &uri);
        if !signature::verify(&url, payload, claimed, &state.config().twilio_auth_tokens) {
            return Err(unsigned());
        }
        if !is_form || form.iter().any(|(name, value)| name.contains('\0') || value.contains('\0'))
        {
            return Err(malformed("the body must be a form without U+0000"));
        }
        Ok(Signed { form, query: uri.query().unwrap_or_default().to_owned() })
    }
}

/// The address as Twilio was told it: ours as configured, and path and query byte for byte as they came.
fn signed_url(public_base_url: &str, uri: &Uri) -> String {
    let path_and_query = uri.path_and_query().map_or("", |it| it.as_str());
    format!("{public_base_url}{path_and_query}")
}

fn signature_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(SIGNATURE)?.to_str().ok()
}

fn unsigned() -> Problem {
    metrics::webhook(PROVIDER, Webhook::BadSignature);
    Problem::new(Code::BadSignature, "X-Twilio-Signature is missing or does not fit")
}

/// Signed, and all the same not what we asked for.
pub(super) fn malformed(why: impl Into<String>) -> Problem {
    metrics::webhook(PROVIDER, Webhook::Malformed);
    Problem::new(Code::MalformedWebhook, why.into())
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
}
